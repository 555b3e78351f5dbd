-- +goose Up

-- What the transactions of a day come to, for reports: a row for each day in UTC, merchant and currency. The worker counts a day
-- again when its transactions have changed; a save writes nothing here. The rows stay when the transactions are deleted.
CREATE TABLE day_figures (
    day      TEXT NOT NULL, -- such as 2026-11-29
    merchant TEXT NOT NULL,
    currency TEXT NOT NULL,
    figures  TEXT NOT NULL, -- JSON
    PRIMARY KEY (day, merchant, currency)
) STRICT, WITHOUT ROWID;

-- The days that are to be counted again.
CREATE TABLE days_due (
    day TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- One row: when somebody last looked for days to count.
CREATE TABLE days_looked (
    at INTEGER NOT NULL -- microseconds since 1970
) STRICT;

INSERT INTO days_looked (at) VALUES (0);

-- For the days of what was labelled since.
CREATE INDEX labels_by_time ON labels (at);
