-- +goose Up

-- What may be shown of a session, and its end. The id and the document are NULL before a person has signed in, and until newer
-- code writes the row that older code has made.
ALTER TABLE sessions
    ADD COLUMN id       text COLLATE "C", -- by which people name the session: it opens nothing
    ADD COLUMN document text,             -- whose it is, since when and from where, as JSON
    ADD COLUMN ended_at timestamptz;

-- An ended session has no data, so older code does not take it for an open one either. Older code ends a session by deleting its data.
-- +goose StatementBegin
CREATE FUNCTION ledger_end_session() RETURNS trigger LANGUAGE plpgsql AS $end$
BEGIN
    NEW.data := '';
    NEW.ended_at := coalesce(NEW.ended_at, now());
    RETURN NEW;
END $end$;
-- +goose StatementEnd

CREATE TRIGGER sessions_are_ended BEFORE UPDATE ON sessions FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL OR NEW.data = '') EXECUTE FUNCTION ledger_end_session();

-- orders_reader, the API's user, now sees who is signed in, and ends sessions. It still makes no session, and does not read what the
-- desk keeps in one: one who can add a session can sign in as any person.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ledger_protect_desk() RETURNS void LANGUAGE plpgsql AS $protect$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        REVOKE ALL ON sessions FROM orders_reader;
        GRANT SELECT (id, document, expires_at, ended_at), UPDATE (ended_at) ON sessions TO orders_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_desk') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO orders_desk;
        GRANT SELECT ON audit, audit_first TO orders_desk;
    END IF;
END $protect$;
-- +goose StatementEnd

SELECT ledger_protect_desk();
