-- +goose Up

-- What the transactions of a day come to, for reports: a row for each day in UTC, merchant and currency. The worker counts a day
-- again when its transactions have changed; a save writes nothing here. The rows stay when the transactions are deleted.
CREATE TABLE day_figures (
    day      text COLLATE "C" NOT NULL, -- such as 2026-11-29
    merchant text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    figures  json NOT NULL,
    PRIMARY KEY (day, merchant, currency)
);

-- The days that are to be counted again.
CREATE TABLE days_due (
    day text COLLATE "C" PRIMARY KEY
);

-- One row: when somebody last looked for days to count.
CREATE TABLE days_looked (
    at timestamptz NOT NULL
);

INSERT INTO days_looked (at) VALUES ('1970-01-01T00:00:00Z');

-- For the days of what was labelled since.
CREATE INDEX labels_by_time ON labels (at);

-- orders_reader sees the rows of the merchants that it names; see 00007_rows_of_merchants.sql.
--
-- gateways/ledger/setup.sh calls the function too, for a user that is made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_protect_reports() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        RETURN;
    END IF;
    DROP POLICY IF EXISTS of_others ON day_figures;
    CREATE POLICY of_others ON day_figures USING (NOT (SELECT pg_has_role('orders_reader', 'USAGE')));
    DROP POLICY IF EXISTS of_merchants ON day_figures;
    CREATE POLICY of_merchants ON day_figures FOR SELECT TO orders_reader USING (
        (SELECT current_setting('orders.merchants', true)) = '*'
        OR merchant = ANY ((SELECT string_to_array(current_setting('orders.merchants', true), ','))::text[]));
    ALTER TABLE day_figures ENABLE ROW LEVEL SECURITY;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect_reports();
