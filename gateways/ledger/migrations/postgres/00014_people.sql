-- +goose NO TRANSACTION
-- +goose Up

-- For what was done to one object, such as a transaction or a key: the newest first. A build that was stopped leaves an index
-- that cannot be used, which is dropped first.
DROP INDEX IF EXISTS audit_by_object;

CREATE INDEX CONCURRENTLY audit_by_object ON audit (object, number);

-- orders_desk, the desk's user, manages merchants, clients and keys. orders_reader, the API's, does not.
--
-- gateways/ledger/setup.sh calls the function too, for a user that is made after this has run.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_let_desk_manage_keys() RETURNS void LANGUAGE plpgsql AS $manage$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_desk') THEN
        GRANT INSERT ON merchants, clients, keys TO orders_desk;
        GRANT UPDATE (disabled_at) ON merchants TO orders_desk;
        GRANT UPDATE (expires_at, revoked_at) ON keys TO orders_desk;
        GRANT UPDATE ON key_changes TO orders_desk;
    END IF;
END $manage$;
-- +goose StatementEnd

SELECT ledger_let_desk_manage_keys();
