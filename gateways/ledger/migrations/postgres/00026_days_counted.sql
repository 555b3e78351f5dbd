-- +goose Up

-- When a worker last began to count a day for reports, and until when none counts it again: as long as the first one may take, and so
-- long after its count that a busy day costs little.
CREATE TABLE days_counted (
    day         text COLLATE "C" PRIMARY KEY,
    at          timestamptz NOT NULL,
    rests_until timestamptz NOT NULL
);
