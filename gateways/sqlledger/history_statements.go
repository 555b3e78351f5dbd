package sqlledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dummyorders/domain/usage"
)

// historyStatements are the engine's own, with its placeholders.
type historyStatements struct {
	lock, decisions, keep, pruneUses, pruneDecisions string
}

func newHistoryStatements(e Engine) historyStatements {
	return historyStatements{
		lock:           e.bind(e.Lock),
		decisions:      e.bind(`SELECT number, decision FROM decisions WHERE transaction_id = ?`),
		keep:           e.bind(`INSERT INTO decisions (transaction_id, number, at, decision) VALUES (?, ?, ?, ?)`),
		pruneUses:      e.bind(e.PruneUses),
		pruneDecisions: e.bind(e.PruneDecisions),
	}
}

// lookup finds the uses of one value, and gives a row for each of their labels. Which uses, and how many, is decided
// inside, so that labels do not count. The number tells the lookups of one statement apart.
const lookup = `SELECT %d, u.transaction_id, u.at, u.amount, u.currency, u.facts, %s FROM (
	SELECT transaction_id, at, amount, currency, %s AS facts FROM uses
	WHERE dimension = ? AND value = ? AND at > ? AND transaction_id <> ? %s ORDER BY at DESC, transaction_id DESC LIMIT %d) u %s`

func (l *Ledger) lookQuery(transactionID string, lookups []usage.Lookup) query {
	var texts []string
	var args []any
	for i, asked := range lookups {
		facts, labels, join := "CAST(NULL AS json)", "CAST(NULL AS text), CAST(NULL AS timestamptz)", ""
		if asked.Values {
			facts = "facts"
		}
		if asked.Labels {
			labels, join = "l.label, l.at", "LEFT JOIN labels l ON l.transaction_id = u.transaction_id"
		}
		args = append(args, stored(string(asked.By)), stored(asked.Value), l.engine.Time(asked.After), stored(transactionID))
		bound := ""
		if !asked.Until.IsZero() {
			bound, args = "AND at <= ?", append(args, l.engine.Time(asked.Until))
		}
		texts = append(texts, fmt.Sprintf(lookup, i, labels, facts, bound, usage.MostUses, join))
	}
	return query{l.engine.bind(strings.Join(texts, "\nUNION ALL\n")), args}
}

// countQuery passes over rows that are there already: of a transaction whose decisions alone were deleted by their age.
func (l *Ledger) countQuery(use usage.Use) (query, error) {
	values := make(map[string]string, len(use.Values))
	for dimension, value := range use.Values {
		values[stored(string(dimension))] = stored(value)
	}
	facts, err := json.Marshal(values)
	if err != nil {
		return query{}, fmt.Errorf("write its values as JSON: %w", err)
	}
	var args []any
	for _, dimension := range slices.Sorted(maps.Keys(values)) {
		args = append(args, dimension, values[dimension], l.engine.Time(use.At), stored(use.TransactionID),
			use.Amount.Minor, stored(string(use.Amount.Currency)), string(facts))
	}
	return query{l.engine.bind(`INSERT INTO uses (dimension, value, at, transaction_id, amount, currency, facts)
		VALUES (?, ?, ?, ?, ?, ?, ?)` + strings.Repeat(", (?, ?, ?, ?, ?, ?, ?)", len(values)-1) + ` ON CONFLICT DO NOTHING`), args}, nil
}

// stored is a text as the tables of the history hold it, none of whose columns may be null.
func stored(text string) string {
	kept, _ := nullable(text).(string)
	return kept
}
