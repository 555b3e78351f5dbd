-- +goose NO TRANSACTION
-- +goose Up

-- Whether the gateway is asked to give back what it may hold. NULL where older code saved the row.
ALTER TABLE transactions ADD COLUMN IF NOT EXISTS releasing boolean;

-- The index holds these only: no other transaction pays for it. It is made as those of 00009_lists_of_merchants.sql are.
DROP INDEX IF EXISTS transactions_releasing;

CREATE INDEX CONCURRENTLY transactions_releasing ON transactions (started_at, id) WHERE releasing AND ended_at IS NULL;
