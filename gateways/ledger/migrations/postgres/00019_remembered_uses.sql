-- +goose Up

-- fraud_police keeps the uses of busy values in memory. From these tables it knows, without reading the uses, whether it has all of them
-- with their present labels. Triggers write the tables, so that older code keeps them too.

-- How many uses of a value came late: at least 16 others were accepted after it and counted before it. Cards and addresses have one
-- row for all merchants together, with an empty merchant. A process that read a value's uses, and remembers those that were not among
-- the 16 newest, has to read them again once times has changed.
CREATE TABLE late_uses (
    merchant  text COLLATE "C" NOT NULL,
    dimension text COLLATE "C" NOT NULL,
    value     text COLLATE "C" NOT NULL,
    times     bigint NOT NULL,
    at        timestamptz NOT NULL, -- when the latest of them was accepted
    PRIMARY KEY (merchant, dimension, value)
);

CREATE INDEX late_uses_by_time ON late_uses (at);

-- One row: the latest time of a use that was deleted. Uses that are later are all there.
CREATE TABLE uses_deleted (
    at timestamptz NOT NULL
);

INSERT INTO uses_deleted (at) VALUES ('epoch');

-- The transactions whose labels have changed. The number is that of the database transaction: one that had not ended when others were
-- read has no smaller number than txid_snapshot_xmin said then, so that reading from there on misses no change.
CREATE TABLE label_changes (
    number         bigint NOT NULL DEFAULT txid_current(),
    transaction_id text COLLATE "C" NOT NULL,
    at             timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX label_changes_by_number ON label_changes (number);
CREATE INDEX label_changes_by_time ON label_changes (at);

-- The triggers work for users who may not write these tables.
-- +goose StatementBegin
CREATE FUNCTION ledger_note_late_uses() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $late$
BEGIN
    INSERT INTO late_uses AS l (merchant, dimension, value, times, at)
        SELECT CASE WHEN c.dimension IN ('card', 'ip') THEN '' ELSE c.merchant END, c.dimension, c.value, count(*), max(c.at)
        FROM counted c WHERE CASE c.dimension
            WHEN 'card' THEN EXISTS (SELECT FROM uses u WHERE u.dimension || '' = 'card' AND u.value = c.value AND u.at > c.at
                ORDER BY u.at LIMIT 1 OFFSET 15)
            WHEN 'ip' THEN EXISTS (SELECT FROM uses u WHERE u.dimension || '' = 'ip' AND u.value = c.value AND u.at > c.at
                ORDER BY u.at LIMIT 1 OFFSET 15)
            ELSE EXISTS (SELECT FROM uses u WHERE u.merchant = c.merchant AND u.dimension = c.dimension AND u.value = c.value AND u.at > c.at
                ORDER BY u.at LIMIT 1 OFFSET 15)
            END
        GROUP BY 1, 2, 3
        ON CONFLICT (merchant, dimension, value) DO UPDATE SET times = l.times + excluded.times, at = greatest(l.at, excluded.at);
    RETURN NULL;
END $late$;
-- +goose StatementEnd

CREATE TRIGGER uses_come_late AFTER INSERT ON uses REFERENCING NEW TABLE AS counted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_note_late_uses();

-- A row of late_uses says nothing more once the latest of its uses is as old as the deleted ones.
-- +goose StatementBegin
CREATE FUNCTION ledger_note_deleted_uses() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $deleted$
BEGIN
    UPDATE uses_deleted d SET at = (SELECT max(at) FROM deleted) WHERE d.at < (SELECT max(at) FROM deleted);
    IF FOUND THEN
        DELETE FROM late_uses WHERE at <= (SELECT at FROM uses_deleted);
    END IF;
    RETURN NULL;
END $deleted$;
-- +goose StatementEnd

CREATE TRIGGER uses_are_deleted AFTER DELETE ON uses REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_note_deleted_uses();

-- +goose StatementBegin
CREATE FUNCTION ledger_note_label_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $label$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO label_changes (transaction_id) VALUES (OLD.transaction_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO label_changes (transaction_id) VALUES (NEW.transaction_id);
    END IF;
    RETURN NULL;
END $label$;
-- +goose StatementEnd

CREATE TRIGGER labels_are_changed AFTER INSERT OR DELETE OR UPDATE OF transaction_id, label, at ON labels
    FOR EACH ROW EXECUTE FUNCTION ledger_note_label_change();

-- They find their own tables, whatever search_path, and whatever temporary tables, the session of another user has.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ledger_note_late_uses', 'ledger_note_deleted_uses', 'ledger_note_label_change'] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END $$;
-- +goose StatementEnd

-- orders_police reads the tables. orders_reader, the API's user, does not: they are about all merchants.
--
-- gateways/ledger/setup.sh calls the function too, for users that are made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_let_police_remember() RETURNS void LANGUAGE plpgsql AS $remember$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_police') THEN
        GRANT SELECT ON late_uses, uses_deleted, label_changes TO orders_police;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        REVOKE SELECT ON late_uses, uses_deleted, label_changes FROM orders_reader;
    END IF;
END $remember$;
-- +goose StatementEnd

SELECT ledger_let_police_remember();
