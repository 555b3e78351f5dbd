-- +goose Up

-- The desk's sessions: who has signed in with a browser. The browser's cookie is not here, and cannot be found from what is. A row
-- without data is a session that was ended.
CREATE TABLE sessions (
    digest     TEXT    NOT NULL PRIMARY KEY, -- of the cookie
    data       BLOB    NOT NULL,
    expires_at INTEGER NOT NULL              -- microseconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_end ON sessions (expires_at);
