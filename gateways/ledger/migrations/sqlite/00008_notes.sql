-- +goose Up

-- Who gave a label, or its note if that was changed, and when it was changed.
ALTER TABLE labels ADD COLUMN given_by TEXT;
ALTER TABLE labels ADD COLUMN noted_at INTEGER; -- microseconds since 1970; NULL if it never was

-- The notes that labels had before, from 1 for the oldest.
CREATE TABLE label_notes (
    transaction_id TEXT    NOT NULL REFERENCES transactions (id) ON DELETE CASCADE,
    source         TEXT    NOT NULL,
    label          TEXT    NOT NULL,
    number         INTEGER NOT NULL,
    note           TEXT,
    given_by       TEXT,
    at             INTEGER NOT NULL, -- when it was given: microseconds since 1970
    PRIMARY KEY (transaction_id, source, label, number)
) STRICT, WITHOUT ROWID;
