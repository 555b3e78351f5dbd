package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"dummyorders/internal/stack"
)

// keys is the number of cards, customers, addresses and orders in the table of uses, in addition to the busiest of each.
const keys = 10_000

// value returns the value of a key, which is the same in every dimension.
func value(key int) string {
	return fmt.Sprintf("8.0.%d.%d", key/256, key%256)
}

// rowsOf inserts rows, spread evenly over the last 30 days. An eighth of them have the busiest key, and the others take
// turns. They come in the order of the table's key, which is the fastest to insert.
const rowsOf = `INSERT INTO uses (merchant, dimension, value, at, transaction_id, amount, currency, facts)
	SELECT 'default', dimension, '8.0.' || (key / 256) || '.' || (key %% 256), %s, 'bench-' || i, 12300, 'INR',
		CAST('{"card": "c' || (i %% 7) || '"}' AS %s)
	FROM (SELECT i, CASE i %% 4 WHEN 0 THEN 'card' WHEN 1 THEN 'customer' WHEN 2 THEN 'ip' ELSE 'order' END AS dimension,
		CASE WHEN i %% 32 < 4 THEN 0 ELSE 1 + (i / 4) %% %d END AS key FROM %s) AS numbered
	ORDER BY 2, 3, 4`

const thirtyDays = 30 * 24 * 3600

// fill inserts uses into a database whose tables exist.
func fill(ctx context.Context, url string, rows int) error {
	driver, source, json := "pgx", url, "json"
	at := fmt.Sprintf("now() - make_interval(secs => %d.0 * i / %d)", thirtyDays, rows)
	series := fmt.Sprintf("generate_series(0, %d) AS i", rows-1)
	if path, isFile := strings.CutPrefix(url, "sqlite:"); isFile {
		driver, source, json = "sqlite", path, "text"
		at = fmt.Sprintf("(unixepoch() - %d * i / %d) * 1000000", thirtyDays, rows)
		series = fmt.Sprintf("(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)", rows-1)
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, fmt.Sprintf(rowsOf, at, json, keys, series)); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "ANALYZE")
	return err
}

func database(size int) string {
	return fmt.Sprintf("bench_%d", size)
}

// prepare creates the database.
func prepare(ctx context.Context, server *stack.Postgres, engine string, size int) error {
	if engine == "SQLite" {
		return nil
	}
	db, err := sql.Open("pgx", server.URL("postgres", "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+database(size))
	return err
}
