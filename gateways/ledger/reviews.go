package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

var (
	statusInReview = fmt.Sprintf("status = %d", int(transaction.InReview))
	// inReview chooses the transactions about which a decision is needed: not those that were decided and whose money is being taken.
	// It holds no placeholder, because the partial indexes are used only where the status is known when the statement is planned.
	inReview = statusInReview + " AND reviewed_at IS NULL"
)

// reviewIndex names the index of reviews to go by for SQLite. It has every column that is needed; the indexes by merchant and by
// status do not.
func (l *Ledger) reviewIndex(by string) string {
	if !l.engine.namesIndex {
		return ""
	}
	return "INDEXED BY reviews_by_" + by + " "
}

// reviewOrder is how the queue is read in one order: the first columns of its index, and whether it is read backwards.
type reviewOrder struct {
	columns []string
	down    bool
}

var reviewOrders = map[ledger.ReviewSort]reviewOrder{
	ledger.ByDeadline: {[]string{"review_deadline", "id"}, false},
	ledger.ByAmount:   {[]string{"currency", "amount", "id"}, true},
	ledger.ByScore:    {[]string{"score", "id"}, true},
}

// place returns the values of a cursor, in the order of the columns.
func (l *Ledger) place(sort ledger.ReviewSort, c ledger.ReviewCursor) []any {
	id := nullable(c.TransactionID)
	switch sort {
	case ledger.ByAmount:
		return []any{nullable(c.Currency), c.Amount, id}
	case ledger.ByScore:
		return []any{c.Score, id}
	case ledger.ByDeadline:
	}
	return []any{l.engine.sqlTime(c.Deadline), id}
}

// Reviews returns a page of the transactions in review that are not decided.
func (l *Ledger) Reviews(ctx context.Context, q ledger.ReviewQuery) (ledger.ReviewPage, error) {
	if q.Sort == "" {
		q.Sort = ledger.ByDeadline
	}
	var page ledger.ReviewPage
	err := l.retry(ctx, func() (err error) {
		page, err = l.reviews(ctx, q)
		return err
	})
	if err != nil {
		return ledger.ReviewPage{}, fmt.Errorf("list the reviews in the ledger: %w", l.explain("read", err))
	}
	return page, nil
}

// reviews reads which transactions the page has, and then those. One that was decided in between is left out.
func (l *Ledger) reviews(ctx context.Context, q ledger.ReviewQuery) (page ledger.ReviewPage, err error) {
	var places []ledger.ReviewCursor
	assigned := map[string]*ledger.Assignment{}
	err = l.engine.read(ctx, l.reader, q.Merchants, l.queueQuery(q), func(r row) error {
		var c ledger.ReviewCursor
		var currency, person sql.NullString
		var score sql.NullInt64
		var deadline, until instant
		if err := r.Scan(&c.TransactionID, &deadline, &currency, &c.Amount, &score, &person, &until); err != nil {
			return err
		}
		if person.Valid {
			assigned[c.TransactionID] = &ledger.Assignment{Person: person.String, Until: until.Time}
		}
		c.Deadline, c.Currency, c.Score = deadline.Time, currency.String, score.Int64
		places = append(places, c)
		return nil
	})
	if err != nil || len(places) == 0 {
		return page, err
	}
	if len(places) > q.Limit {
		places = places[:q.Limit]
		page.Next = only(q.Sort, places[q.Limit-1])
	}
	records, err := l.briefRecords(ctx, q.Merchants, places)
	if err != nil {
		return page, err
	}
	for _, c := range places {
		if r := records[c.TransactionID]; r != nil && r.entry.Record.Status() == transaction.InReview && !r.entry.Record.Review.Decided() {
			page.Reviews = append(page.Reviews, ledger.InReview{Record: r.entry.Record, Assignment: assigned[c.TransactionID]})
			page.Size += r.size
		}
	}
	return page, nil
}

// only returns a cursor with what the order goes by.
func only(sort ledger.ReviewSort, c ledger.ReviewCursor) ledger.ReviewCursor {
	short := ledger.ReviewCursor{TransactionID: c.TransactionID}
	switch sort {
	case ledger.ByAmount:
		short.Currency, short.Amount = c.Currency, c.Amount
	case ledger.ByScore:
		short.Score = c.Score
	case ledger.ByDeadline:
		short.Deadline = c.Deadline
	}
	return short
}

