-- +goose Up

-- The rulesets that were proposed, with RULES_FROM=database. The approved one with the highest number decides. A row changes once,
-- when it is approved.
CREATE TABLE rulesets (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    digest      TEXT    NOT NULL,
    files       TEXT    NOT NULL, -- an object of texts by paths, as JSON
    note        TEXT    NOT NULL,
    proposed_by TEXT    NOT NULL,
    proposed_at INTEGER NOT NULL, -- microseconds since 1970, as approved_at
    approved_by TEXT,
    approved_at INTEGER
) STRICT;

CREATE INDEX rulesets_approved ON rulesets (number) WHERE approved_at IS NOT NULL;
