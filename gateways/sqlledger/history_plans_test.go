package sqlledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/usage"
)

// labelAll gives every transaction of fillHistory three labels.
var labelAll = []string{
	`INSERT INTO transactions (id, status, amount, started_at, mark_at, mark_number, record, posted)
		SELECT transaction_id, 11, 1, at, 1, 1, '{}', '{}' FROM decisions`,
	`INSERT INTO labels (transaction_id, source, label, at) SELECT transaction_id, source, 'fraudulent', at FROM decisions
		CROSS JOIN (SELECT 'dispute' AS source UNION ALL SELECT 'early_fraud_warning' UNION ALL SELECT 'reviewer') sources`,
	`ANALYZE`,
}

// A value that all transactions share is where a planner is tempted to go another way.
func TestTheHistoryIsReadFromItsIndexes(t *testing.T) {
	wanted := map[string]map[string][]string{
		"SQLite": {
			"Look": {
				"SEARCH uses USING PRIMARY KEY (dimension=? AND value=? AND at>?)", "SEARCH l USING PRIMARY KEY (transaction_id=?)",
			},
			"decisions":       {"SEARCH decisions USING INDEX sqlite_autoindex_decisions_1 (transaction_id=?)"},
			"prune uses":      {"SEARCH uses USING INDEX uses_by_time (at=?", "SEARCH uses USING COVERING INDEX uses_by_time (at<?)"},
			"prune decisions": {"SEARCH decisions USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH decisions USING COVERING INDEX decisions_by_time (at<?)"},
		},
		"PostgreSQL": {
			"Look":            {"Index Scan Backward using uses_pkey on uses", "labels_pkey"},
			"decisions":       {"decisions_pkey"},
			"prune uses":      {"Tid Scan on uses", "Index Scan using uses_by_time on uses"},
			"prune decisions": {"Tid Scan on decisions", "Index Scan using decisions_by_time on decisions"},
		},
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			fillHistory(t, l, name, map[string]int{"SQLite": 5_000, "PostgreSQL": 50_000}[name]) // which rather reads all of a small table
			for _, statement := range labelAll {
				require.NoError(t, l.Exec(t.Context(), statement))
			}
			u := benchmarked(1, 10_000, true)
			for _, dimensions := range [][]usage.Dimension{{usage.Card}, {terminal}, {usage.Card, usage.Customer, usage.IP, usage.Order, terminal}} {
				statements, err := l.HistoryStatements(u, usage.Lookups(features(dimensions...), u, u.At), start.Add(time.Hour))
				require.NoError(t, err)
				for kind, statement := range statements {
					plan, err := l.HistoryPlan(t.Context(), engine.explain, u, statement)
					require.NoError(t, err)
					text := fmt.Sprintf("%s by %v:\n%s", kind, dimensions, strings.Join(plan, "\n"))
					for _, line := range wanted[name][kind] {
						require.Contains(t, text, line)
					}
					for _, costly := range []string{"Seq Scan", "Bitmap", "Sort", "Hash", "Merge", "TEMP B-TREE", "AUTOMATIC", "SCAN uses", "SCAN l", "SCAN decisions"} {
						require.NotContains(t, text, costly)
					}
				}
			}
		})
	}
}
