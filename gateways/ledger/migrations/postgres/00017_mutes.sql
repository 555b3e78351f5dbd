-- +goose Up

-- Which alerts are not sent, and until when. An empty type, merchant or customer_id stands for all.
CREATE TABLE mutes (
    id          text COLLATE "C" PRIMARY KEY,
    type        text NOT NULL,
    merchant    text COLLATE "C" NOT NULL,
    customer_id text NOT NULL,
    reason      text NOT NULL,
    muted_by    text NOT NULL,
    begun_at    timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    ended_by    text NOT NULL -- who has ended it early
);

CREATE INDEX mutes_by_end ON mutes (until);

-- orders_reader, the API's user, and orders_desk make and end the mutes of the merchants that they name, and those of all merchants if
-- they name all; see 00007_rows_of_merchants.sql. orders_alertman reads them.
--
-- gateways/ledger/setup.sh calls the function too, for users that are made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_protect_mutes() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_alertman') THEN
        GRANT SELECT ON mutes TO orders_alertman;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        RETURN;
    END IF;
    GRANT SELECT, INSERT, DELETE ON mutes TO orders_reader;
    GRANT UPDATE (until, ended_by) ON mutes TO orders_reader;

    DROP POLICY IF EXISTS of_others ON mutes;
    CREATE POLICY of_others ON mutes USING (NOT (SELECT pg_has_role('orders_reader', 'USAGE')));
    DROP POLICY IF EXISTS of_merchants ON mutes;
    CREATE POLICY of_merchants ON mutes TO orders_reader USING (
        (SELECT current_setting('orders.merchants', true)) = '*'
        OR merchant = ANY ((SELECT string_to_array(current_setting('orders.merchants', true), ','))::text[]));
    ALTER TABLE mutes ENABLE ROW LEVEL SECURITY;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect_mutes();
