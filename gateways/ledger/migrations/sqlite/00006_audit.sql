-- +goose Up

-- The audit trail: who did what. A row's digest is that of the row with the digest of the row before it.
CREATE TABLE audit (
    number   INTEGER NOT NULL PRIMARY KEY, -- without a gap
    day      TEXT    NOT NULL,             -- whose chain the row belongs to, in UTC, such as 2026-11-29
    at       INTEGER NOT NULL,             -- microseconds since 1970
    kind     TEXT    NOT NULL,             -- of the subject, as all empty texts here if there is none
    subject  TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    merchant TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    object   TEXT    NOT NULL,
    was      TEXT    NOT NULL,             -- the object before, or its digest
    became   TEXT    NOT NULL,             -- the object after, or its digest
    result   TEXT    NOT NULL,
    ends     INTEGER NOT NULL,             -- the number of the row that said that this was begun, or 0
    times    INTEGER NOT NULL,             -- how often it happened
    previous BLOB    NOT NULL,             -- the digest of the row before it
    digest   BLOB    NOT NULL
) STRICT;

CREATE INDEX audit_by_time ON audit (at);

-- One row: the end of the chain.
CREATE TABLE audit_last (
    number INTEGER NOT NULL,
    day    TEXT    NOT NULL,
    digest BLOB    NOT NULL
) STRICT;

-- One row: the last row that was deleted because of its age, which the chain goes on from.
CREATE TABLE audit_first (
    number INTEGER NOT NULL,
    day    TEXT    NOT NULL,
    digest BLOB    NOT NULL
) STRICT;

INSERT INTO audit_last (number, day, digest) VALUES (0, '', zeroblob(32));
INSERT INTO audit_first (number, day, digest) VALUES (0, '', zeroblob(32));

-- +goose StatementBegin
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'a row of the audit trail does not change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN OLD.day >= date('now', '-400 days')
BEGIN
    SELECT RAISE(ABORT, 'a row of the audit trail is kept for 400 days');
END;
-- +goose StatementEnd
