-- +goose Up

-- For the days of one merchant, which are few among those of all.
CREATE INDEX day_figures_of_merchant ON day_figures (merchant, day);
