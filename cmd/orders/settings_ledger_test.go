package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The ledger is the database that its URL names.
func TestLedgerURL(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, url := range []string{"sqlite:orders-ledger.db", "sqlite:/var/lib/orders/ledger.db", "postgres://orders:secret@localhost:5432/orders?sslmode=require"} {
		v := &values{}
		ledger := environment{LedgerURL: url, TestDoubles: "auto"}.ledger(v)
		require.NoError(t, v.err(), url)
		require.NoError(t, ledger.Close())
	}
}

// A wrong URL is refused with what would be right and without its password.
func TestWrongLedgerURL(t *testing.T) {
	for url, fault := range map[string]string{
		"orders-ledger.db": "LEDGER_URL: ledger URL: must be sqlite: and a file, such as sqlite:orders-ledger.db, " +
			"or a PostgreSQL URL, such as postgres://orders:secret@localhost:5432/orders?sslmode=require",
		"sqlite:": "LEDGER_URL: ledger URL sqlite: names no file: must be sqlite: and the path alone, such as sqlite:orders-ledger.db " +
			"or sqlite:/var/lib/orders/ledger.db",
		"postgres://orders:hunter2@localhost": "LEDGER_URL: PostgreSQL URL names no database: must be like " +
			"postgres://user:password@host:5432/database?sslmode=require, with special characters percent-encoded",
	} {
		v := &values{}
		require.Nil(t, environment{LedgerURL: url, TestDoubles: "auto"}.ledger(v))
		require.Equal(t, []string{fault}, v.faults)
	}
}

// The ledger keeps transactions from thirty days to ten years.
func TestLedgerRetention(t *testing.T) {
	for value, want := range map[string]time.Duration{"720h": 720 * time.Hour, "9600h": 9600 * time.Hour, "87600h": 87600 * time.Hour} {
		v := &values{}
		require.Equal(t, want, environment{LedgerRetention: value}.ledgerRetention(v))
		require.NoError(t, v.err(), value)
	}
	for _, value := range []string{"719h59m59s", "87601h", "400d", ""} {
		v := &values{}
		environment{LedgerRetention: value}.ledgerRetention(v)
		require.Equal(t, []string{`LEDGER_RETENTION="` + value + `": must be a duration from 720h0m0s to 87600h0m0s, such as 90s or 15m`}, v.faults)
	}
}
