package ledger_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/telemetrytest"
	"dummyorders/internal/velocitytest"
)

// strict sets the strictest isolation that a PostgreSQL server can have by default. A check must still see what it has
// waited for.
const strict = `DO $$ BEGIN
	EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database());
END $$`

func TestVelocityConformance(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			velocitytest.Conformance(t, func(t *testing.T) velocitytest.Place {
				place := withTables(t, engine)
				if name == "PostgreSQL" {
					require.NoError(t, engine.at(t, place).Exec(t.Context(), strict))
				}
				return func(t *testing.T) velocitytest.Store { return engine.at(t, place) }
			})
		})
	}
}

// The time to read counts is measured before the rules see them, and once: a repeated check reads none.
func TestVelocityDuration(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, use := engine.migrated(t), velocitytest.Use(1, "a")
			measured := telemetrytest.Gained(t, "orders_velocity_duration_seconds")
			for range 2 {
				_, err := l.Decide(t.Context(), velocitytest.Check(use), use, ofTheCard, func(velocity.Past) fraud.Decision {
					require.InDelta(t, 1, measured(), 0, "before the rules")
					return fraud.Decision{}
				})
				require.NoError(t, err)
			}
			require.InDelta(t, 1, measured(), 0, "in all")
		})
	}
}

// On PostgreSQL a check sets its own settings and no others. If a process hangs in the middle of a check, others wait
// for it no longer than this timeout. The settings of a check's database transaction must not apply to any other on the
// same connection.
func TestPostgresCheckSettings(t *testing.T) {
	l := engines["PostgreSQL"].migrated(t)
	terms := ledgerdb.Statement{Text: `current_setting('synchronous_commit') || ' ' ||
		current_setting('idle_in_transaction_session_timeout') || ' ' || current_setting('transaction_isolation')`}
	for range 2 {
		during, err := l.VelocityPlan(t.Context(), "SELECT", velocitytest.Use(1, "a"), terms)
		require.NoError(t, err)
		require.Equal(t, []string{"off 30s read committed"}, during)
		afterwards, err := l.Plan(t.Context(), "SELECT", terms)
		require.NoError(t, err)
		require.Equal(t, []string{"on 0 read committed"}, afterwards)
	}
}

// An error of the server says which statement failed, also if it comes after the statement's rows have begun.
func TestPostgresCheckWaits(t *testing.T) {
	engine := engines["PostgreSQL"]
	place := withTables(t, engine)
	l := engine.at(t, place)
	require.NoError(t, l.Exec(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 100', current_database()); END $$`))
	use, other := velocitytest.Use(1, "a"), velocitytest.Use(2, "a")
	_, err := l.Decide(t.Context(), velocitytest.Check(use), use, ofTheCard, func(velocity.Past) fraud.Decision {
		_, err := engine.at(t, place).Decide(t.Context(), velocitytest.Check(other), other, ofTheCard, decideByCount)
		require.ErrorContains(t, err, "wait for checks that share a value: ERROR: canceling statement due to lock timeout")
		return fraud.Decision{}
	})
	require.NoError(t, err)
}

// Changes of labels are deleted in batches until none is old, also where nothing is counted.
func TestPruneLabelChanges(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			for n := range 3 {
				require.NoError(t, l.Save(t.Context(), ledgertest.Accepted(n)))
				_, err := l.Label(t.Context(), identity.AllMerchants(), idOf(n), ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: start})
				require.NoError(t, err)
			}
			for _, want := range []int{2, 1, 0} {
				deleted, err := l.PruneVelocity(t.Context(), time.Now().Add(time.Hour), 2)
				require.NoError(t, err)
				require.Equal(t, want, deleted)
			}
		})
	}
}

// Only what was deleted by its age is counted again. The rows of decisions say which transactions are counted. Both
// tables are pruned, each in portions of its own.
func TestPrunedUseIsCountedAgain(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, use := engine.migrated(t), velocitytest.Use(1, "a")
			check := func(number int) {
				c := velocitytest.Check(use)
				c.Number = number
				_, err := l.Decide(t.Context(), c, use, nil, func(velocity.Past) fraud.Decision { return fraud.Decision{} })
				require.NoError(t, err)
			}
			check(1)
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM uses"))
			check(2)
			past, err := l.Look(t.Context(), "", ofTheCard)
			require.NoError(t, err)
			require.Empty(t, past)
			check(1)
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM decisions"))
			check(1)
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM decisions"))
			check(2) // its uses still exist
			past, err = l.Look(t.Context(), "", ofTheCard)
			require.NoError(t, err)
			require.Len(t, past[velocity.Pool{By: velocity.Card}], 1)
		})
	}
}

// labelAll gives every transaction of fillHistory three labels.
var labelAll = []string{
	`INSERT INTO transactions (id, status, amount, started_at, mark_at, mark_number, record, posted)
		SELECT transaction_id, 11, 1, at, 1, 1, '{}', '{}' FROM decisions`,
	`INSERT INTO labels (transaction_id, source, label, at) SELECT transaction_id, source, 'fraudulent', at FROM decisions
		CROSS JOIN (SELECT 'dispute' AS source UNION ALL SELECT 'early_fraud_warning' UNION ALL SELECT 'reviewer') sources`,
	`ANALYZE`,
}

