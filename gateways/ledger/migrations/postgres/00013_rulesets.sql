-- +goose Up

-- The rulesets that were proposed, with RULES_FROM=database. The approved one with the highest number decides. A row changes once,
-- when it is approved.
CREATE TABLE rulesets (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest      text NOT NULL,
    files       text NOT NULL, -- an object of texts by paths, as JSON
    note        text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz
);

CREATE INDEX rulesets_approved ON rulesets (number) WHERE approved_at IS NOT NULL;

-- orders_desk, the desk's user, proposes and approves rulesets, and reads what fraud checks count, to try transactions.
-- orders_police reads rulesets. orders_reader, the API's user, reads rulesets as it reads all tables.
--
-- gateways/ledger/setup.sh calls the function too, for users that are made after this has run.
-- +goose StatementBegin
CREATE FUNCTION ledger_let_desk_publish_rules() RETURNS void LANGUAGE plpgsql AS $publish$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_desk') THEN
        GRANT SELECT, INSERT ON rulesets TO orders_desk;
        GRANT UPDATE (approved_by, approved_at) ON rulesets TO orders_desk;
        GRANT SELECT ON uses TO orders_desk;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_police') THEN
        GRANT SELECT ON rulesets TO orders_police;
    END IF;
END $publish$;
-- +goose StatementEnd

SELECT ledger_let_desk_publish_rules();
