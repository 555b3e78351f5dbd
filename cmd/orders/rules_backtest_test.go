package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/internal/ledgertest"
	"dummyorders/rules"
	"dummyorders/rules/backtest"
)

// Wrong arguments have an exit code of their own.
func TestBacktestArguments(t *testing.T) {
	setEnvironment(t, nil)
	for _, args := range []string{
		"", "default --since=30", "default --since=1.5d", "default --since=-30d", "default --since=1h --until=2h", "default --until=31x",
		"default --changes=-1", "default --changes -1", "default --changes=some", "default --html=" + t.TempDir(),
	} {
		require.Equal(t, exitConfig, execute(ended(t), strings.Fields("rules backtest "+args)), args)
	}
	setEnvironment(t, map[string]string{"LEDGER_URL": "nonsense"})
	require.Equal(t, exitConfig, execute(ended(t), strings.Fields("rules backtest default")))
}

func TestMomentInDays(t *testing.T) {
	var ago moment
	require.NoError(t, ago.UnmarshalText([]byte("30d")))
	require.WithinDuration(t, time.Now().Add(-30*24*time.Hour), ago.Time, time.Minute)
	require.ErrorContains(t, ago.UnmarshalText([]byte("0001-01-01")), "must be a time")
	require.ErrorContains(t, ago.UnmarshalText([]byte("30")), `"30" must be a time, such as 2026-11-02T09:30:00Z, a date, such as 2026-11-02, or how long ago, such as 24h or 30d`)
}

func TestBacktestDefaultSpan(t *testing.T) {
	span := backtestCommand{}.span()
	require.WithinDuration(t, time.Now(), span.Until, time.Minute)
	require.Equal(t, 30*24*time.Hour, span.Until.Sub(span.Since))
}

func TestBacktestBrokenRuleset(t *testing.T) {
	setEnvironment(t, map[string]string{"LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")})
	for name, broken := range map[string]string{
		"no folder": filepath.Join(t.TempDir(), "none"), "faults": ruleset(t, strings.Replace(rule, "card.count(", "cart.count(", 1)),
	} {
		require.Equal(t, exitFailure, execute(t.Context(), []string{"rules", "backtest", broken}), name)
	}
}

// The built-in ruleset made the decisions, so it changes nothing, and its own account of what was decisive is right.
func TestBacktestOfSameRuleset(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	store := ledgertest.Open(t, url)
	for _, e := range burst(8) {
		require.NoError(t, store.Save(t.Context(), e))
	}
	setEnvironment(t, map[string]string{"LEDGER_URL": url})
	page := filepath.Join(t.TempDir(), "report.html")
	require.Zero(t, execute(t.Context(), []string{"rules", "backtest", "default", "--since", "2d", "--html", page}))
	require.Contains(t, contents(t, page), "No decision would have another outcome.")

	var out, progress bytes.Buffer
	require.NoError(t, backtestCommand{jsonFlag: asJSON}.backtest(t.Context(), store, rules.Default(), output{&out, &progress}))
	var report struct {
		Decisions int
		Changed   backtest.Changed
		Folded    *backtest.Folded
		Rules     []struct {
			Hits     int
			Decisive *int
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))
	require.Equal(t, 8, report.Decisions)
	require.Zero(t, report.Changed.Decisions)
	require.Nil(t, report.Folded)
	require.Positive(t, report.Rules[0].Hits)
	require.NotNil(t, report.Rules[0].Decisive, "the built-in ruleset settles otherwise than it decides")
	require.True(t, strings.HasSuffix(progress.String(), "8 transactions read, 8 decided again, 0 to fold\n"), progress.String())

	out.Reset()
	empty := backtestCommand{period: period{Until: moment{time.Now().Add(-3 * 24 * time.Hour)}}}
	require.NoError(t, empty.backtest(t.Context(), store, rules.Default(), output{&out, io.Discard}))
	require.Contains(t, out.String(), "there are none to compare")
}

// A page that cannot be written is a failure before the ledger is read.
func TestBacktestUnwritablePage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "none", "report.html")
	err := backtestCommand{HTML: page}.backtest(t.Context(), unread{t: t}, rules.Default(), output{io.Discard, io.Discard})
	require.ErrorContains(t, err, "write the page "+page)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// unread is a ledger that must not be read.