// Past uses are read from their indexes. With a value that all transactions share, a planner is tempted to choose
// another plan.
func TestVelocityUsesIndexes(t *testing.T) {
	wanted := map[string]map[string][]string{
		"SQLite": {
			"Look": {
				"SEARCH uses USING PRIMARY KEY (merchant=? AND dimension=? AND value=? AND at>?)", "SEARCH l USING PRIMARY KEY (transaction_id=?)",
			},
			"Look across": {
				"SEARCH uses USING PRIMARY KEY (merchant=? AND dimension=? AND value=? AND at>?)",
				"SEARCH uses USING INDEX uses_across_merchants (<expr>=? AND value=? AND at>?)", "SEARCH l USING PRIMARY KEY (transaction_id=?)",
			},
			"Look again": {
				"SEARCH uses USING PRIMARY KEY (merchant=? AND dimension=? AND value=? AND at>?)", "SEARCH l USING PRIMARY KEY (transaction_id=?)",
				"SEARCH late_uses USING PRIMARY KEY (merchant=? AND dimension=? AND value=?)", "SEARCH label_changes USING INTEGER PRIMARY KEY (rowid>?)",
			},
			"decisions":       {"SEARCH decisions USING INDEX sqlite_autoindex_decisions_1 (transaction_id=?)"},
			"prune uses":      {"SEARCH uses USING INDEX uses_by_time (at=?", "SEARCH uses USING COVERING INDEX uses_by_time (at<?)"},
			"prune decisions": {"SEARCH decisions USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH decisions USING COVERING INDEX decisions_by_time (at<?)"},
			"prune changes": {
				"SEARCH label_changes USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH label_changes USING COVERING INDEX label_changes_by_time (at<?)",
			},
		},
		"PostgreSQL": {
			"Look":            {"Index Scan Backward using uses_pkey on uses", "labels_pkey"},
			"Look across":     {"Scan Backward using uses_pkey on uses", "Index Scan Backward using uses_across_merchants on uses", "labels_pkey"},
			"Look again":      {"using uses_pkey on uses", "labels_pkey", "late_uses_pkey", "label_changes_by_number"},
			"decisions":       {"decisions_pkey"},
			"prune uses":      {"Tid Scan on uses", "Index Scan using uses_by_time on uses"},
			"prune decisions": {"Tid Scan on decisions", "Index Scan using decisions_by_time on decisions"},
			"prune changes":   {"Tid Scan on label_changes", "Index Scan using label_changes_by_time on label_changes"},
		},
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			fillHistory(t, l, name, map[string]int{"SQLite": 5_000, "PostgreSQL": 50_000}[name]) // PostgreSQL reads all of a small table
			for _, statement := range labelAll {
				require.NoError(t, l.Exec(t.Context(), statement))
			}
			u := benchmarked(1, 10_000, true)
			all := features(velocity.Card, velocity.Customer, velocity.IP, velocity.Order, terminal)
			for _, counted := range [][]velocity.Feature{features(velocity.Card), features(terminal), all, acrossMerchants(features(velocity.IP)), acrossMerchants(all)} {
				statements, err := l.VelocityStatements(u, velocity.Lookups(counted, u, u.At), start.Add(time.Hour))
				require.NoError(t, err)
				for kind, statement := range statements {
					if kind == "Look" && slices.ContainsFunc(counted, func(f velocity.Feature) bool { return f.Across }) {
						kind = "Look across"
					}
					plan, err := l.VelocityPlan(t.Context(), engine.explain, u, statement)
					require.NoError(t, err)
					text := strings.ReplaceAll(fmt.Sprintf("%s by %v:\n%s", kind, counted, strings.Join(plan, "\n")), "Seq Scan on uses_deleted", "one row")
					for _, line := range wanted[name][kind] {
						require.Contains(t, text, line)
					}
					for _, costly := range []string{"Seq Scan", "Bitmap", "Sort", "Hash", "Merge", "TEMP B-TREE", "AUTOMATIC", "SCAN uses\n", "SCAN l", "SCAN decisions"} {
						require.NotContains(t, text, costly)
					}
				}
			}
		})
	}
}

// asChecker makes a process of this test a fraud_police on the place that it names; checkerPlan gives it a plan.
const (
	asChecker   = "CHECK_WITH_HISTORY"
	checkerPlan = "CHECK_AS"
)

// plan is what a checker does: it checks the transactions from one number to another. It may kill itself, as kill -9 does:
// while it decides about the transaction whileDeciding, which it has then counted but not committed, or after it has decided
// about the transaction beforePrinting and before it has printed that. Zero is no transaction.
type plan struct {
	engine                                  string
	from, to, whileDeciding, beforePrinting int
}

func (p plan) String() string {
	return fmt.Sprint(p.engine, " ", p.from, " ", p.to, " ", p.whileDeciding, " ", p.beforePrinting)
}

