-- +goose Up

-- For what was done to one object, such as a transaction or a key: the newest first.
CREATE INDEX audit_by_object ON audit (object, number);
