-- +goose Up

-- What may be shown of a session, and its end. The id and the document are NULL before a person has signed in, and until newer
-- code writes the row that older code has made.
ALTER TABLE sessions ADD COLUMN id TEXT;          -- by which people name the session: it opens nothing
ALTER TABLE sessions ADD COLUMN document TEXT;    -- whose it is, since when and from where, as JSON
ALTER TABLE sessions ADD COLUMN ended_at INTEGER; -- microseconds since 1970

-- An ended session has no data, so older code does not take it for an open one either. Older code ends a session by deleting its data.
-- +goose StatementBegin
CREATE TRIGGER sessions_are_ended AFTER UPDATE ON sessions WHEN NEW.ended_at IS NOT NULL OR length(NEW.data) = 0
BEGIN
    UPDATE sessions SET data = x'', ended_at = coalesce(ended_at, unixepoch() * 1000000) WHERE digest = NEW.digest;
END;
-- +goose StatementEnd
