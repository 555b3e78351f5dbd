-- +goose Up

-- A row is a transaction. The columns are for choosing, ordering and counting; record and posted are all there is to
-- know, as JSON: the record as clients read it, and what was posted. No column holds a card number.
CREATE TABLE transactions (
    id               TEXT    NOT NULL PRIMARY KEY,
    client           TEXT,             -- who posted it, by the name of its API key
    body_digest      TEXT,             -- keyed digest of the request's body, where it had an idempotency key
    order_id         TEXT,
    payment_method   TEXT,
    status           INTEGER NOT NULL, -- 11 to 19, as clients read it
    outcome          TEXT,             -- of the fraud check: approve, review, decline, not_evaluated
    score            INTEGER,          -- of the fraud check: 0 to 100
    amount           INTEGER NOT NULL, -- in minor units of the currency
    currency         TEXT,
    card_fingerprint TEXT,             -- keyed digest of the card number
    customer_id      TEXT,
    started_at       INTEGER NOT NULL, -- microseconds since 1970
    ended_at         INTEGER,          -- microseconds since 1970; NULL while there are steps to come
    mark_at          INTEGER NOT NULL, -- nanoseconds since 1970; with mark_number, how late the row was saved
    mark_number      INTEGER NOT NULL,
    record           TEXT    NOT NULL,
    posted           TEXT    NOT NULL
) STRICT;

CREATE INDEX transactions_by_start ON transactions (started_at, id);
CREATE INDEX transactions_by_status ON transactions (status, started_at, id);
CREATE INDEX transactions_by_outcome ON transactions (outcome, started_at, id);
CREATE INDEX transactions_by_order ON transactions (order_id, started_at, id);
CREATE INDEX transactions_by_end ON transactions (ended_at) WHERE ended_at IS NOT NULL;

-- What turned out to be true about a transaction, once for each source and word.
CREATE TABLE labels (
    transaction_id TEXT    NOT NULL REFERENCES transactions (id) ON DELETE CASCADE,
    source         TEXT    NOT NULL, -- dispute, early_fraud_warning, reviewer
    label          TEXT    NOT NULL, -- fraudulent, legitimate
    note           TEXT,
    at             INTEGER NOT NULL, -- microseconds since 1970
    PRIMARY KEY (transaction_id, source, label)
) STRICT, WITHOUT ROWID;

-- One row: the oldest version of the code, counted in migrations, that can still work with these tables. A migration
-- that older code cannot live with raises it.
CREATE TABLE ledger_compatibility (
    oldest_code INTEGER NOT NULL
) STRICT;

INSERT INTO ledger_compatibility (oldest_code) VALUES (1);
