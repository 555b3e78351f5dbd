-- +goose Up

-- Of each group of alerts, the alert that was sent at once, and the window in which those that follow are collected.
CREATE TABLE alert_windows (
    id         TEXT    NOT NULL PRIMARY KEY, -- of the group
    opened_by  TEXT    NOT NULL,             -- the id of the alert
    since      INTEGER NOT NULL,             -- microseconds since 1970
    until      INTEGER NOT NULL,
    kept_until INTEGER NOT NULL              -- later, if a workflow of the group may still run then
) STRICT, WITHOUT ROWID;

CREATE INDEX alert_windows_by_end ON alert_windows (kept_until);
