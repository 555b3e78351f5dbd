// Package ledger keeps the ledger, and what is counted over past transactions, in the tables of a SQL database: a SQLite
// file or a PostgreSQL database. An engine holds what differs between the two: see sqlite.go and postgres.go.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/internal/telemetry"
)

// engine holds what each kind of database does in its own way.
type engine struct {
	place      string // where the database is, for messages, without a password
	dialect    goose.Dialect
	migrations fs.FS // SQL files as goose reads them, in the folder at its root
	// numbered reports whether placeholders are $1, $2 and so on. Otherwise each is a question mark.
	numbered bool
	// oneWriter reports whether the database takes one writer at a time.
	oneWriter bool
	// namesIndex reports whether a list names the index to go by. Otherwise the database knows best.
	namesIndex bool
	// sum is what amounts come to, or as much as fits.
	sum string
	// find is the condition that the text of its one placeholder is in the record. The record is not read as JSON for it:
	// PostgreSQL cannot read some of what JSON may hold.
	find string
	// tried is the outcome of the trial of each of these in the record, or null.
	tried map[fraud.Shadow]string
	// sqlTime converts a time to what the database takes. The database keeps microseconds.
	sqlTime func(time.Time) any
	// now is the database's time, as it keeps times.
	now string
	// day is the day of t.started_at in UTC, such as 2026-11-29, minute its minute since 1970, and micros is l.at in microseconds
	// since 1970.
	day, minute, micros string
	// prune deletes ended transactions: the first placeholder is the time, the second the limit. pruneUses,
	// pruneDecisions and pruneChanges delete the rows from before the time.
	prune, pruneUses, pruneDecisions, pruneChanges string
	// read runs a query, and passes on its rows one by one. A database with users of its own shows no rows of other merchants
	// to a user who may see those of some only.
	read func(ctx context.Context, db *sql.DB, of identity.Merchants, q query, each func(row) error) error
	// inRounds runs the statements that each round returns, round after round, in one database transaction. Each statement sees
	// what others have committed by then. A database on another machine is waited for once a round.
	inRounds func(ctx context.Context, db *sql.DB, rounds ...round) error
	// restrict names, in its one placeholder, the merchants whose rows such a user sees until the end of the database
	// transaction. It is empty if the database has no users.
	restrict string
	// lock takes the locks whose numbers are listed in its one placeholder, in the list's order, until the end of the
	// database transaction. It is empty if a writing transaction excludes all other writers from its beginning.
	lock string
	// nextChange is a number that no later change of labels falls below, and changedSince the condition for the changes from the
	// number in its one placeholder on.
	nextChange, changedSince string
	// hurry bounds how long a client may leave a database transaction waiting; it is empty if others do not wait for it.
	hurry string
	// lockLast and lockFirst read the two ends of the audit trail, and keep others from changing them until the end of the
	// database transaction. All that is read with the isolation snapshot is of one moment.
	lockLast, lockFirst string
	snapshot            sql.IsolationLevel
	// noTables reports whether an error means that the tables, or the whole database, do not exist yet.
	noTables func(error) bool
	// mayRetry reports whether work that failed may succeed on a new connection, as after a failover. The work is then done
	// once more. This is safe for all work of a ledger: it is keyed, and what was done already is not done again. If mayRetry
	// is nil, nothing is repeated.
	mayRetry func(error) bool
	// readOnly is a query for whether the database takes no writes. It is empty if the database always takes them. renew is
	// called when it takes none, and replaces the connections.
	readOnly string
	renew    func()
	// withLock runs a migration while no other process runs one.
	withLock func(ctx context.Context, migrate func(...goose.ProviderOption) error) error
}

// pools holds a pool of connections for each kind of work. They may be the same pool.
type pools struct {
	writer   *sql.DB // for saving
	reader   *sql.DB
	velocity *sql.DB // for counting: a power failure may lose what it commits, but never a part of a transaction
}

// Ledger implements ledger.Writer, ledger.Searcher, ledger.Labeler, ledger.Reviews and ledger.Pruner; fraud.VelocityStore, fraud.VelocityReader
// and fraud.VelocityPruner; audit.Trail, audit.Reader and audit.Pruner; ruleset.Store, ruleset.Lists, ruleset.EntryPruner and
// ruleset.Backtests; and alert.Mutes, alert.Windows and alert.WindowPruner. It connects on first use, and reconnects after the database was
// away.
type Ledger struct {
	engine             engine
	writer             *sql.DB
	reader             *sql.DB
	velocity           *sql.DB
	statements         statements
	velocityStatements velocityStatements
	groupCommit        *groupCommit[saving]
	audits             *groupCommit[*auditing]
	busy               *busyValues
}

