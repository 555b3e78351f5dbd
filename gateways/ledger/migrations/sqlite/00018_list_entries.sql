-- +goose Up

-- The entries of lists that are kept in the database, for all merchants. A row changes once, when the entry is removed. It is
-- deleted once no transaction is kept of the time in which it counted: backtests ask which entries counted at a time.
CREATE TABLE list_entries (
    number         INTEGER PRIMARY KEY, -- of the change that added it
    list           TEXT    NOT NULL,
    looked_up      TEXT    NOT NULL, -- which value of transactions, such as card.fingerprint
    value          TEXT    NOT NULL, -- as it is compared; never a card number
    reason         TEXT    NOT NULL,
    added_by       TEXT    NOT NULL,
    added_at       INTEGER NOT NULL, -- microseconds since 1970, as all times
    expires_at     INTEGER,
    removed_in     INTEGER, -- the number of the change that removed it
    removed_by     TEXT,
    removed_at     INTEGER,
    removed_reason TEXT
) STRICT;

CREATE INDEX list_entries_of_list ON list_entries (list, looked_up, number);
CREATE INDEX list_entries_of_value ON list_entries (list, looked_up, value);
CREATE INDEX list_entries_removed ON list_entries (removed_in) WHERE removed_in IS NOT NULL;

-- One row: the number of the last change of the table above. A change holds the row until its end, so that changes follow one another:
-- those who have read one have read all before it.
CREATE TABLE list_changes (
    number INTEGER NOT NULL
) STRICT;

INSERT INTO list_changes (number) VALUES (0);
