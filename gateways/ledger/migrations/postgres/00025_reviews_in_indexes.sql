-- +goose NO TRANSACTION
-- +goose Up

-- The queue of reviews is read, filtered and added up from its indexes alone, however long it is: a look at each row takes many times as
-- long. Each index takes the place of the earlier one once it is there, and saves go on meanwhile. A build that was stopped leaves an
-- index that cannot be used, which is dropped first; the server may still be at it.
DROP INDEX CONCURRENTLY IF EXISTS reviews_in_index;

CREATE INDEX CONCURRENTLY reviews_in_index ON transactions
    (review_deadline NULLS FIRST, id, reviewed_at, merchant, currency, amount, score) WHERE status = 19;

DROP INDEX CONCURRENTLY IF EXISTS reviews_by_deadline;

ALTER INDEX reviews_in_index RENAME TO reviews_by_deadline;

CREATE INDEX CONCURRENTLY reviews_in_index ON transactions
    (currency, amount, id, reviewed_at, merchant, review_deadline, score, started_at) WHERE status = 19;

DROP INDEX CONCURRENTLY IF EXISTS reviews_by_amount;

ALTER INDEX reviews_in_index RENAME TO reviews_by_amount;

CREATE INDEX CONCURRENTLY reviews_in_index ON transactions
    (score, id, reviewed_at, merchant, currency, amount, review_deadline) WHERE status = 19;

DROP INDEX CONCURRENTLY IF EXISTS reviews_by_score;

ALTER INDEX reviews_in_index RENAME TO reviews_by_score;

-- For what people have decided about one merchant's.
CREATE INDEX CONCURRENTLY reviews_in_index ON transactions (reviewed_at, merchant) WHERE reviewed_at IS NOT NULL;

DROP INDEX CONCURRENTLY IF EXISTS reviews_by_end;

ALTER INDEX reviews_in_index RENAME TO reviews_by_end;