// newLedger returns a ledger that owns the pools: Close closes them.
func newLedger(engine engine, pools pools) *Ledger {
	l := &Ledger{
		engine: engine, writer: pools.writer, reader: pools.reader, velocity: pools.velocity,
		statements: newStatements(engine), velocityStatements: newVelocityStatements(engine),
		busy: newBusyValues(),
	}
	l.audits, l.groupCommit = newGroupCommit(l.appendAll), newGroupCommit(l.saveAll)
	return l
}

// Close closes the connections. Calls that are under way may fail.
func (l *Ledger) Close() error {
	return errors.Join(l.writer.Close(), l.reader.Close(), l.velocity.Close()) // closing a pool twice does nothing
}

// retry runs do, and runs it once more if the server or the connection was gone.
func (l *Ledger) retry(ctx context.Context, do func() error) error {
	err := do()
	if err != nil && ctx.Err() == nil && l.engine.mayRetry != nil && l.engine.mayRetry(err) {
		err = do()
	}
	return err
}

// inTransaction runs do in a database transaction: all of its work is kept, or none.
func (l *Ledger) inTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	return l.retry(ctx, func() error { return l.once(ctx, do) })
}

// inTransactionOf does so in one that sees these merchants' rows.
func (l *Ledger) inTransactionOf(ctx context.Context, of identity.Merchants, do func(*sql.Tx) error) error {
	return l.inTransaction(ctx, func(tx *sql.Tx) error {
		if l.engine.restrict != "" {
			if _, err := tx.ExecContext(ctx, l.engine.restrict, of.String()); err != nil {
				return err
			}
		}
		return do(tx)
	})
}

func (l *Ledger) once(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := l.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// changes reports whether a statement has changed a row.
func changes(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	changed, err := result.RowsAffected()
	return changed > 0, err
}

// explain adds a plain message to err if the tables do not exist, and counts the error, unless the caller has only given up.
func (l *Ledger) explain(operation string, err error) error {
	if err != nil && !errors.Is(err, context.Canceled) {
		telemetry.LedgerErrors.Inc(context.Background(), operation)
	}
	if l.engine.noTables(err) {
		return fmt.Errorf("%w (%w)", l.noTables(), err)
	}
	return err
}

// ignoreDone ignores the error of a rollback that came too late, because the end of its context had already rolled back.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// foreignKeyViolation is a SQLSTATE code, from PostgreSQL's appendix A.
const foreignKeyViolation = "23503"

// Label keeps a label that does not come from the transaction itself. A later save does not remove it.
func (l *Ledger) Label(ctx context.Context, of identity.Merchants, transactionID string, label ledger.Label) (ledger.Label, error) {
	var kept ledger.Label
	if label.Label == "" || label.Source == "" || label.Time.IsZero() {
		return kept, fmt.Errorf("label transaction %s in the ledger: the label needs its word, its source and its time", transactionID)
	}
	err := l.inTransactionOf(ctx, of, func(tx *sql.Tx) (err error) {
		q := l.keepLabelQuery(of, transactionID, label)
		if kept, err = scanLabel(tx.QueryRowContext(ctx, q.text, q.args...)); err != nil {
			return err
		}
		kept, err = l.changeNote(ctx, tx, transactionID, kept, label)
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows), sqlState(err) == foreignKeyViolation: // it was deleted meanwhile; SQLite has one writer at a time
		return ledger.Label{}, fmt.Errorf("label transaction %s: %w", transactionID, ledger.ErrNotFound)
	case errors.Is(err, ledger.ErrTooManyNotes):
		return ledger.Label{}, fmt.Errorf("label transaction %s: %w", transactionID, err)
	case err != nil:
		return ledger.Label{}, fmt.Errorf("label transaction %s in the ledger: %w", transactionID, l.explain("label", err))
	}
	return kept, nil
}

// keepLabelQuery adds a label, or locks and returns the one that is there.
func (l *Ledger) keepLabelQuery(of identity.Merchants, transactionID string, label ledger.Label) query {
	c := conditions{args: []any{nullable(label.Source), nullable(label.Label), nullable(label.Note), nullable(label.By), l.engine.sqlTime(label.Time)}}
	c.add("id = ?", nullable(transactionID))
	c.of(of)
	return query{l.engine.bind(`INSERT INTO labels (transaction_id, source, label, note, given_by, at) SELECT id, ?, ?, ?, ?, ? FROM transactions ` + c.where() +
		`ON CONFLICT (transaction_id, source, label) DO UPDATE SET note = labels.note RETURNING label, source, note, given_by, at, noted_at`), c.args}
}

// changeNote gives a label that is there the note of another one, and keeps its earlier note.
func (l *Ledger) changeNote(ctx context.Context, tx *sql.Tx, transactionID string, there, label ledger.Label) (ledger.Label, error) {
	key := []any{nullable(transactionID), nullable(label.Source), nullable(label.Label)}
	if nullable(there.Note) != nullable(label.Note) || nullable(there.By) != nullable(label.By) {
		kept, err := changes(tx.ExecContext(ctx, l.statements.keepNote, append(slices.Clone(key), ledger.MostNotes)...))
		if err != nil {
			return there, err
		}
		if !kept {
			return there, ledger.ErrTooManyNotes
		}
		changed := append([]any{nullable(label.Note), nullable(label.By), l.engine.sqlTime(label.Time)}, key...)
		if there, err = scanLabel(tx.QueryRowContext(ctx, l.statements.changeNote, changed...)); err != nil {
			return there, err
		}
	}
	if there.NotedAt == nil {
		return there, nil
	}
	rows, err := tx.QueryContext(ctx, l.statements.earlier, key...)
	if err != nil {
		return there, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var note, by sql.NullString
		var at instant
		if err := rows.Scan(&note, &by, &at); err != nil {
			return there, err
		}
		there.Earlier = append(there.Earlier, ledger.Note{Note: note.String, By: by.String, Time: at.Time})
	}
	return there, rows.Err()
}

// scanLabel fails with sql.ErrNoRows if the transaction to label does not exist.
func scanLabel(row *sql.Row) (ledger.Label, error) {
	var label ledger.Label
	var note, by sql.NullString
	var at, notedAt instant
	err := row.Scan(&label.Label, &label.Source, &note, &by, &at, &notedAt)
	label.Note, label.By, label.Time, label.NotedAt = note.String, by.String, at.Time, notedAt.pointer()
	return label, err
}

// sqlState returns the SQLSTATE code of an error of PostgreSQL, and "" for any other.
func sqlState(err error) string {
	refused, is := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !is {
		return ""
	}
	return refused.SQLState()
}

// Prune deletes the transactions that ended first, with their labels.
func (l *Ledger) Prune(ctx context.Context, endedBefore time.Time, limit int) (int, error) {
	deleted, err := l.delete(ctx, l.writer, l.statements.prune, endedBefore, limit)
	if err != nil {
		return 0, fmt.Errorf("delete from the ledger what ended before %s: %w", endedBefore.UTC().Format(time.RFC3339), err)
	}
	return deleted, nil
}

// delete runs a statement that deletes rows from before a time, and returns how many it deleted.
func (l *Ledger) delete(ctx context.Context, pool *sql.DB, statement string, before time.Time, limit int) (int, error) {
	var result sql.Result
	err := l.retry(ctx, func() (err error) {
		result, err = pool.ExecContext(ctx, statement, l.engine.sqlTime(before), limit)
		return err
	})
	if err != nil {
		return 0, l.explain("prune", err)
	}
	deleted, err := result.RowsAffected()
	return int(deleted), err
}

// right describes a valid URL, for messages.
const right = "must be sqlite: and a file, such as sqlite:orders-ledger.db, " +
	"or a PostgreSQL URL, such as postgres://orders:secret@localhost:5432/orders?sslmode=require"

// Open opens the ledger that a URL names. It does not connect yet: only a wrong URL is an error here, not a database that
// is away. Errors show no password.
func Open(url string) (*Ledger, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return nil, err
		}
		return openSQLite(path)
	case "postgres", "postgresql":
		return openPostgres(url)
	default:
		return nil, errors.New("ledger URL: " + right)
	}
}

