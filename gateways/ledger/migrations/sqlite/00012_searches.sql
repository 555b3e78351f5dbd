-- +goose Up

-- For lists by customer, by card and by IP address. The last four digits lead to a card: of those that share them, its fingerprint
-- chooses. What is not there has no place in an index.
ALTER TABLE transactions ADD COLUMN card_last_four TEXT;
ALTER TABLE transactions ADD COLUMN ip TEXT;

UPDATE transactions SET card_last_four = nullif(json_extract(posted, '$.payment.card.lastFour'), ''), ip = json_extract(posted, '$.ip');

CREATE INDEX transactions_by_customer ON transactions (customer_id, started_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX transactions_by_card ON transactions (card_last_four, started_at, id) WHERE card_last_four IS NOT NULL;
CREATE INDEX transactions_by_ip ON transactions (ip, started_at, id) WHERE ip IS NOT NULL;
