-- +goose Up

-- Which alerts are not sent, and until when. An empty type, merchant or customer_id stands for all.
CREATE TABLE mutes (
    id          TEXT NOT NULL PRIMARY KEY,
    type        TEXT NOT NULL,
    merchant    TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    reason      TEXT NOT NULL,
    muted_by    TEXT NOT NULL,
    begun_at    INTEGER NOT NULL, -- microseconds since 1970
    until       INTEGER NOT NULL,
    ended_by    TEXT NOT NULL -- who has ended it early
) STRICT, WITHOUT ROWID;

CREATE INDEX mutes_by_end ON mutes (until);
