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
	Dialect    goose.Dialect
	Migrations fs.FS // SQL files as goose reads them, in the folder at its root
	// Numbered says that placeholders are $1, $2 and so on, where otherwise each is a question mark.
	Numbered bool
	// OneWriter says that the database takes one writer at a time. Savers that wait for it are then served together.
	OneWriter bool
	// Time is how a time is handed to the database, which keeps microseconds.
	Time func(time.Time) any
	// Prune deletes ended transactions: the first placeholder is the time, the second the limit.
	Prune string
	// NoTables says whether an error means that the tables, or all of the database, are not there yet.
	NoTables func(error) bool
	// Alone runs a migration while no other process does.
	Alone func(ctx context.Context, migrate func(...goose.ProviderOption) error) error
}

// Ledger is a ledger.Writer, ledger.Reader and ledger.Pruner. It connects when it is first used, and again after the
// database was away.
type Ledger struct {
	engine     Engine
	writer     *sql.DB
	reader     *sql.DB
	statements statements
	turns      *turns // nil where savers need not wait for each other
}

// New takes charge of both pools, which may be the same.
func New(engine Engine, writer, reader *sql.DB) *Ledger {
	l := &Ledger{engine: engine, writer: writer, reader: reader, statements: newStatements(engine)}
	if engine.OneWriter {
		l.turns = newTurns(l.saveAll)
	}
	return l
}

// Close ends the connections. Calls that are under way may fail.
func (l *Ledger) Close() error {
	if l.writer == l.reader {
		return l.writer.Close()
	}
	return errors.Join(l.writer.Close(), l.reader.Close())
}

// inTransaction does all of it or nothing.
func (l *Ledger) inTransaction(ctx context.Context, do func(*sql.Tx) error) error {
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
		return fmt.Errorf("%w (%w)", errNoTables, err)
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
