-- +goose Up

-- When a worker last began to count a day for reports. No worker counts the day before rests_until: it bounds a running count, and
-- after it spaces the counts of a busy day.
CREATE TABLE days_counted (
    day         text COLLATE "C" PRIMARY KEY,
    at          timestamptz NOT NULL,
    rests_until timestamptz NOT NULL
);
