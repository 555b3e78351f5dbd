-- +goose Up

-- Uses are a merchant's own: its rows of one card lie together. What was counted before there were merchants is the default
-- merchant's.
CREATE TABLE uses_of_merchants (
    dimension      TEXT    NOT NULL, -- card, customer, ip, order, metadata.<key>
    value          TEXT    NOT NULL, -- a card's is its fingerprint, an IPv6 address its /64
    at             INTEGER NOT NULL, -- when the transaction was accepted: microseconds since 1970
    transaction_id TEXT    NOT NULL,
    amount         INTEGER NOT NULL, -- in minor units of the currency
    currency       TEXT    NOT NULL,
    facts          TEXT    NOT NULL,
    merchant       TEXT    NOT NULL, -- whose transaction it is
    PRIMARY KEY (merchant, dimension, value, at, transaction_id)
) STRICT, WITHOUT ROWID;

INSERT INTO uses_of_merchants SELECT dimension, value, at, transaction_id, amount, currency, facts, 'default' FROM uses;

DROP TABLE uses;

ALTER TABLE uses_of_merchants RENAME TO uses;

CREATE INDEX uses_by_time ON uses (at);

-- For counting cards and addresses across merchants. A query goes by it only if it has one of the two conditions, word by word.
CREATE INDEX uses_across_merchants ON uses (dimension || '', value, at, transaction_id)
    WHERE dimension || '' = 'card' OR dimension || '' = 'ip';

-- Older code knows no merchants: it would count the transactions of all as one's.
UPDATE ledger_compatibility SET oldest_code = 4;