type unread struct {
	ledger.Reader
	t *testing.T
}

func (u unread) List(context.Context, ledger.Query) (ledger.Page, error) {
	u.t.Error("the ledger is read")
	return ledger.Page{}, nil
}

// The place of a page stays as it was until the page is complete.
func TestReplaceable(t *testing.T) {
	folder := t.TempDir()
	page := filepath.Join(folder, "report.html")
	require.NoError(t, replaceable(page))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NoError(t, os.WriteFile(page, []byte("the last one"), 0o600))
	require.NoError(t, replaceable(page))
	require.Equal(t, "the last one", contents(t, page))
	require.NoError(t, replaceable(""))
	require.NoError(t, replaceable(os.DevNull))
}

// The number of changes cannot be negative.
func TestBacktestChangesFlag(t *testing.T) {
	for text, says := range map[string]string{"-1": `--changes: "-1" must be a whole number, 0 or more`, "some": `"some" must be`} {
		parser, err := kong.New(&commands{}, kong.BindTo(t.Context(), (*context.Context)(nil)))
		require.NoError(t, err)
		for _, args := range [][]string{{"--changes", text}, {"--changes=" + text}} {
			_, err = parser.Parse(append([]string{"rules", "backtest", "default"}, args...))
			require.ErrorContains(t, err, says)
		}
		c := commands{}
		parser, err = kong.New(&c, kong.BindTo(t.Context(), (*context.Context)(nil)))
		require.NoError(t, err)
		_, err = parser.Parse([]string{"rules", "backtest", "default", "--changes", "0"})
		require.NoError(t, err)
		require.Zero(t, c.Rules.Backtest.Changes)
	}
}

// A backtest says at its end where it got to, also if it was quick.
func TestBacktestProgress(t *testing.T) {
	store, folded := openTestLedger(t), ruleset(t, strings.ReplaceAll(rule, `"10m"`, `"11m"`))
	for _, e := range burst(8) {
		require.NoError(t, store.Save(t.Context(), e))
	}
	set, err := rules.Load(folded)
	require.NoError(t, err)
	var far bytes.Buffer
	require.NoError(t, backtestCommand{}.backtest(t.Context(), store, set, output{io.Discard, &far}))
	require.Equal(t, "8 transactions read, 0 decided again, 8 to fold\n8 transactions read, 8 decided again, 8 to fold\n", far.String())
}

// The last report of progress is the end.
func TestProgressEnd(t *testing.T) {
	var out bytes.Buffer
	far := &progress{to: &out}
	far.update(backtest.Progress{Read: 1})
	far.update(backtest.Progress{Read: 2})
	far.update(backtest.Progress{Read: 3, Decided: 3})
	require.Equal(t, "1 transactions read, 0 decided again, 0 to fold\n", out.String(), "what comes at once is told now and then")
	far.last()
	far.last()
	require.Equal(t, "1 transactions read, 0 decided again, 0 to fold\n3 transactions read, 3 decided again, 0 to fold\n", out.String())
}

// burst returns the payments of one card in quick succession, with the decisions of the built-in ruleset.
func burst(n int) []ledger.Entry {
	set, all := rules.Default(), []ledger.Entry{}
	for i := range n {
		at := time.Now().Add(-24*time.Hour + time.Duration(i)*time.Second)
		amount := money.Money{Minor: 12300, Currency: "INR"}
		posted := transaction.Transaction{
			ID: string(rune('a' + i)), Order: transaction.Order{ID: "1234", Cost: amount}, PaymentMethod: "amazonpay",
			Payment: transaction.Payment{Type: "wallet", Amount: amount},
		}
		posted.Payment.Card.Fingerprint = "one"
		values := map[string]float64{}
		for _, f := range set.Features() {
			values[f.String()] = 0
			if f.Measure == "count" && f.By == "card" {
				values[f.String()] = float64(i)
			}
		}
		d := set.Evaluate(fraud.Check{Transaction: posted, StartTime: at, AsOf: at, Number: 1}, values)
		d.Explanation.AsOf, d.Explanation.DecidedAt, d.Explanation.Features = at, at, values
		r := ledger.Open(posted, at)
		r.Decide(d)
		all = append(all, ledger.Entry{Record: *r, Transaction: posted, Mark: ledger.Mark{At: at, Number: 1}})
	}
	return all
}
