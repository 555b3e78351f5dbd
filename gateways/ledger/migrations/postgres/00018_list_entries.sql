-- +goose Up

-- The entries of lists that are kept in the database, for all merchants. A row changes once, when the entry is removed. It is
-- deleted once no transaction is kept of the time in which it counted: backtests ask which entries counted at a time.
CREATE TABLE list_entries (
    number         bigint PRIMARY KEY, -- of the change that added it
    list           text COLLATE "C" NOT NULL,
    looked_up      text COLLATE "C" NOT NULL, -- which value of transactions, such as card.fingerprint
    value          text COLLATE "C" NOT NULL, -- as it is compared; never a card number
    reason         text NOT NULL,
    added_by       text NOT NULL,
    added_at       timestamptz NOT NULL,
    expires_at     timestamptz,
    removed_in     bigint, -- the number of the change that removed it
    removed_by     text,
    removed_at     timestamptz,
    removed_reason text
);

CREATE INDEX list_entries_of_list ON list_entries (list, looked_up, number);
CREATE INDEX list_entries_of_value ON list_entries (list, looked_up, value);
CREATE INDEX list_entries_removed ON list_entries (removed_in) WHERE removed_in IS NOT NULL;

-- One row: the number of the last change of the table above. A change holds the row until its end, so that changes follow one another:
-- those who have read one have read all before it.
CREATE TABLE list_changes (
    number bigint NOT NULL
);

INSERT INTO list_changes (number) VALUES (0);

-- orders_desk, the desk's user, adds and removes entries. orders_police reads them. orders_reader, the API's user, reads them as it
-- reads all tables.
--
-- gateways/ledger/setup.sh calls the function too, for users that are made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_let_desk_change_lists() RETURNS void LANGUAGE plpgsql AS $lists$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_desk') THEN
        GRANT SELECT, INSERT ON list_entries TO orders_desk;
        GRANT UPDATE (removed_in, removed_by, removed_at, removed_reason) ON list_entries TO orders_desk;
        GRANT SELECT, UPDATE ON list_changes TO orders_desk;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_police') THEN
        GRANT SELECT ON list_entries TO orders_police;
    END IF;
END $lists$;
-- +goose StatementEnd

SELECT ledger_let_desk_change_lists();
