package sqlledger

import (
	"context"
	"database/sql"
	"time"

	"dummyorders/domain/usage"
)

// HistoryStatements are those of the history, for their plans.
func (l *Ledger) HistoryStatements(u usage.Use, lookups []usage.Lookup, before time.Time) (map[string]Statement, error) {
	look := l.lookQuery(u.TransactionID, lookups)
	count, err := l.countQuery(u)
	return map[string]Statement{
		"Look":            {look.text, look.args},
		"count":           {count.text, count.args},
		"decisions":       {l.historyStatements.decisions, []any{u.TransactionID}},
		"prune uses":      {l.historyStatements.pruneUses, []any{l.engine.Time(before), 100}},
		"prune decisions": {l.historyStatements.pruneDecisions, []any{l.engine.Time(before), 100}},
	}, err
}

// HistoryPlan is what the database would do while it counts the use.
func (l *Ledger) HistoryPlan(ctx context.Context, explain string, u usage.Use, s Statement) (lines []string, err error) {
	err = l.counting(ctx, func(tx *sql.Tx) error {
		if err := l.lock(ctx, tx, u, nil); err != nil {
			return err
		}
		lines, err = plan(ctx, tx, explain, s)
		return err
	})
	return lines, err
}