// Password returns the password that a PostgreSQL URL logs in with: its own, or else, as with libpq, that of
// the environment or of a file. It returns "" if there is none, as for any other URL.
func Password(url string) string {
	config, err := parsePostgres(url)
	if err != nil {
		return ""
	}
	return config.Password
}

// SQLiteFile returns the path in a sqlite: URL, and false for any other URL.
func SQLiteFile(url string) (string, bool) {
	rest, named := strings.CutPrefix(url, "sqlite:")
	path, err := sqlitePath(rest)
	if !named || err != nil {
		return "", false
	}
	return path, true
}

// sqlitePath checks the path, and refuses forms that other programs' SQLite URLs have.
func sqlitePath(path string) (string, error) {
	const must = "must be sqlite: and the path alone, such as sqlite:orders-ledger.db or sqlite:/var/lib/orders/ledger.db"
	switch {
	case path == "" || strings.HasSuffix(path, "/"):
		return "", fmt.Errorf("ledger URL sqlite:%s names no file: %s", path, must)
	case strings.HasPrefix(path, "//"):
		return "", fmt.Errorf("ledger URL sqlite:%s begins its path with slashes of a host: %s", path, must)
	case strings.Contains(path, "?"):
		return "", fmt.Errorf("ledger URL sqlite:%s has options, and takes none: %s", path, must)
	case path == ":memory:" || strings.HasPrefix(path, "file:"):
		return "", fmt.Errorf("ledger URL sqlite:%s is one of SQLite's own names: %s", path, must)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return "", fmt.Errorf("ledger URL sqlite:%s names a folder: %s", path, must)
	}
	return path, nil
}
