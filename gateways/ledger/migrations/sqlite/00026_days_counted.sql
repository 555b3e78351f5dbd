-- +goose Up

-- When a worker last began to count a day for reports. No worker counts the day before rests_until: it bounds a running count, and
-- after it spaces the counts of a busy day.
CREATE TABLE days_counted (
    day         TEXT NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL, -- microseconds since 1970
    rests_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
