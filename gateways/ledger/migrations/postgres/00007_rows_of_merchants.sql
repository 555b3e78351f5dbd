-- +goose Up

-- orders_reader, the API's user, sees the transactions and labels of the merchants only that the database transaction names in
-- orders.merchants: with commas between them, or * for all. Where it names none, orders_reader sees none. It does not see what
-- fraud checks count. All others see what they have been granted.
--
-- gateways/ledger/setup.sh calls the function too, for a user that is made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_protect() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        RETURN;
    END IF;
    REVOKE SELECT ON uses, decisions FROM orders_reader;

    DROP POLICY IF EXISTS of_others ON transactions;
    CREATE POLICY of_others ON transactions USING (NOT (SELECT pg_has_role('orders_reader', 'USAGE')));
    DROP POLICY IF EXISTS of_merchants ON transactions;
    CREATE POLICY of_merchants ON transactions FOR SELECT TO orders_reader USING (
        (SELECT current_setting('orders.merchants', true)) = '*'
        OR merchant = ANY ((SELECT string_to_array(current_setting('orders.merchants', true), ','))::text[]));
    ALTER TABLE transactions ENABLE ROW LEVEL SECURITY;

    DROP POLICY IF EXISTS of_others ON labels;
    CREATE POLICY of_others ON labels USING (NOT (SELECT pg_has_role('orders_reader', 'USAGE')));
    DROP POLICY IF EXISTS of_merchants ON labels;
    CREATE POLICY of_merchants ON labels TO orders_reader USING (
        (SELECT current_setting('orders.merchants', true)) = '*'
        OR EXISTS (SELECT FROM transactions t WHERE t.id = transaction_id));
    ALTER TABLE labels ENABLE ROW LEVEL SECURITY;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect();

-- An older API names no merchants.
UPDATE ledger_compatibility SET oldest_code = 7;
