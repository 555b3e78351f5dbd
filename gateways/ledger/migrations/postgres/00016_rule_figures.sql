-- +goose Up

-- What rules did, beside what transactions came to. It is null where an earlier version counted, and such days are counted again;
-- it is JSON's null where that cannot be done, because transactions have been deleted.
ALTER TABLE day_figures ADD COLUMN rules json;

CREATE INDEX day_figures_without_rules ON day_figures (day) WHERE rules IS NULL;
