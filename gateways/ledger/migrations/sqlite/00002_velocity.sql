-- +goose Up

-- How transactions were used, for the fraud checks of later ones: a row for each thing that a transaction has in common
-- with others. The rows of one card lie together in the order of their times, so that looking back is reading one
-- stretch of the table. facts are all values of the transaction by their dimensions, as a JSON object. No value is a card
-- number.
CREATE TABLE uses (
    dimension      TEXT    NOT NULL, -- card, customer, ip, order, metadata.<key>
    value          TEXT    NOT NULL, -- a card's is its fingerprint, an IPv6 address its /64
    at             INTEGER NOT NULL, -- when the transaction was accepted: microseconds since 1970
    transaction_id TEXT    NOT NULL,
    amount         INTEGER NOT NULL, -- in minor units of the currency
    currency       TEXT    NOT NULL,
    facts          TEXT    NOT NULL,
    PRIMARY KEY (dimension, value, at, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX uses_by_time ON uses (at);

-- What was decided about a transaction, once for each time it was checked, so that a check that is asked again is
-- answered the same. Where a transaction has a row here, it is counted in uses.
CREATE TABLE decisions (
    transaction_id TEXT    NOT NULL,
    number         INTEGER NOT NULL, -- of the check: 1 is the first
    at             INTEGER NOT NULL, -- the moment that the check was made for: microseconds since 1970
    decision       TEXT    NOT NULL, -- all of it, as JSON
    PRIMARY KEY (transaction_id, number)
) STRICT;

CREATE INDEX decisions_by_time ON decisions (at);
