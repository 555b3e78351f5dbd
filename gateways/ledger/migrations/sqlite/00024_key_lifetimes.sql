-- +goose Up

-- How many microseconds the key was made to live, 0 without an end: rolling it changes expires_at. NULL where older code made the key.
ALTER TABLE keys ADD COLUMN lifetime INTEGER;
