package sqlledger

import (
	"fmt"
	"strconv"
	"strings"
)

// columns are those of the table transactions, in the order in which row fills them.
var columns = []string{
	"id", "client", "body_digest", "order_id", "payment_method", "status", "outcome", "score", "amount", "currency",
	"card_fingerprint", "customer_id", "started_at", "ended_at", "mark_at", "mark_number", "record", "posted",
}

// statements are the engine's own, with its placeholders.
type statements struct {
	save, add, said, dropLabel, addLabel, keepLabel, prune, version string
}

func newStatements(e Engine) statements {
	var updates []string
	for _, column := range columns[1:] {
		updates = append(updates, fmt.Sprintf("%s = excluded.%[1]s", column))
	}
	insert := fmt.Sprintf(`INSERT INTO transactions (%s) VALUES (?%s)`, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1))
	said := `SELECT record FROM transactions WHERE id = ?`
	if !e.OneWriter {
		said += ` FOR UPDATE`
	}
	return statements{
		save: e.bind(insert + ` ON CONFLICT (id) DO UPDATE SET ` + strings.Join(updates, ", ") + `
			WHERE (transactions.mark_at, transactions.mark_number) <= (excluded.mark_at, excluded.mark_number)`),
		add:       e.bind(insert + ` ON CONFLICT (id) DO NOTHING`),
		said:      e.bind(said),
		dropLabel: e.bind(`DELETE FROM labels WHERE transaction_id = ? AND source = ? AND label = ? AND note IS NOT DISTINCT FROM ? AND at = ?`),
		addLabel: e.bind(`INSERT INTO labels (transaction_id, source, label, note, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (transaction_id, source, label) DO NOTHING`),
		keepLabel: e.bind(`INSERT INTO labels (transaction_id, source, label, note, at) SELECT id, ?, ?, ?, ? FROM transactions WHERE id = ?
			ON CONFLICT (transaction_id, source, label) DO UPDATE SET note = excluded.note RETURNING label, source, note, at`),
		prune:   e.bind(e.Prune),
		version: `SELECT (SELECT max(version_id) FROM ` + versionTable + `), oldest_code FROM ledger_compatibility`,
	}
}

// bind gives a statement the engine's placeholders. It must hold no other question mark.
func (e Engine) bind(statement string) string {
	if !e.Numbered {
		return statement
	}
	parts := strings.Split(statement, "?")
	var bound strings.Builder
	for i, part := range parts[:len(parts)-1] {
		bound.WriteString(part + "$" + strconv.Itoa(i+1))
	}
	return bound.String() + parts[len(parts)-1]
}
