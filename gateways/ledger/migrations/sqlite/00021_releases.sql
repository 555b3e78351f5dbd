-- +goose Up

-- Whether the gateway is asked to give back what it may hold, as 0 or 1. NULL where older code saved the row.
ALTER TABLE transactions ADD COLUMN releasing INTEGER;

-- The index holds these only: no other transaction pays for it.
CREATE INDEX transactions_releasing ON transactions (started_at, id) WHERE releasing AND ended_at IS NULL;
