-- +goose Up

-- Of each group of alerts, the alert that was sent at once, and the window in which those that follow are collected.
CREATE TABLE alert_windows (
    id         text COLLATE "C" PRIMARY KEY, -- of the group
    opened_by  text NOT NULL,                -- the id of the alert
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    kept_until timestamptz NOT NULL          -- later, if a workflow of the group may still run then
);

CREATE INDEX alert_windows_by_end ON alert_windows (kept_until);

-- orders_alertman keeps the windows. orders_reader, the API's user, does not see them: they are of all merchants.
--
-- gateways/ledger/setup.sh calls the function too, for users that are made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_protect_windows() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        REVOKE ALL ON alert_windows FROM orders_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_alertman') THEN
        GRANT SELECT, INSERT, UPDATE ON alert_windows TO orders_alertman;
    END IF;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect_windows();
