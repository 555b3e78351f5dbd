package sqlledger

import (
	"fmt"
	"strings"
	"time"

	"dummyorders/domain/ledger"
)

// query is a statement with the values of its placeholders.
type query struct {
	text string
	args []any
}

// selection reads entries with their labels, a row for each label. Which entries, and how many, is decided inside, so
// that labels do not count; the order inside is not that of the rows.
const selection = `SELECT t.id, t.started_at, t.mark_at, t.mark_number, t.record, t.posted, l.label, l.source, l.note, l.at
	FROM (SELECT * FROM transactions %s) t LEFT JOIN labels l ON l.transaction_id = t.id`

func (l *Ledger) findQuery(transactionID string) query {
	return query{l.engine.bind(fmt.Sprintf(selection, "WHERE id = ?")), []any{nullable(transactionID)}}
}

// listQuery asks for one entry more than the page holds, which tells whether there is a next one.
func (l *Ledger) listQuery(q ledger.Query) query {
	var c conditions
	if q.Status != 0 {
		c.add("status = ?", int(q.Status))
	}
	if q.Outcome != "" {
		c.add("outcome = ?", nullable(string(q.Outcome)))
	}
	if q.OrderID != "" {
		c.add("order_id = ?", nullable(q.OrderID))
	}
	if !q.Since.IsZero() {
		c.add("started_at >= ?", l.engine.Time(q.Since))
	}
	// One bound from above, the lower of the two: where there are two, SQLite seeks by the first, and each page begins
	// where the first one began.
	switch until := q.Until.Truncate(time.Microsecond); {
	case q.After.TransactionID != "" && (q.Until.IsZero() || until.After(q.After.StartTime)):
		c.add("(started_at, id) < (?, ?)", l.engine.Time(q.After.StartTime), nullable(q.After.TransactionID))
	case !q.Until.IsZero():
		c.add("started_at < ?", l.engine.Time(q.Until))
	}
	chosen := c.where() + "ORDER BY started_at DESC, id DESC LIMIT ?"
	return query{l.engine.bind(fmt.Sprintf(selection, chosen)), append(c.args, q.Limit+1)}
}

// conditions all have to hold.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) add(text string, args ...any) {
	c.texts = append(c.texts, text)
	c.args = append(c.args, args...)
}

func (c *conditions) where() string {
	if len(c.texts) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(c.texts, " AND ") + " "
}
