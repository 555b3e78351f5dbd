package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// At most mostSources reviews are copied, and each less than mostCopies times.
const (
	mostSources = 10_000
	mostCopies  = 100
)

// copyReviews adds copies of open reviews to the SQLite files of Temporal and of the ledger, n or fewer. It returns how many,
// and the workflow of one. It stops the servers and the service, and starts them again once the disk has the files: else the
// servers' own commits would wait for it.
func (s *servers) copyReviews(ctx context.Context, service system, n int) (copied int, one string, err error) {
	for _, p := range slices.Backward(service.processes) {
		if err := p.Stop(ctx); err != nil {
			return 0, "", err
		}
	}
	files := []string{filepath.Join(s.dir, "temporal", "temporal.db"), filepath.Join(s.dir, "new", "ledger.db")}
	copied, one, err = copyRows(ctx, files[0], files[1], n)
	for _, name := range files {
		err = errors.Join(err, flush(name))
	}
	if err != nil {
		return 0, "", fmt.Errorf("copy open reviews: %w", err)
	}
	if err := s.temporal.Start(ctx); err != nil {
		return 0, "", err
	}
	for _, p := range service.processes[1:] {
		if err := p.Start(); err != nil {
			return 0, "", err
		}
		if err := p.WaitHealthy(ctx, "http://"+p.address+"/readyz"); err != nil {
			return 0, "", err
		}
	}
	return copied, one, nil
}

// flush waits until the disk has all of a file.
func flush(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// tablesOfReviews are the tables that hold an open review, and which rows are the sources'.
var tablesOfReviews = []struct{ schema, table, rows string }{
	{"main", "executions", "run_id IN (SELECT run_id FROM sources)"},
	{"main", "current_executions", "run_id IN (SELECT run_id FROM sources)"},
	{"main", "timer_info_maps", "run_id IN (SELECT run_id FROM sources)"},
	{"main", "history_tree", "tree_id IN (SELECT run_id FROM sources)"},
	{"main", "history_node", "tree_id IN (SELECT run_id FROM sources)"},
	{"main", "timer_tasks", "visibility_timestamp > datetime('now', '+1 hour') AND " +
		"CAST(substr(data, instr(data, CAST('transaction-' AS BLOB)), 48) AS TEXT) IN (SELECT workflow_id FROM sources)"},
	{"main", "executions_visibility", "workflow_id IN (SELECT workflow_id FROM sources)"},
	{"ledger", "transactions", "'transaction-' || id IN (SELECT workflow_id FROM sources)"},
}

// copyRows copies the rows of open reviews in the files of servers that do not run.
func copyRows(ctx context.Context, temporal, ledger string, n int) (copied int, one string, err error) {
	db, err := sql.Open("sqlite", temporal)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // which has the attached file and the temporary tables
	var ids idsOfReviews
	if err := db.QueryRowContext(ctx, "SELECT namespace_id FROM executions_visibility WHERE workflow_id GLOB 'transaction-*'").Scan(&ids.namespace); err != nil {
		return 0, "", fmt.Errorf("look at a transaction: %w", err)
	}
	ids.digits = ids.namespace[:4]
	for _, statement := range []string{
		"PRAGMA synchronous = OFF", "PRAGMA cache_size = -4000000", "ATTACH '" + ledger + "' AS ledger", "PRAGMA ledger.synchronous = OFF",
		"CREATE TEMP TABLE sources (run_id BLOB PRIMARY KEY, workflow_id TEXT UNIQUE)",
		fmt.Sprintf(`INSERT INTO sources SELECT run_id, workflow_id FROM executions WHERE workflow_id IN (SELECT 'transaction-' || id FROM ledger.transactions
			WHERE status = %d AND reviewed_at IS NULL AND id GLOB '%s*') LIMIT %d`, inReview, ids.digits, mostSources),
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return 0, "", fmt.Errorf("%s: %w", statement, err)
		}
	}
	var sources, number int
	err = db.QueryRowContext(ctx, `SELECT min(workflow_id), count(*), (SELECT coalesce(max(CAST(substr(workflow_id, 13, 4) AS INTEGER)), 0) FROM executions
		WHERE workflow_id > 'transaction-' AND workflow_id < 'transaction-' || ?) FROM sources`, ids.digits).Scan(&one, &sources, &number)
	if err != nil {
		return 0, "", fmt.Errorf("count open reviews and their copies: %w", err)
	}
	var statements []string
	for _, t := range tablesOfReviews {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("CREATE TEMP TABLE of_%s AS SELECT * FROM %s.%[1]s WHERE %[3]s", t.table, t.schema, t.rows)); err != nil {
			return 0, "", fmt.Errorf("choose the rows of %s: %w", t.table, err)
		}
		statement, err := ids.statement(ctx, db, t.schema, t.table)
		if err != nil {
			return 0, "", fmt.Errorf("read the columns of %s: %w", t.table, err)
		}
		statements = append(statements, statement)
	}
	for number++; number < mostCopies && copied+sources <= n; number++ {
		for _, statement := range statements {
			if _, err := db.ExecContext(ctx, statement, fmt.Sprintf("%04d", number), number); err != nil {
				return 0, "", fmt.Errorf("%s: %w", statement, err)
			}
		}
		copied += sources
	}
	return copied, strings.Replace(one, ids.digits, fmt.Sprintf("%04d", number-1), 1), nil
}

// idsOfReviews says how to find the ids of reviews in rows. They are UUIDs of version 7, which begin with the time: for seven weeks with
// the same four hexadecimal digits. A copy has four other digits there, so an encoded message with the id keeps its length.
type idsOfReviews struct {
	digits    string
	namespace string // whose id begins with the digits too, and stays
}

// statement returns one that adds a copy of all sources' rows of a table. Its arguments are the copy's four digits and its number.
func (ids idsOfReviews) statement(ctx context.Context, db *sql.DB, schema, table string) (string, error) {
	columns, err := db.QueryContext(ctx, "SELECT name, type FROM pragma_table_info(?, ?)", table, schema)
	if err != nil {
		return "", err
	}
	defer func() { _ = columns.Close() }()
	var names, values []string
	for columns.Next() {
		var name, kind string
		if err := columns.Scan(&name, &kind); err != nil {
			return "", err
		}
		names, values = append(names, name), append(values, ids.value(name, kind))
	}
	return fmt.Sprintf("INSERT INTO %s.%s (%s) SELECT %s FROM of_%[2]s", schema, table, strings.Join(names, ", "), strings.Join(values, ", ")), columns.Err()
}

// value returns the SQL for a column's value in a copy.
func (ids idsOfReviews) value(column, kind string) string {
	replaced := fmt.Sprintf("replace(replace(%s, '%s', ?1), ?1 || '%s', '%s')", column, ids.digits, ids.namespace[4:], ids.namespace)
	switch {
	case column == "task_id": // the server refuses ids above those that it has given, which begin at 1<<20
		return fmt.Sprintf("rowid * %d + ?2", mostCopies)
	case kind == "BINARY(16)" && column != "namespace_id":
		return "CAST(unhex(?1) || substr(" + column + ", 3) AS BLOB)"
	case strings.Contains(kind, "BLOB"):
		return "CAST(" + replaced + " AS BLOB)"
	case strings.Contains(kind, "CHAR"), kind == "TEXT":
		return replaced
	}
	return column
}
