-- +goose Up

-- Who owns a transaction. What is there already belongs to the merchant default, and so does what older code adds.
ALTER TABLE transactions ADD COLUMN merchant TEXT NOT NULL DEFAULT 'default';

CREATE INDEX transactions_by_merchant ON transactions (merchant, started_at, id);
