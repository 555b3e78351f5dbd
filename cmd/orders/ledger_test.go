package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/gateways/ledger/inspect"
	"dummyorders/internal/ledgertest"
)

// Wrong arguments have an exit code of their own.
func TestLedgerArguments(t *testing.T) {
	setEnvironment(t, nil)
	for _, args := range []string{
		"ledger",
		"ledger forget",
		"ledger verify --since=yesterday",
		"ledger verify --since=-24h",
		"ledger verify --since=2026-11-31",
		"ledger verify --since=1h --until=2h",
		"ledger verify --since=2026-11-02T00:00:00Z --until=2026-11-02T00:00:00Z",
		"ledger verify --all --since=1h",
		"ledger verify --all --until=1h",
		"ledger verify now",
		"ledger export --format=xml",
		"ledger export --status=20",
		"ledger export --status=COMPLETE",
		"ledger export --outcome=fraud",
		"ledger export --since=1h --until=2h",
		"ledger export --output=" + t.TempDir(),
	} {
		require.Equal(t, exitConfig, execute(ended(t), strings.Fields(args)), args)
	}
}

func TestLedgerWrongSettings(t *testing.T) {
	setEnvironment(t, map[string]string{"LEDGER_URL": "nonsense"})
	for _, args := range []string{"ledger verify --all", "ledger export"} {
		require.Equal(t, exitConfig, execute(ended(t), strings.Fields(args)), args)
	}
}

// A moment is a time, a date or how long ago.
func TestMoment(t *testing.T) {
	var at, ago moment
	require.NoError(t, at.UnmarshalText([]byte("2026-11-02T09:30:00+05:30")))
	require.True(t, at.Equal(time.Date(2026, 11, 2, 4, 0, 0, 0, time.UTC)))
	require.NoError(t, at.UnmarshalText([]byte("2026-11-23")))
	require.True(t, at.Equal(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, ago.UnmarshalText([]byte("24h")))
	require.WithinDuration(t, time.Now().Add(-24*time.Hour), ago.Time, time.Minute)
}

func TestVerifyDefaultSpan(t *testing.T) {
	span := verifyCommand{}.span()
	require.WithinDuration(t, time.Now().Add(-24*time.Hour), span.Since, time.Minute)
	require.Zero(t, span.Until)

	until := moment{time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)}
	span = verifyCommand{period: period{Until: until}}.span()
	require.Equal(t, inspect.Span{Since: until.Add(-24 * time.Hour), Until: until.Time}, span)

	require.Zero(t, verifyCommand{All: true}.span())
}

// Verify says how it went, and its exit code agrees.
func TestVerify(t *testing.T) {
	silence := errors.New("no connection")
	for name, c := range map[string]struct {
		store   records
		history silent
		err     string
		line    string
		last    string
	}{
		"nothing to compare": {last: "0 compared: 0 equal, 0 running, 0 past retention, 0 disagreeing"},
		"past retention": {
			store: records{ended24hAgo()}, history: silent{err: inspect.ErrForgotten},
			last: "1 compared: 0 equal, 0 running, 1 past retention, 0 disagreeing",
		},
		"a transaction that Temporal should know": {
			store: records{running()}, history: silent{err: inspect.ErrForgotten},
			err:  "the ledger and Temporal disagree about 1 of 1 transactions",
			line: "1 unknown: ledger says TRANSACTION_PENDING, since 2026-11-02T09:30:00Z, and not ended; Temporal holds no history of it\n",
			last: "1 compared: 0 equal, 0 running, 0 past retention, 1 disagreeing",
		},
		"no worker": {
			store: records{ended24hAgo()}, history: silent{err: inspect.ErrUnanswered},
			err:  "the ledger and Temporal disagree about 0 of 1 transactions, and 1 could not be compared: is an `orders worker` running?",
			line: "1 unanswered: no orders worker answered for the workflow\n",
			last: "1 compared: 0 equal, 0 running, 0 past retention, 0 disagreeing, 1 unanswered",
		},
		"Temporal is away": {
			store: records{ended24hAgo()}, history: silent{err: silence},
			err:  "stopped before everything was compared: compare the ledger's transactions with Temporal: transaction 1: no connection",
			last: "0 compared: 0 equal, 0 running, 0 past retention, 0 disagreeing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := verifyCommand{All: true}.verify(t.Context(), c.store, c.history, 0, output{results: &out, progress: io.Discard})
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, c.err)
			}
			require.Equal(t, c.line+c.last+"\n", out.String())
		})
	}
}

// A verification that is stopped is a failure.
func TestVerifyStopped(t *testing.T) {
	var out bytes.Buffer
	err := verifyCommand{All: true}.verify(ended(t), records{ended24hAgo()}, silent{err: context.Canceled}, 0, output{&out, io.Discard})
	require.EqualError(t, err, "stopped before everything was compared")
}

