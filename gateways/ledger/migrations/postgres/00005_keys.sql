-- +goose Up

-- Who owns transactions. There is always the one that belongs to whatever names no other.
CREATE TABLE merchants (
    name        text COLLATE "C" PRIMARY KEY,
    added_at    timestamptz NOT NULL,
    disabled_at timestamptz -- NULL while its clients may call
);

INSERT INTO merchants (name, added_at) VALUES ('default', now());

-- Programs that call for a merchant.
CREATE TABLE clients (
    merchant text COLLATE "C" NOT NULL REFERENCES merchants (name),
    name     text COLLATE "C" NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (merchant, name)
);

-- What clients prove themselves by. The key itself is not here, and cannot be found from what is.
CREATE TABLE keys (
    name         text COLLATE "C" PRIMARY KEY, -- the part of the key that names it
    merchant     text COLLATE "C" NOT NULL,
    client       text COLLATE "C" NOT NULL,
    digest       bytea NOT NULL,               -- SHA-256 of the whole key
    scopes       text NOT NULL,                -- with commas between them
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,                  -- to the hour
    FOREIGN KEY (merchant, client) REFERENCES clients (merchant, name)
);

-- One row: a number that every change of the tables above raises, except for last_used_at. Those who keep the keys in
-- memory read them again when it is another. A change holds the row until its end, so changes follow one another.
CREATE TABLE key_changes (
    number bigint NOT NULL
);

INSERT INTO key_changes (number) VALUES (1);

-- orders_reader reads every table; see 00002_velocity.sql.
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_reader') THEN
        GRANT UPDATE (last_used_at) ON keys TO orders_reader;
    END IF;
END $$;
-- +goose StatementEnd
