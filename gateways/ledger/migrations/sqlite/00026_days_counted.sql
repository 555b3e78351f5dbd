-- +goose Up

-- When a worker last began to count a day for reports, and until when none counts it again: as long as the first one may take, and so
-- long after its count that a busy day costs little.
CREATE TABLE days_counted (
    day         TEXT NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL, -- microseconds since 1970
    rests_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
