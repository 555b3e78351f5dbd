-- +goose Up

-- A row is a transaction. The columns are for choosing, ordering and counting; record and posted are all there is to
-- know, as JSON: the record as clients read it, and what was posted. No column holds a card number.
--
-- They are json and not jsonb, which refuses the escaped NUL that a text in JSON may hold. The ids compare byte by byte,
-- which is the same on every server.
CREATE TABLE transactions (
    id               text COLLATE "C" PRIMARY KEY,
    client           text,               -- who posted it, by the name of its API key
    body_digest      text,               -- keyed digest of the request's body, where it had an idempotency key
    order_id         text,
    payment_method   text,
    status           integer NOT NULL,   -- 11 to 19, as clients read it
    outcome          text,               -- of the fraud check: approve, review, decline, not_evaluated
    score            integer,            -- of the fraud check: 0 to 100
    amount           bigint NOT NULL,    -- in minor units of the currency
    currency         text,
    card_fingerprint text,               -- keyed digest of the card number
    customer_id      text,
    started_at       timestamptz NOT NULL,
    ended_at         timestamptz,        -- NULL while there are steps to come
    mark_at          bigint NOT NULL,    -- nanoseconds since 1970; with mark_number, how late the row was saved
    mark_number      bigint NOT NULL,
    record           json NOT NULL,
    posted           json NOT NULL
);

CREATE INDEX transactions_by_start ON transactions (started_at, id);
CREATE INDEX transactions_by_status ON transactions (status, started_at, id);
CREATE INDEX transactions_by_outcome ON transactions (outcome, started_at, id);
CREATE INDEX transactions_by_order ON transactions (order_id, started_at, id);
CREATE INDEX transactions_by_end ON transactions (ended_at) WHERE ended_at IS NOT NULL;

-- What turned out to be true about a transaction, once for each source and word.
CREATE TABLE labels (
    transaction_id text COLLATE "C" NOT NULL REFERENCES transactions (id) ON DELETE CASCADE,
    source         text NOT NULL, -- dispute, early_fraud_warning, reviewer
    label          text NOT NULL, -- fraudulent, legitimate
    note           text,
    at             timestamptz NOT NULL,
    PRIMARY KEY (transaction_id, source, label)
);

-- One row: the oldest version of the code, counted in migrations, that can still work with these tables. A migration
-- that older code cannot live with raises it.
CREATE TABLE ledger_compatibility (
    oldest_code bigint NOT NULL
);

INSERT INTO ledger_compatibility (oldest_code) VALUES (1);
