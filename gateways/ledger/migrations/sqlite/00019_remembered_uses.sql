-- +goose Up

-- fraud_police keeps the uses of busy values in memory. From these tables it knows, without reading the uses, whether it has all of them
-- with their present labels. Triggers write the tables, so that older code keeps them too.

-- How many uses of a value came late: at least 16 others were accepted after it and counted before it. Cards and addresses have one
-- row for all merchants together, with an empty merchant. A process that read a value's uses, and remembers those that were not among
-- the 16 newest, has to read them again once times has changed.
CREATE TABLE late_uses (
    merchant  TEXT    NOT NULL,
    dimension TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    times     INTEGER NOT NULL,
    at        INTEGER NOT NULL, -- when the latest of them was accepted: microseconds since 1970
    PRIMARY KEY (merchant, dimension, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX late_uses_by_time ON late_uses (at);

-- One row: the latest time of a use that was deleted. Uses that are later are all there.
CREATE TABLE uses_deleted (
    at INTEGER NOT NULL -- microseconds since 1970
) STRICT;

INSERT INTO uses_deleted (at) VALUES (0);

-- The transactions whose labels have changed, in the order of the changes.
CREATE TABLE label_changes (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id TEXT    NOT NULL,
    at             INTEGER NOT NULL -- microseconds since 1970
) STRICT;

CREATE INDEX label_changes_by_time ON label_changes (at);

-- +goose StatementBegin
CREATE TRIGGER uses_come_late AFTER INSERT ON uses WHEN CASE NEW.dimension
    WHEN 'card' THEN EXISTS (SELECT 1 FROM uses WHERE dimension || '' = 'card' AND value = NEW.value AND at > NEW.at ORDER BY at LIMIT 1 OFFSET 15)
    WHEN 'ip' THEN EXISTS (SELECT 1 FROM uses WHERE dimension || '' = 'ip' AND value = NEW.value AND at > NEW.at ORDER BY at LIMIT 1 OFFSET 15)
    ELSE EXISTS (SELECT 1 FROM uses WHERE merchant = NEW.merchant AND dimension = NEW.dimension AND value = NEW.value AND at > NEW.at
        ORDER BY at LIMIT 1 OFFSET 15)
    END
BEGIN
    INSERT INTO late_uses (merchant, dimension, value, times, at)
        VALUES (CASE WHEN NEW.dimension IN ('card', 'ip') THEN '' ELSE NEW.merchant END, NEW.dimension, NEW.value, 1, NEW.at)
        ON CONFLICT (merchant, dimension, value) DO UPDATE SET times = times + 1, at = max(at, excluded.at);
END;
-- +goose StatementEnd

-- A row of late_uses says nothing more once the latest of its uses is as old as the deleted ones.
-- +goose StatementBegin
CREATE TRIGGER uses_are_deleted AFTER DELETE ON uses
BEGIN
    UPDATE uses_deleted SET at = OLD.at WHERE at < OLD.at;
    DELETE FROM late_uses WHERE at <= (SELECT at FROM uses_deleted);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER labels_are_added AFTER INSERT ON labels
BEGIN
    INSERT INTO label_changes (transaction_id, at) VALUES (NEW.transaction_id, unixepoch() * 1000000);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER labels_are_changed AFTER UPDATE OF transaction_id, label, at ON labels
BEGIN
    INSERT INTO label_changes (transaction_id, at) VALUES (OLD.transaction_id, unixepoch() * 1000000), (NEW.transaction_id, unixepoch() * 1000000);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER labels_are_removed AFTER DELETE ON labels
BEGIN
    INSERT INTO label_changes (transaction_id, at) VALUES (OLD.transaction_id, unixepoch() * 1000000);
END;
-- +goose StatementEnd
