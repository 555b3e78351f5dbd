-- +goose Up

-- Only PostgreSQL has users of its own: see its migration of the same number.
