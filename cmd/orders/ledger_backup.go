package main

import (
	"context"
	"errors"

	ledgerdb "dummyorders/gateways/ledger"
)

type backupCommand struct {
	File string `arg:"" help:"The file to make. One that is there is never replaced."`
}

// Run makes a copy of the ledger as it is at this moment.
func (c backupCommand) Run(ctx context.Context) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	if _, err := ledgerdb.Open(env.LedgerURL); err != nil {
		return &configError{faults: []string{"LEDGER_URL: " + err.Error()}}
	}
	path, inSQLite := ledgerdb.SQLiteFile(env.LedgerURL)
	if !inSQLite {
		return errors.New("the ledger is in PostgreSQL: back it up with pg_dump, as docs/ledger.md says")
	}
	return ledgerdb.Backup(ctx, path, c.File)
}