// queueQuery asks for one transaction more than the page holds, to find out whether there is a next page. Filters pass over others in
// the queue, whose index has all that they look at. A person has taken few transactions, which are looked up one by one.
func (l *Ledger) queueQuery(q ledger.ReviewQuery) query {
	order := reviewOrders[q.Sort]
	c := conditions{args: []any{l.engine.sqlTime(q.Now)}}
	const taken = "transaction_id = id AND until > ?"
	from := "transactions " + l.reviewIndex(string(q.Sort)) + "LEFT JOIN assignments ON " + taken + " "
	if q.Mine != "" {
		from = "assignments CROSS JOIN transactions " // SQLite keeps to this order of the two
		c.texts = []string{taken}
		c.add("person = ?", nullable(q.Mine))
	}
	c.add(inReview)
	c.of(q.Merchants)
	if q.Currency != "" {
		c.add("currency = ?", nullable(q.Currency))
	}
	if q.Free {
		c.add("transaction_id IS NULL") // by the column that joins, PostgreSQL expects many
	}
	if q.Queue != "" {
		c.inQueue(q)
	}
	direction, beyond := "", ">"
	if order.down {
		direction, beyond = " DESC", "<"
	}
	if q.After.TransactionID != "" {
		c.add(fmt.Sprintf("(%s) %s (?%s)", strings.Join(order.columns, ", "), beyond, strings.Repeat(", ?", len(order.columns)-1)), l.place(q.Sort, q.After)...)
	}
	by := strings.Join(order.columns, direction+", ") + direction
	by = strings.Replace(by, "review_deadline", "review_deadline NULLS FIRST", 1) // older code saves none
	return query{l.engine.bind(`SELECT id, review_deadline, currency, amount, score, person, until FROM ` + from + c.where() + `ORDER BY ` + by + ` LIMIT ?`), append(c.args, q.Limit+1)}
}

// inQueue adds that a review is in a queue of those that the query asks for: the first queue counts that it fits.
func (c *conditions) inQueue(q ledger.ReviewQuery) {
	text, args := "CASE", []any(nil)
	for _, queue := range q.Queues {
		fits := conditions{texts: []string{"true"}}
		if queue.From.Currency != "" {
			fits.add("currency = ?", nullable(string(queue.From.Currency)))
			fits.add("amount >= ?", queue.From.Minor)
		}
		if queue.Merchant != "" {
			fits.add("merchant = ?", nullable(queue.Merchant))
		}
		of := ledger.QueueOthers
		if slices.Contains(q.Whose, queue.Who) {
			of = ledger.QueueMine
		}
		text += " WHEN " + strings.Join(fits.texts, " AND ") + " THEN '" + string(of) + "'"
		args = append(args, fits.args...)
	}
	if len(q.Queues) == 0 {
		text += " WHEN false THEN ''"
	}
	c.add(text+" ELSE '"+string(ledger.QueueNone)+"' END = ?", append(args, string(q.Queue))...)
}

// briefRecords returns the entries of places by their ids, without explanations.
func (l *Ledger) briefRecords(ctx context.Context, of identity.Merchants, places []ledger.ReviewCursor) (map[string]*storedEntry, error) {
	ids := make([]any, len(places))
	for i, c := range places {
		ids[i] = c.TransactionID
	}
	var c conditions
	c.add("id IN (?"+strings.Repeat(", ?", len(ids)-1)+")", ids...)
	found, err := l.readOnce(ctx, of, query{l.engine.bind(fmt.Sprintf(selection, "NULL", "SELECT * FROM transactions "+c.where())), c.args})
	if err != nil {
		return nil, err
	}
	records := map[string]*storedEntry{}
	for _, row := range found {
		records[row.id] = row
	}
	return records, nil
}

