-- +goose Up

-- Who owns transactions. There is always the one that belongs to whatever names no other.
CREATE TABLE merchants (
    name        TEXT    NOT NULL PRIMARY KEY,
    added_at    INTEGER NOT NULL, -- microseconds since 1970, as all times here
    disabled_at INTEGER           -- NULL while its clients may call
) STRICT, WITHOUT ROWID;

INSERT INTO merchants (name, added_at) VALUES ('default', unixepoch() * 1000000);

-- Programs that call for a merchant.
CREATE TABLE clients (
    merchant TEXT    NOT NULL REFERENCES merchants (name),
    name     TEXT    NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (merchant, name)
) STRICT, WITHOUT ROWID;

-- What clients prove themselves by. The key itself is not here, and cannot be found from what is.
CREATE TABLE keys (
    name         TEXT    NOT NULL PRIMARY KEY, -- the part of the key that names it
    merchant     TEXT    NOT NULL,
    client       TEXT    NOT NULL,
    digest       BLOB    NOT NULL,             -- SHA-256 of the whole key
    scopes       TEXT    NOT NULL,             -- with commas between them
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER,                      -- to the hour
    FOREIGN KEY (merchant, client) REFERENCES clients (merchant, name)
) STRICT, WITHOUT ROWID;

-- One row: a number that every change of the tables above raises, except for last_used_at. Those who keep the keys in
-- memory read them again when it is another.
CREATE TABLE key_changes (
    number INTEGER NOT NULL
) STRICT;

INSERT INTO key_changes (number) VALUES (1);
