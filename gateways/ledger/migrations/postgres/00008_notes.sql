-- +goose Up

-- Who gave a label, or its note if that was changed, and when it was changed.
ALTER TABLE labels ADD COLUMN given_by text;
ALTER TABLE labels ADD COLUMN noted_at timestamptz; -- NULL if it never was

-- The notes that labels had before, from 1 for the oldest.
CREATE TABLE label_notes (
    transaction_id text COLLATE "C" NOT NULL REFERENCES transactions (id) ON DELETE CASCADE,
    source         text NOT NULL,
    label          text NOT NULL,
    number         integer NOT NULL,
    note           text,
    given_by       text,
    at             timestamptz NOT NULL, -- when it was given
    PRIMARY KEY (transaction_id, source, label, number)
);

-- What orders_reader may do with the table: add to it, for the merchants that it names; see 00007_rows_of_merchants.sql.
-- +goose StatementBegin
CREATE FUNCTION ledger_protect_notes() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        RETURN;
    END IF;
    GRANT INSERT ON label_notes TO orders_reader;

    DROP POLICY IF EXISTS of_others ON label_notes;
    CREATE POLICY of_others ON label_notes USING (NOT (SELECT pg_has_role('orders_reader', 'USAGE')));
    DROP POLICY IF EXISTS of_merchants ON label_notes;
    CREATE POLICY of_merchants ON label_notes TO orders_reader USING (
        (SELECT current_setting('orders.merchants', true)) = '*'
        OR EXISTS (SELECT FROM transactions t WHERE t.id = transaction_id));
    ALTER TABLE label_notes ENABLE ROW LEVEL SECURITY;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect_notes();
