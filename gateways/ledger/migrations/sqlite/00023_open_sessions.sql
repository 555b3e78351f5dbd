-- +goose Up

-- What may be shown of a session, and its end. The id and the document are NULL before a person has signed in, and until newer
-- code writes the row that older code has made.
ALTER TABLE sessions ADD COLUMN id TEXT;          -- by which people name the session: it opens nothing
ALTER TABLE sessions ADD COLUMN document TEXT;    -- whose it is, since when and from where, as JSON
ALTER TABLE sessions ADD COLUMN ended_at INTEGER; -- microseconds since 1970

-- An ended session has no data, so older code does not take it for an open one either.
-- +goose StatementBegin
CREATE TRIGGER sessions_are_ended AFTER UPDATE OF ended_at ON sessions
BEGIN
    UPDATE sessions SET data = x'' WHERE digest = NEW.digest;
END;
-- +goose StatementEnd
