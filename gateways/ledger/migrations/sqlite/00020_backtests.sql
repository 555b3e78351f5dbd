-- +goose Up

-- Backtests of the last day, as the desk that runs one has kept it last: other desks show them.
CREATE TABLE backtests (
    id        TEXT    NOT NULL PRIMARY KEY,
    merchants TEXT    NOT NULL, -- whose transactions it reads: names with commas between them, or *
    document  TEXT    NOT NULL, -- how far it is, and its report, as JSON
    kept_at   INTEGER NOT NULL  -- microseconds since 1970
) STRICT, WITHOUT ROWID;
