-- +goose Up

-- Backtests of the last day, as the desk that runs one has kept it last: other desks show them.
CREATE TABLE backtests (
    id        text COLLATE "C" PRIMARY KEY,
    merchants text NOT NULL, -- whose transactions it reads: names with commas between them, or *
    document  text NOT NULL, -- how far it is, and its report, as JSON
    kept_at   timestamptz NOT NULL
);

-- orders_desk, the desk's user, keeps backtests. orders_reader, the API's user, does not see them: they name transactions of all
-- merchants.
--
-- gateways/ledger/setup.sh calls the function too, for users that are made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_protect_backtests() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        REVOKE ALL ON backtests FROM orders_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_desk') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON backtests TO orders_desk;
    END IF;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect_backtests();
