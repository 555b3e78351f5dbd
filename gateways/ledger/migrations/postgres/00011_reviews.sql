-- +goose NO TRANSACTION
-- +goose Up

-- When a review is decided without a person, and when it was decided. NULL without a review.
ALTER TABLE transactions ADD COLUMN IF NOT EXISTS review_deadline timestamptz, ADD COLUMN IF NOT EXISTS reviewed_at timestamptz;

-- PostgreSQL cannot look into JSON with an escaped NUL. Such a review has no deadline here, and is the first of the queue.
UPDATE transactions SET review_deadline = (record->'review'->>'deadline')::timestamptz
    WHERE status = 19 AND review_deadline IS NULL AND strpos(record::text, '\u0000') = 0;

-- For the queue of reviews in its three orders. The indexes hold what is in review (19) only: no other transaction pays for them.
-- They are made as those of 00009_lists_of_merchants.sql are.
DROP INDEX IF EXISTS reviews_by_deadline;

CREATE INDEX CONCURRENTLY reviews_by_deadline ON transactions (review_deadline NULLS FIRST, id) WHERE status = 19;

DROP INDEX IF EXISTS reviews_by_amount;

CREATE INDEX CONCURRENTLY reviews_by_amount ON transactions (currency, amount, id) WHERE status = 19;

DROP INDEX IF EXISTS reviews_by_score;

CREATE INDEX CONCURRENTLY reviews_by_score ON transactions (score, id) WHERE status = 19;

-- For what people have decided.
DROP INDEX IF EXISTS reviews_by_end;

CREATE INDEX CONCURRENTLY reviews_by_end ON transactions (reviewed_at) WHERE reviewed_at IS NOT NULL;

-- Who works on a transaction in review.
CREATE TABLE IF NOT EXISTS assignments (
    transaction_id text COLLATE "C" PRIMARY KEY REFERENCES transactions (id) ON DELETE CASCADE,
    person         text NOT NULL,
    until          timestamptz NOT NULL
);

-- What orders_reader may do with the table: all, for the merchants that it names; see 00007_rows_of_merchants.sql.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_protect_assignments() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        RETURN;
    END IF;
    GRANT SELECT, INSERT, UPDATE, DELETE ON assignments TO orders_reader;

    DROP POLICY IF EXISTS of_others ON assignments;
    CREATE POLICY of_others ON assignments USING (NOT (SELECT pg_has_role('orders_reader', 'USAGE')));
    DROP POLICY IF EXISTS of_merchants ON assignments;
    CREATE POLICY of_merchants ON assignments TO orders_reader USING (
        (SELECT current_setting('orders.merchants', true)) = '*'
        OR EXISTS (SELECT FROM transactions t WHERE t.id = transaction_id));
    ALTER TABLE assignments ENABLE ROW LEVEL SECURITY;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect_assignments();
