-- +goose NO TRANSACTION
-- +goose Up

-- For lists of one merchant by status or outcome, which are read in order and no further than their page. Of a merchant with few
-- transactions, the indexes of all merchants' would be read from end to end.
--
-- The table may be large, and saves go on while this runs. A build that was stopped leaves an index that cannot be used, which is
-- dropped first.
DROP INDEX IF EXISTS transactions_by_merchant_status;

CREATE INDEX CONCURRENTLY transactions_by_merchant_status ON transactions (merchant, status, started_at, id);

DROP INDEX IF EXISTS transactions_by_merchant_outcome;

CREATE INDEX CONCURRENTLY transactions_by_merchant_outcome ON transactions (merchant, outcome, started_at, id);
