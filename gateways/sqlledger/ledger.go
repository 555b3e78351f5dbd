// Package sqlledger keeps the ledger in the tables of a SQL database. What the databases have in common is here; what
// they differ in is an Engine, which the packages sqlite and postgres make.
package sqlledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// Engine is what one kind of database does its own way.
type Engine struct {
	Place      string // where the database is, for messages: without a password
	Dialect    goose.Dialect
	Migrations fs.FS // SQL files as goose reads them, in the folder at its root
	// Numbered says that placeholders are $1, $2 and so on, where otherwise each is a question mark.
	Numbered bool
	// OneWriter says that the database takes one writer at a time. Savers that wait for it are then served together.
	OneWriter bool
	// Time is how a time is handed to the database, which keeps microseconds.
	Time func(time.Time) any
	// Prune deletes ended transactions: the first placeholder is the time, the second the limit. PruneUses and
	// PruneDecisions delete what is from before the time.
	Prune, PruneUses, PruneDecisions string
	// Lock takes the locks whose numbers its one placeholder lists, in the list's order, until the end of the database
	// transaction. It is empty where a transaction that is to write keeps all others that are from the beginning.
	Lock string
	// NoTables says whether an error means that the tables, or all of the database, are not there yet.
	NoTables func(error) bool
	// Again reports whether work that failed may succeed on a new connection, as after a failover. It is then done once more,
	// which all work of a ledger can be: it is keyed, and what was done already is not done again. Nil, nothing is.
	Again func(error) bool
	// ReadOnly asks whether the database takes no writes; empty where it always does. Renew has connections made anew then.
	ReadOnly string
	Renew    func()
	// Alone runs a migration while no other process does.
	Alone func(ctx context.Context, migrate func(...goose.ProviderOption) error) error
}

// Pools are connections, for each kind of work its own; they may be the same.
type Pools struct {
	Writer  *sql.DB // for saving
	Reader  *sql.DB
	History *sql.DB // for counting: what it commits may be lost to a power failure, all of it or nothing
}

// Ledger is a ledger.Writer, ledger.Reader, ledger.Labeler and ledger.Pruner, and a fraud.History, fraud.HistoryReader and
// fraud.HistoryPruner. It connects when it is first used, and again after the database was away.
type Ledger struct {
	engine            Engine
	writer            *sql.DB
	reader            *sql.DB
	history           *sql.DB
	statements        statements
	historyStatements historyStatements
	turns             *turns // nil where savers need not wait for each other
}

// New takes charge of the pools.
func New(engine Engine, pools Pools) *Ledger {
	l := &Ledger{
		engine: engine, writer: pools.Writer, reader: pools.Reader, history: pools.History,
		statements: newStatements(engine), historyStatements: newHistoryStatements(engine),
	}
	if engine.OneWriter {
		l.turns = newTurns(l.saveAll)
	}
	return l
}

// Close ends the connections. Calls that are under way may fail.
func (l *Ledger) Close() error {
	return errors.Join(l.writer.Close(), l.reader.Close(), l.history.Close()) // closing one again does nothing
}

// twice does work, and once more where it met a server or a connection that is gone.
func (l *Ledger) twice(ctx context.Context, do func() error) error {
	err := do()
	if err != nil && ctx.Err() == nil && l.engine.Again != nil && l.engine.Again(err) {
		err = do()
	}
	return err
}

// inTransaction does all of it or nothing.
func (l *Ledger) inTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	return l.twice(ctx, func() error { return l.once(ctx, do) })
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

// explain says in our words that there are no tables.
func (l *Ledger) explain(err error) error {
	if l.engine.NoTables(err) {
		return fmt.Errorf("%w (%w)", l.noTables(), err)
	}
	return err
}

// ignoreDone passes over the error of a rollback that came too late: the end of its context was quicker.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
