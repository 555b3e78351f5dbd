package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// versionTable is the table in which goose records the migrations that were done.
const versionTable = "ledger_migrations"

// noTables returns the error for a database without the tables.
func (l *Ledger) noTables() error {
	return fmt.Errorf("the ledger in %s has no tables yet: the worker makes them at its start", l.engine.place)
}

// Migrate creates the tables, or changes them to what this code needs. If several processes call it at once, one migrates
// and the others wait. It leaves a database of newer code unchanged.
func (l *Ledger) Migrate(ctx context.Context) error {
	err := l.engine.withLock(ctx, func(options ...goose.ProviderOption) error {
		provider, err := l.migrationProvider(options)
		if err != nil {
			return err
		}
		_, err = provider.Up(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("make the ledger's tables: %w", err)
	}
	return l.Ready(ctx)
}

func (l *Ledger) migrationProvider(options []goose.ProviderOption) (*goose.Provider, error) {
	options = append(options, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	return goose.NewProvider(l.engine.dialect, l.writer, l.engine.migrations, options...)
}

// Ready returns nil if the database answers, and has tables that this code can work with.
func (l *Ledger) Ready(ctx context.Context) error {
	var version sql.NullInt64
	var oldest int64
	err := l.retry(ctx, func() error { return l.reader.QueryRowContext(ctx, l.statements.version).Scan(&version, &oldest) })
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return l.noTables()
	case err != nil:
		return fmt.Errorf("ask the ledger for its version: %w", l.explain("ready", err))
	}
	return compatible(version.Int64, oldest, l.engine.version())
}

// Writable returns nil if the ledger is ready and its database takes writes. If the server has become read-only, Writable
// connects anew, to the server that the URL leads to by now.
func (l *Ledger) Writable(ctx context.Context) error {
	if err := l.Ready(ctx); err != nil || l.engine.readOnly == "" {
		return err
	}
	for _, pool := range []*sql.DB{l.writer, l.velocity} {
		readOnly, err := l.asksReadOnly(ctx, pool)
		if err == nil && readOnly {
			l.engine.renew()
			readOnly, err = l.asksReadOnly(ctx, pool)
		}
		switch {
		case err != nil:
			return fmt.Errorf("ask the ledger whether it takes writes: %w", err)
		case readOnly:
			return fmt.Errorf("the ledger in %s takes no writes: it is a standby, or read-only", l.engine.place)
		}
	}
	return nil
}

func (l *Ledger) asksReadOnly(ctx context.Context, pool *sql.DB) (readOnly bool, err error) {
	err = l.retry(ctx, func() error { return pool.QueryRowContext(ctx, l.engine.readOnly).Scan(&readOnly) })
	return readOnly, err
}

// compatible compares the version of the tables, and the oldest version of the code that they support, with this code's
// version.
func compatible(tables, oldest, code int64) error {
	switch {
	case tables < code:
		return fmt.Errorf("the ledger's tables are of version %d, and this version of orders needs %d: "+
			"start a worker of this version, which changes them", tables, code)
	case code < oldest:
		return fmt.Errorf("the ledger's tables are of version %d, and need a version of orders that knows at least version %d of "+
			"them; this one knows %d: run the version of orders that changed them, or a later one", tables, oldest, code)
	}
	return nil
}

// version returns the number of the last migration.
func (e engine) version() int64 {
	files, err := fs.Glob(e.migrations, "*.sql")
	if err != nil {
		panic(err) // only a malformed pattern is an error
	}
	version, err := goose.NumericComponent(files[len(files)-1])
	if err != nil {
		panic(err) // the name is in this repository
	}
	return version
}
