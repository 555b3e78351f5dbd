-- +goose NO TRANSACTION
-- +goose Up

-- For lists by customer, by card and by IP address. The last four digits lead to a card: of those that share them, its fingerprint
-- chooses. What is not there has no place in an index.
--
-- The table may be large, and saves go on while this runs, which can be repeated after it was stopped.
ALTER TABLE transactions ADD COLUMN IF NOT EXISTS card_last_four text, ADD COLUMN IF NOT EXISTS ip text;

-- PostgreSQL cannot look into JSON with an escaped NUL. Such transactions are not found by the two columns.
-- +goose StatementBegin
DO $fill$
DECLARE
    last text := '';
    through text;
BEGIN
    LOOP
        SELECT max(id) INTO through FROM (SELECT id FROM transactions WHERE id > last ORDER BY id LIMIT 1000) batch;
        EXIT WHEN through IS NULL;
        UPDATE transactions SET card_last_four = nullif(posted #>> '{payment,card,lastFour}', ''), ip = posted ->> 'ip'
            WHERE id > last AND id <= through AND card_last_four IS NULL AND ip IS NULL AND strpos(posted::text, '\u0000') = 0;
        COMMIT;
        last := through;
    END LOOP;
END $fill$;
-- +goose StatementEnd

DROP INDEX IF EXISTS transactions_by_customer;

CREATE INDEX CONCURRENTLY transactions_by_customer ON transactions (customer_id, started_at, id) WHERE customer_id IS NOT NULL;

DROP INDEX IF EXISTS transactions_by_card;

CREATE INDEX CONCURRENTLY transactions_by_card ON transactions (card_last_four, started_at, id) WHERE card_last_four IS NOT NULL;

DROP INDEX IF EXISTS transactions_by_ip;

CREATE INDEX CONCURRENTLY transactions_by_ip ON transactions (ip, started_at, id) WHERE ip IS NOT NULL;
