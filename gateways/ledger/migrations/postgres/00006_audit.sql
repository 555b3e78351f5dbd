-- +goose Up

-- The audit trail: who did what. A row's digest is that of the row with the digest of the row before it.
CREATE TABLE audit (
    number   bigint PRIMARY KEY,        -- without a gap
    day      text COLLATE "C" NOT NULL, -- whose chain the row belongs to, in UTC, such as 2026-11-29
    at       timestamptz NOT NULL,
    kind     text NOT NULL,             -- of the subject, as all empty texts here if there is none
    subject  text NOT NULL,
    address  text NOT NULL,
    merchant text NOT NULL,
    action   text NOT NULL,
    object   text NOT NULL,
    was      text NOT NULL,             -- the object before, or its digest
    became   text NOT NULL,             -- the object after, or its digest
    result   text NOT NULL,
    ends     bigint NOT NULL,           -- the number of the row that said that this was begun, or 0
    times    bigint NOT NULL,           -- how often it happened
    previous bytea NOT NULL,            -- the digest of the row before it
    digest   bytea NOT NULL
);

CREATE INDEX audit_by_time ON audit (at);

-- One row: the end of the chain. Who adds to the chain holds it.
CREATE TABLE audit_last (
    number bigint NOT NULL,
    day    text COLLATE "C" NOT NULL,
    digest bytea NOT NULL
) WITH (fillfactor = 50);

-- One row: the last row that was deleted because of its age, which the chain goes on from.
CREATE TABLE audit_first (
    number bigint NOT NULL,
    day    text COLLATE "C" NOT NULL,
    digest bytea NOT NULL
);

INSERT INTO audit_last (number, day, digest) VALUES (0, '', decode(repeat('00', 32), 'hex'));
INSERT INTO audit_first (number, day, digest) VALUES (0, '', decode(repeat('00', 32), 'hex'));

-- +goose StatementBegin
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.day < to_char((now() AT TIME ZONE 'UTC') - interval '400 days', 'YYYY-MM-DD') THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'a row of the audit trail is kept for 400 days';
    END IF;
    RAISE EXCEPTION 'a row of the audit trail does not change';
END $$;
-- +goose StatementEnd

CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_stays BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();

-- Those who add to the trail cannot read it; see 00002_velocity.sql.
-- +goose StatementBegin
DO $$
DECLARE
    adding text;
BEGIN
    FOREACH adding IN ARRAY ARRAY['orders_reader', 'orders_police', 'orders_alertman'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = adding) THEN
            EXECUTE format('REVOKE ALL ON audit FROM %I', adding);
            EXECUTE format('GRANT INSERT ON audit TO %I', adding);
            EXECUTE format('GRANT SELECT, UPDATE ON audit_last TO %I', adding);
        END IF;
    END LOOP;
END $$;
-- +goose StatementEnd