// checkUntilKilled prints, for each transaction, how many others it saw with the same card.
func checkUntilKilled(place string) int {
	var p plan
	_, err := fmt.Sscan(os.Getenv(checkerPlan), &p.engine, &p.from, &p.to, &p.whileDeciding, &p.beforePrinting)
	if err == nil {
		err = p.check(place)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (p plan) check(place string) error {
	l, err := engines[p.engine].open(place)
	if err != nil {
		return err
	}
	step := 1
	if p.to < p.from {
		step = -1
	}
	for n := p.from; n != p.to+step; n += step {
		use := velocitytest.Use(n, "a")
		d, err := l.Decide(context.Background(), velocitytest.Check(use), use, ofTheCard, func(past velocity.Past) fraud.Decision {
			endIf(n == p.whileDeciding)
			return decideByCount(past)
		})
		if err != nil {
			return err
		}
		endIf(n == p.beforePrinting)
		fmt.Println(n, d.Score)
	}
	return l.Close()
}

func endIf(here bool) {
	if here {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

var ofTheCard = []velocity.Lookup{{By: velocity.Card, Value: "a", Merchant: identity.DefaultMerchant}}

func decideByCount(past velocity.Past) fraud.Decision {
	return fraud.Decision{Outcome: fraud.Approve, Score: len(past[velocity.Pool{By: velocity.Card}])}
}

// Processes that are killed count each transaction once and never change a decision. Two processes check 40
// transactions of one card; half of these are checked by both. Each process is killed four times, and starts again from
// its first transaction.
func TestDecideKilledProcesses(t *testing.T) {
	const transactions = 40
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			place := withTables(t, engine)
			l := engine.at(t, place)
			var up, down answers
			var checking errgroup.Group
			checking.Go(func() error { return up.gather(t, place, plan{name, 1, 30, 0, 0}, 5, 8) })
			checking.Go(func() error { return down.gather(t, place, plan{name, transactions, 11, 0, 0}, 36, 33) })
			require.NoError(t, checking.Wait())

			scores := map[int]int{}
			for _, a := range slices.Concat(up, down) {
				before, known := scores[a.transaction]
				require.True(t, !known || before == a.score, "transaction %d was told of %d and of %d others", a.transaction, before, a.score)
				scores[a.transaction] = a.score
			}
			var all []int
			for n := 1; n <= transactions; n++ {
				use := velocitytest.Use(n, "a")
				d, err := l.Decide(t.Context(), velocitytest.Check(use), use, ofTheCard, decideByCount)
				require.NoError(t, err)
				require.Equal(t, scores[n], d.Score)
				all = append(all, d.Score)
			}
			slices.Sort(all)
			for n, score := range all {
				require.Equal(t, n, score, "%v", all)
			}
			past, err := l.Look(t.Context(), "", ofTheCard)
			require.NoError(t, err)
			require.Len(t, past[velocity.Pool{By: velocity.Card}], transactions)
		})
	}
}

// answers are what checkers printed.
type answers []answer

type answer struct{ transaction, score int }

// gather runs a checker again and again: one that is killed while it decides about a transaction, one that is killed before
// it prints a decision, two that are killed at any point, and one that finishes.
func (a *answers) gather(t *testing.T, place string, p plan, whileDeciding, beforePrinting int) error {
	deciding, printing := p, p
	deciding.whileDeciding, printing.beforePrinting = whileDeciding, beforePrinting
	for _, c := range []struct {
		plan      plan
		killAfter int // kill it after so many answers, or never
		ends      []syscall.WaitStatus
	}{
		{deciding, -1, []syscall.WaitStatus{killed}},
		{printing, -1, []syscall.WaitStatus{killed}},
		{p, 3, []syscall.WaitStatus{killed, done}},
		{p, 17, []syscall.WaitStatus{killed, done}},
		{p, -1, []syscall.WaitStatus{done}},
	} {
		ended, err := a.run(t, place, c.plan, c.killAfter)
		if err != nil || !slices.Contains(c.ends, ended) {
			return fmt.Errorf("checker %s ended with %#x: %w", c.plan, ended, err)
		}
	}
	return nil
}

// These are the ways in which a process ends.
const (
	done   = syscall.WaitStatus(0)
	killed = syscall.WaitStatus(syscall.SIGKILL)
)

// run reads what a checker prints until it ends.
func (a *answers) run(t *testing.T, place string, p plan, killAfter int) (syscall.WaitStatus, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	checker := exec.CommandContext(ctx, os.Args[0])
	checker.Env = append(os.Environ(), asChecker+"="+place, checkerPlan+"="+p.String())
	checker.Stderr = os.Stderr
	out, err := checker.StdoutPipe()
	if err == nil {
		err = checker.Start()
	}
	if err != nil {
		return 0, err
	}
	said := bufio.NewScanner(out)
	for heard := 1; said.Scan(); heard++ {
		var got answer
		if _, err := fmt.Sscan(said.Text(), &got.transaction, &got.score); err != nil {
			return 0, fmt.Errorf("it said %q: %w", said.Text(), err)
		}
		*a = append(*a, got)
		if heard == killAfter {
			_ = checker.Process.Kill()
		}
	}
	_ = checker.Wait()
	return checker.ProcessState.Sys().(syscall.WaitStatus), nil
}
