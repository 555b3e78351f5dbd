-- +goose NO TRANSACTION
-- +goose Up

-- Uses are a merchant's own: its rows of one card stand together in the key. What was counted before there were merchants is
-- the default merchant's.
--
-- The table may be large, and checks go on while this runs: the indexes are built beside them, and only the last statement
-- makes them wait, for a moment. So each statement commits by itself, and all can be repeated: a build that was stopped leaves
-- an index that cannot be used, which is dropped first.
ALTER TABLE uses ADD COLUMN IF NOT EXISTS merchant text COLLATE "C" NOT NULL DEFAULT 'default';

DROP INDEX IF EXISTS uses_of_merchants;

CREATE UNIQUE INDEX CONCURRENTLY uses_of_merchants ON uses (merchant, dimension, value, at, transaction_id) INCLUDE (amount, currency);

DROP INDEX IF EXISTS uses_across_merchants;

-- For counting cards and addresses across merchants. It is of an expression so that nothing else goes by it: for one merchant's
-- uses of an address, the planner would go through those of all.
CREATE INDEX CONCURRENTLY uses_across_merchants ON uses ((dimension || ''), value, at, transaction_id)
    WHERE dimension || '' = 'card' OR dimension || '' = 'ip';

-- The index gets the name of the key. Older code knows no merchants, and would count the transactions of all as one's: without
-- a default, it can count no more.
-- +goose StatementBegin
DO $$
BEGIN
    ALTER TABLE uses DROP CONSTRAINT uses_pkey;
    ALTER TABLE uses ADD CONSTRAINT uses_pkey PRIMARY KEY USING INDEX uses_of_merchants;
    ALTER TABLE uses ALTER COLUMN merchant DROP DEFAULT;
    UPDATE ledger_compatibility SET oldest_code = 4;
END $$;
-- +goose StatementEnd
