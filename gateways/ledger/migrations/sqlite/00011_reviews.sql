-- +goose Up

-- When a review is decided without a person, in microseconds since 1970, and when it was decided. NULL without a review.
ALTER TABLE transactions ADD COLUMN review_deadline INTEGER;
ALTER TABLE transactions ADD COLUMN reviewed_at INTEGER;

UPDATE transactions SET review_deadline = unixepoch(record->'review'->>'deadline') * 1000000 WHERE status = 19;

-- For the queue of reviews in its three orders. The indexes hold what is in review (19) only: no other transaction pays for them.
CREATE INDEX reviews_by_deadline ON transactions (review_deadline, id) WHERE status = 19;
CREATE INDEX reviews_by_amount ON transactions (currency, amount, id) WHERE status = 19;
CREATE INDEX reviews_by_score ON transactions (score, id) WHERE status = 19;

-- For what people have decided.
CREATE INDEX reviews_by_end ON transactions (reviewed_at) WHERE reviewed_at IS NOT NULL;

-- Who works on a transaction in review.
CREATE TABLE assignments (
    transaction_id TEXT    NOT NULL PRIMARY KEY REFERENCES transactions (id) ON DELETE CASCADE,
    person         TEXT    NOT NULL,
    until          INTEGER NOT NULL -- microseconds since 1970
) STRICT, WITHOUT ROWID;