// An export holds what the ledger holds.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "ledger.db")
	store := ledgertest.Open(t, url)
	for _, id := range []string{"1", "2"} {
		r := ended24hAgo()
		r.TransactionID = id
		require.NoError(t, store.Save(t.Context(), ledger.Entry{Record: r, Transaction: transaction.Transaction{
			ID: id, Payment: transaction.Payment{Token: "pm_card_visa"},
		}, Mark: ledger.Mark{At: r.StartTime}}))
	}
	setEnvironment(t, map[string]string{"LEDGER_URL": url})

	file := filepath.Join(dir, "export")
	require.NoError(t, os.WriteFile(file, []byte("of yesterday"), 0o600))
	for args, lines := range map[string]int{
		"--format=csv": 3, "--format=jsonl": 2, "--format=jsonl --status=11": 2, "--format=jsonl --status=TRANSACTION_PAYMENT_COMPLETE": 0,
		"--format=jsonl --outcome=approve": 0, "--format=jsonl --since=12h": 0, "--format=jsonl --until=12h --since=36h": 2,
	} {
		require.Zero(t, execute(t.Context(), append([]string{"ledger", "export", "--output", file}, strings.Fields(args)...)), args)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, lines, strings.Count(string(text), "\n"), "%s: %s", args, text)
		require.NotContains(t, string(text), "pm_card_visa")
	}
	require.Equal(t, exitFailure, execute(ended(t), []string{"ledger", "export", "--output", file}))
	left, err := filepath.Glob(filepath.Join(dir, ".export*"))
	require.NoError(t, err)
	require.Empty(t, left, "half a file is left behind")
}

// A file is replaced once all of it is written and no sooner.
func TestIntoReplacesFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "export.csv"), filepath.Join(dir, "link.csv")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	require.NoError(t, os.Symlink(file, link))
	broken := errors.New("the database is away")
	err := into(link, nil, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, broken)
	})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "the file is as it was before")
	require.Equal(t, "old", contents(t, file))

	require.NoError(t, into(link, nil, func(w io.Writer) error {
		_, err := io.WriteString(w, "new")
		require.Equal(t, "old", contents(t, file))
		return err
	}))
	require.Equal(t, "new", contents(t, file), "the link leads to what was written")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2)
}

func TestIntoDevice(t *testing.T) {
	full := errors.New("no space is left")
	require.EqualError(t, into(os.DevNull, nil, func(io.Writer) error { return full }), full.Error(), "what was written to a device stays")
	require.NoError(t, into(os.DevNull, nil, func(w io.Writer) error {
		_, err := io.WriteString(w, "gone")
		return err
	}))
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeDevice)
}

func contents(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// ended24hAgo returns a transaction whose history Temporal need not hold: silent keeps none.
func ended24hAgo() ledger.Record {
	start := time.Now().Add(-24 * time.Hour)
	amount := money.Money{Minor: 12300, Currency: "INR"}
	r := ledger.Open(transaction.Transaction{ID: "1", Order: transaction.Order{ID: "1234", Cost: amount}, Payment: transaction.Payment{Amount: amount}}, start)
	r.Close(start.Add(time.Second))
	return *r
}

// running returns a transaction that has not ended.
func running() ledger.Record {
	amount := money.Money{Minor: 12300, Currency: "INR"}
	return *ledger.Open(transaction.Transaction{ID: "1", Payment: transaction.Payment{Amount: amount}}, time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC))
}

// records is a ledger.
type records []ledger.Record

func (r records) Find(_ context.Context, _ identity.Merchants, id string) (ledger.Entry, error) {
	for _, record := range r {
		if record.TransactionID == id {
			return ledger.Entry{Record: record}, nil
		}
	}
	return ledger.Entry{}, ledger.ErrNotFound
}

func (r records) List(context.Context, ledger.Query) (ledger.Page, error) {
	var page ledger.Page
	for _, record := range r {
		page.Entries = append(page.Entries, ledger.Entry{Record: record})
	}
	return page, nil
}

// silent is a Temporal that lists nothing and fails for every transaction.
type silent struct{ err error }

func (silent) Started(context.Context, inspect.Span, func(inspect.Execution) error) error { return nil }

func (s silent) Execution(context.Context, string) (inspect.Execution, error) {
	return inspect.Execution{}, s.err
}

func (s silent) Record(context.Context, string) (ledger.Record, error) { return ledger.Record{}, s.err }
func (s silent) Retention(context.Context) (time.Duration, error)      { return time.Hour, nil }

// The command makes the tables, and can be repeated.
func TestMigrate(t *testing.T) {
	setEnvironment(t, map[string]string{"LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")})
	require.Equal(t, exitFailure, execute(t.Context(), []string{"ledger", "export"}), "there are no tables yet")
	for range 2 {
		require.Equal(t, 0, execute(t.Context(), []string{"ledger", "migrate"}))
	}
	require.Equal(t, 0, execute(t.Context(), []string{"ledger", "export"}))

	t.Setenv("LEDGER_URL", "mysql://localhost")
	require.Equal(t, exitConfig, execute(t.Context(), []string{"ledger", "migrate"}))
}