// Assigned returns who works on a transaction now.
func (l *Ledger) Assigned(ctx context.Context, of identity.Merchants, transactionID string, now time.Time) (found *ledger.Assignment, err error) {
	err = l.retry(ctx, func() error {
		return l.engine.read(ctx, l.reader, of, l.assignedQuery(of, transactionID, now), func(r row) error {
			var a ledger.Assignment
			var until instant
			err := r.Scan(&a.Person, &until)
			a.Until = until.Time
			found = &a
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("find who works on transaction %s: %w", transactionID, l.explain("read", err))
	}
	return found, nil
}

func (l *Ledger) assignedQuery(of identity.Merchants, transactionID string, now time.Time) query {
	var c conditions
	c.add("transaction_id = ?", nullable(transactionID))
	c.add("until > ?", l.engine.sqlTime(now))
	c.of(of)
	return query{l.engine.bind(`SELECT person, until FROM assignments JOIN transactions ON id = transaction_id ` + c.where()), c.args}
}

// Assign gives a transaction in review to a person. It also deletes assignments that have ended.
func (l *Ledger) Assign(ctx context.Context, of identity.Merchants, transactionID string, a ledger.Assignment, now time.Time) error {
	return l.assign(ctx, of, transactionID, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, l.engine.bind(`DELETE FROM assignments WHERE until <= ?`), l.engine.sqlTime(now)); err != nil {
			return err
		}
		var c conditions
		c.add("id = ?", nullable(transactionID))
		c.add(inReview)
		c.of(of)
		args := append([]any{nullable(a.Person), l.engine.sqlTime(a.Until)}, c.args...)
		kept, err := changes(tx.ExecContext(ctx, l.engine.bind(`INSERT INTO assignments (transaction_id, person, until) SELECT id, ?, ? FROM transactions `+
			c.where()+`ON CONFLICT (transaction_id) DO UPDATE SET until = excluded.until WHERE assignments.person = excluded.person`), args...))
		if kept || err != nil {
			return err
		}
		return l.taken(ctx, tx, of, transactionID, now)
	})
}

// Release takes a transaction back from a person.
func (l *Ledger) Release(ctx context.Context, of identity.Merchants, transactionID, person string, now time.Time) error {
	return l.assign(ctx, of, transactionID, func(tx *sql.Tx) error {
		var c conditions
		c.add("id = ?", nullable(transactionID))
		c.of(of)
		d := conditions{texts: []string{"transaction_id IN (SELECT id FROM transactions " + c.where() + ")"}, args: c.args}
		if person != "" {
			d.add("person = ?", nullable(person))
		}
		released, err := changes(tx.ExecContext(ctx, l.engine.bind(`DELETE FROM assignments `+d.where()), d.args...))
		if released || err != nil {
			return err
		}
		if err = l.taken(ctx, tx, of, transactionID, now); errors.Is(err, ledger.ErrNotInReview) {
			return nil
		}
		return err
	})
}

// assign changes who works on a transaction.
func (l *Ledger) assign(ctx context.Context, of identity.Merchants, transactionID string, do func(*sql.Tx) error) error {
	err := l.inTransactionOf(ctx, of, do)
	if taken, is := errors.AsType[*ledger.TakenError](err); is {
		return taken
	}
	if err != nil && !errors.Is(err, ledger.ErrNotInReview) {
		err = l.explain("assign", err)
	}
	if err != nil {
		return fmt.Errorf("assign transaction %s: %w", transactionID, err)
	}
	return nil
}

// taken returns a *ledger.TakenError if somebody works on a transaction, and ledger.ErrNotInReview otherwise.
func (l *Ledger) taken(ctx context.Context, tx *sql.Tx, of identity.Merchants, transactionID string, now time.Time) error {
	var by ledger.TakenError
	var until instant
	q := l.assignedQuery(of, transactionID, now)
	err := tx.QueryRowContext(ctx, q.text, q.args...).Scan(&by.Person, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return ledger.ErrNotInReview
	}
	if err != nil {
		return err
	}
	by.Until = until.Time
	return &by
}

// Waiting returns how many transactions wait for a decision, and the next deadline.
func (l *Ledger) Waiting(ctx context.Context, of identity.Merchants) (count int, next time.Time, err error) {
	err = l.retry(ctx, func() (err error) {
		count, next, err = l.waitingOnce(ctx, of)
		return err
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count the reviews in the ledger: %w", l.explain("read", err))
	}
	return count, next, nil
}

func (l *Ledger) waitingOnce(ctx context.Context, of identity.Merchants) (count int, next time.Time, err error) {
	var first instant
	err = l.engine.read(ctx, l.reader, of, l.waitingQuery(of), func(r row) error { return r.Scan(&count, &first) })
	return count, first.Time, err
}

func (l *Ledger) waitingQuery(of identity.Merchants) query {
	var c conditions
	c.add(inReview)
	c.of(of)
	return query{l.engine.bind(`SELECT count(*), min(review_deadline) FROM transactions ` + l.reviewIndex("deadline") + c.where()), c.args}
}

// Reviewed returns the reviews that were decided since a time. It leaves the JSON to Go, because PostgreSQL cannot look into one
// with an escaped NUL.
func (l *Ledger) Reviewed(ctx context.Context, of identity.Merchants, since time.Time, limit int) (all []ledger.Reviewed, err error) {
	err = l.retry(ctx, func() error {
		all = nil
		last := ""
		return l.engine.read(ctx, l.reader, of, l.reviewedQuery(of, since, limit), func(r row) error {
			var id string
			var text []byte
			var label, source sql.NullString
			if err := r.Scan(&id, &text, &label, &source); err != nil {
				return err
			}
			if id != last {
				var record struct{ Review review.Review }
				if err := json.Unmarshal(text, &record); err != nil {
					return fmt.Errorf("read transaction %s: %w", id, err)
				}
				all, last = append(all, ledger.Reviewed{Review: record.Review}), id
			}
			if label.Valid {
				of := &all[len(all)-1]
				of.Labels = append(of.Labels, ledger.Label{Label: label.String, Source: source.String})
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list what was reviewed: %w", l.explain("read", err))
	}
	return all, nil
}

func (l *Ledger) reviewedQuery(of identity.Merchants, since time.Time, limit int) query {
	var c conditions
	c.of(of)
	c.add("reviewed_at >= ?", l.engine.sqlTime(since))
	return query{
		l.engine.bind(`SELECT t.id, t.record, l.label, l.source FROM (SELECT * FROM transactions ` + l.reviewIndex("end") + c.where() +
			`ORDER BY reviewed_at DESC LIMIT ?) t LEFT JOIN labels l ON l.transaction_id = t.id AND l.source <> ? ORDER BY t.reviewed_at DESC, t.id`),
		append(c.args, limit, ledger.ByReviewer),
	}
}
