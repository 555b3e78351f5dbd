-- +goose Up

-- How transactions were used, for the fraud checks of later ones: a row for each thing that a transaction has in common
-- with others. The rows of one card stand together in the key, in the order of their times, so that looking back is
-- reading one stretch of it. facts are all values of the transaction by their dimensions, as a JSON object. No value is a
-- card number.
CREATE TABLE uses (
    dimension      text COLLATE "C" NOT NULL, -- card, customer, ip, order, metadata.<key>
    value          text COLLATE "C" NOT NULL, -- a card's is its fingerprint, an IPv6 address its /64
    at             timestamptz NOT NULL,      -- when the transaction was accepted
    transaction_id text COLLATE "C" NOT NULL,
    amount         bigint NOT NULL,           -- in minor units of the currency
    currency       text NOT NULL,
    facts          json NOT NULL,
    PRIMARY KEY (dimension, value, at, transaction_id) INCLUDE (amount, currency)
);

-- For deleting what is old. It is of an expression so that nothing else goes by it: for a value that was frequent of late,
-- the planner would go back through the uses of all values, and through all of them once the value is so no more.
CREATE INDEX uses_by_time ON uses ((at AT TIME ZONE 'UTC'));

-- What was decided about a transaction, once for each time it was checked, so that a check that is asked again is
-- answered the same. Where a transaction has a row here, it is counted in uses.
CREATE TABLE decisions (
    transaction_id text COLLATE "C" NOT NULL,
    number         bigint NOT NULL,      -- of the check: 1 is the first
    at             timestamptz NOT NULL, -- the moment that the check was made for
    decision       json NOT NULL,
    PRIMARY KEY (transaction_id, number)
);

CREATE INDEX decisions_by_time ON decisions (at);

-- What the users that gateways/ledger/setup.sh makes may do beside the reading of orders_reader. Where there are none of
-- these names, nothing is granted.
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_police') THEN
        GRANT SELECT ON uses, decisions, labels, ledger_migrations, ledger_compatibility TO orders_police;
        GRANT INSERT ON uses, decisions TO orders_police;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        GRANT INSERT, UPDATE ON labels TO orders_reader;
    END IF;
END $$;
-- +goose StatementEnd
