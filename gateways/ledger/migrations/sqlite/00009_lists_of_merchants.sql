-- +goose Up

-- For lists of one merchant by status or outcome, which are read in order and no further than their page. Of a merchant with few
-- transactions, the indexes of all merchants' would be read from end to end.
CREATE INDEX transactions_by_merchant_status ON transactions (merchant, status, started_at, id);
CREATE INDEX transactions_by_merchant_outcome ON transactions (merchant, outcome, started_at, id);
