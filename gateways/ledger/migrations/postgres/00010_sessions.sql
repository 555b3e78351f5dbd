-- +goose Up

-- The desk's sessions: who has signed in with a browser. The browser's cookie is not here, and cannot be found from what is. A row
-- without data is a session that was ended.
CREATE TABLE sessions (
    digest     text COLLATE "C" PRIMARY KEY, -- of the cookie
    data       bytea NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX sessions_by_end ON sessions (expires_at);

-- What orders_desk, the desk's user, may do beside what orders_reader may, whose member it is. orders_reader does not see
-- sessions: one who can add a session can sign in as any person.
--
-- gateways/ledger/setup.sh calls the function too, for a user that is made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_protect_desk() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        REVOKE ALL ON sessions FROM orders_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_desk') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO orders_desk;
        GRANT SELECT ON audit, audit_first TO orders_desk;
    END IF;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect_desk();
