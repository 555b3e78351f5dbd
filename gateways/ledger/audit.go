package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"dummyorders/domain/audit"
)

// auditing is an entry of the audit trail that is to be kept.
type auditing struct {
	entry audit.Entry
	kept  audit.Kept
}

// Append keeps an entry of the audit trail. Those that wait at the same time are kept together. After a lost connection an
// entry may be kept twice, which is better than not at all.
func (l *Ledger) Append(ctx context.Context, e audit.Entry) (audit.Kept, error) {
	a := &auditing{entry: e}
	if err := l.audits.save(ctx, a); err != nil {
		return audit.Kept{}, fmt.Errorf("keep an entry of the audit trail: %w", l.explain("audit", err))
	}
	return a.kept, nil
}

// auditColumns lists the columns of the table audit, in the order in which auditRow fills them and scanAudit reads them.
const auditColumns = `number, day, at, kind, subject, address, merchant, action, object, was, became, result, ends, times, previous, digest`

var auditPlaces = strings.TrimSuffix(strings.Repeat("?, ", strings.Count(auditColumns, ",")+1), ", ")

func (l *Ledger) auditRow(k audit.Kept) []any {
	return []any{
		k.Number, k.Day, l.engine.sqlTime(k.Time), string(k.Kind), k.Subject, k.Address, k.Merchant, k.Action, k.Object, k.Before, k.After,
		k.Result, k.Ends, k.Times, k.Previous[:], k.Digest[:],
	}
}

// appendAll keeps all entries or none.
func (l *Ledger) appendAll(ctx context.Context, all []*auditing) error {
	return l.retry(ctx, func() error {
		var end []audit.Link
		return l.engine.inRounds(ctx, l.writer, func() ([]statement, error) {
			return []statement{{query{text: l.engine.lockLast}, func(r row) error {
				last, err := scanLink(r)
				end = append(end, last)
				return err
			}, "find its end"}}, nil
		}, func() ([]statement, error) {
			if len(end) != 1 {
				return nil, fmt.Errorf("its end has %d rows, and not one", len(end))
			}
			return l.appendTo(end[0], all), nil
		})
	})
}

// appendTo returns the statements that keep all entries after the last one.
func (l *Ledger) appendTo(last audit.Link, all []*auditing) []statement {
	rows, args := make([]string, len(all)), []any{}
	for i, a := range all {
		a.kept = last.Next(a.entry)
		last = a.kept.Link()
		rows[i] = "(" + auditPlaces + ")"
		args = append(args, l.auditRow(a.kept)...)
	}
	insert := `INSERT INTO audit (` + auditColumns + `) VALUES ` + strings.Join(rows, ", ")
	move := `UPDATE audit_last SET number = ?, day = ?, digest = ?`
	return []statement{
		{query: query{l.engine.bind(insert), args}},
		{query: query{l.engine.bind(move), []any{last.Number, last.Day, last.Digest[:]}}},
	}
}

// auditEnd reads an end of the chain. If a client vanishes that holds it, the server soon ends its transaction.
const (
	auditEnd         = `SELECT number, day, digest, '' FROM audit_`
	postgresAuditEnd = `SELECT number, day, digest, set_config('idle_in_transaction_session_timeout', '10s', true) FROM audit_`
)

func scanLink(row row) (audit.Link, error) {
	var link audit.Link
	var digest []byte
	var set string
	if err := row.Scan(&link.Number, &link.Day, &digest, &set); err != nil {
		return link, err
	}
	return link, fillSum(&link.Digest, digest)
}

func fillSum(sum *audit.Sum, digest []byte) error {
	if copy(sum[:], digest) != len(sum) || len(digest) != len(sum) {
		return fmt.Errorf("a digest of the audit trail has %d bytes, and not %d", len(digest), len(sum))
	}
	return nil
}

// auditPage is how many entries one query looks at: none keeps the database at one moment for long.
const auditPage = 5000

// Audit returns the entries that a query chooses, in the query's order, page by page.
func (l *Ledger) Audit(ctx context.Context, q audit.Query) iter.Seq2[audit.Kept, error] {
	return func(yield func(audit.Kept, error) bool) {
		rest, more, err := l.auditSpan(ctx, q)
		for more && err == nil {
			var page []audit.Kept
			page, rest, more, err = l.nextOfAudit(ctx, rest)
			for _, kept := range page {
				if !yield(kept, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(audit.Kept{}, err)
		}
	}
}

// ReachAudit returns the place down to which a search looks at this many entries, or zero if it may look at all.
func (l *Ledger) ReachAudit(ctx context.Context, q audit.Query, entries int) (audit.Place, error) {
	q, some, err := l.auditSpan(ctx, q)
	if err != nil || !some {
		return audit.Place{}, err
	}
	return l.auditReach(ctx, q, entries)
}

// nextOfAudit reads the next entries, and returns the query for those that follow, and whether there may be any.
func (l *Ledger) nextOfAudit(ctx context.Context, q audit.Query) (page []audit.Kept, rest audit.Query, more bool, err error) {
	limit := auditPage
	if q.Last > 0 {
		limit = min(limit, q.Last)
	}
	end, err := l.auditReach(ctx, q, auditPage)
	if err != nil {
		return nil, q, false, err
	}
	part := q
	switch {
	case end.Number == 0:
	case q.Last > 0:
		part.After = end.Number - 1
	default:
		part.Before = end.Number + 1
	}
	if page, err = l.readAudit(ctx, l.reader, l.auditQuery(part, limit)); err != nil {
		return nil, q, false, err
	}
	rest = q
	if len(page) == limit {
		end.Number = page[limit-1].Number
	}
	if q.Last == 0 {
		rest.After = end.Number
		return page, rest, end.Number != 0, nil
	}
	rest.Before, rest.Last = end.Number, q.Last-len(page)
	return page, rest, end.Number != 0 && rest.Last > 0, nil
}

// auditSkew is how far the clocks of those who add to the trail may be apart. auditNear is how many entries are looked
// at around a time; at least one of them should have a correct clock.
const (
	auditSkew = 10 * time.Minute
	auditNear = 1000
)

// auditSpan turns the times of a query into numbers, and reports whether there may be entries between them. Numbers go on as time does,
// but for the differences of clocks.
func (l *Ledger) auditSpan(ctx context.Context, q audit.Query) (_ audit.Query, some bool, err error) {
	if q.Object != "" { // its index leads to few
		return q, true, nil
	}
	number := func(text string, at time.Time) (found sql.NullInt64) {
		if err == nil {
			err = l.reader.QueryRowContext(ctx, l.engine.bind(text), l.engine.sqlTime(at), auditNear).Scan(&found)
		}
		some = some && found.Valid
		return found
	}
	some = true
	if !q.Since.IsZero() {
		first := number(`SELECT min(number) FROM (SELECT number FROM audit WHERE at >= ? ORDER BY at LIMIT ?) near`, q.Since.Add(-auditSkew))
		q.After = max(q.After, first.Int64-1)
	}
	if !q.Until.IsZero() {
		last := number(`SELECT max(number) FROM (SELECT number FROM audit WHERE at < ? ORDER BY at DESC LIMIT ?) near`, q.Until.Add(auditSkew))
		if q.Before == 0 || q.Before > last.Int64 {
			q.Before = last.Int64 + 1
		}
	}
	if err != nil {
		return q, false, l.explainAudit("read", err)
	}
	return q, some, nil
}

// auditReach returns the place of the last entry that a search may look at, or zero if it may look at all.
func (l *Ledger) auditReach(ctx context.Context, q audit.Query, entries int) (place audit.Place, err error) {
	if q.Object != "" || q.Merchants.All() && q.Since.IsZero() && q.Until.IsZero() && q.Subject+q.Merchant+q.Action+q.Result == "" {
		return place, nil
	}
	reach, at := l.auditReachQuery(q, entries), instant{}
	err = l.reader.QueryRowContext(ctx, reach.text, reach.args...).Scan(&place.Number, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Place{}, nil
	}
	if err != nil {
		return audit.Place{}, l.explainAudit("read", err)
	}
	place.Time = at.Time
	return place, nil
}

func (l *Ledger) auditReachQuery(q audit.Query, entries int) query {
	c := auditNumbers(q)
	return query{l.engine.bind(`SELECT number, at FROM audit ` + c.where() + auditOrder(q) + ` LIMIT 1 OFFSET ?`), append(c.args, entries-1)}
}

func auditNumbers(q audit.Query) (c conditions) {
	if q.Before > 0 {
		c.add("number < ?", q.Before)
	}
	if q.After > 0 {
		c.add("number > ?", q.After)
	}
	return c
}

func auditOrder(q audit.Query) string {
	if q.Last > 0 {
		return `ORDER BY number DESC`
	}
	return `ORDER BY number`
}

func (l *Ledger) auditQuery(q audit.Query, limit int) query {
	c := auditNumbers(q)
	c.of(q.Merchants)
	if !q.Since.IsZero() {
		c.add("at >= ?", l.engine.sqlTime(q.Since))
	}
	if !q.Until.IsZero() {
		c.add("at < ?", l.engine.sqlTime(q.Until))
	}
	if q.Subject != "" {
		c.add("(subject = ? OR kind || ' ' || subject = ? OR subject = '' AND kind = ?)", nullable(q.Subject), nullable(q.Subject), nullable(q.Subject))
	}
	for _, equal := range []struct{ column, value string }{{"merchant", q.Merchant}, {"action", q.Action}, {"object", q.Object}, {"result", q.Result}} {
		if equal.value != "" {
			c.add(equal.column+" = ?", nullable(equal.value))
		}
	}
	index := ""
	switch { // without statistics, SQLite could go by the time, and sort
	case !l.engine.namesIndex:
	case q.Object != "":
		index = "INDEXED BY audit_by_object "
	default:
		index = "NOT INDEXED " // but by number
	}
	text := `SELECT ` + auditColumns + ` FROM audit ` + index + c.where() + auditOrder(q) + ` LIMIT ?`
	return query{l.engine.bind(text), append(c.args, limit)}
}

func (l *Ledger) readAudit(ctx context.Context, db querier, q query) (all []audit.Kept, err error) {
	rows, err := db.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, l.explainAudit("read", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		kept, err := scanAudit(rows)
		if err != nil {
			return nil, fmt.Errorf("read the audit trail: %w", err)
		}
		all = append(all, kept)
	}
	if err := rows.Err(); err != nil {
		return nil, l.explainAudit("read", err)
	}
	return all, nil
}

// explainAudit says what could not be done to the audit trail. PostgreSQL's users but orders and orders_desk may only add to it.
func (l *Ledger) explainAudit(doing string, err error) error {
	if sqlState(err) == insufficientPrivilege {
		return fmt.Errorf("%w: %w", audit.ErrMayNotRead, err)
	}
	return fmt.Errorf("%s the audit trail: %w", doing, l.explain("audit", err))
}

func scanAudit(rows *sql.Rows) (audit.Kept, error) {
	var k audit.Kept
	var at instant
	var previous, digest []byte
	err := rows.Scan(&k.Number, &k.Day, &at, &k.Kind, &k.Subject, &k.Address, &k.Merchant, &k.Action, &k.Object, &k.Before, &k.After,
		&k.Result, &k.Ends, &k.Times, &previous, &digest)
	k.Time = at.Time
	return k, errors.Join(err, fillSum(&k.Previous, previous), fillSum(&k.Digest, digest))
}

// errPruned means that entries were deleted, because of their age, before they were verified.
var errPruned = errors.New("entries were deleted meanwhile")

// VerifyAudit checks the whole chain, page by page: others may add to it meanwhile.
func (l *Ledger) VerifyAudit(ctx context.Context) (report audit.Report, err error) {
	err = errPruned
	for errors.Is(err, errPruned) {
		report, err = l.verifyAudit(ctx)
	}
	return report, err
}

func (l *Ledger) verifyAudit(ctx context.Context) (audit.Report, error) {
	first, last, page, err := l.chainAfter(ctx, math.MinInt64)
	if err != nil {
		return audit.Report{}, err
	}
	return audit.Verify(first, &last, time.Now(), func(yield func(audit.Kept, error) bool) {
		for {
			for _, kept := range page {
				if !yield(kept, nil) {
					return
				}
			}
			if len(page) < auditPage {
				return
			}
			end := page[auditPage-1].Number
			first, last, page, err = l.chainAfter(ctx, end)
			if err == nil && first.Number > end {
				err = errPruned
			}
			if err != nil {
				yield(audit.Kept{}, err)
				return
			}
		}
	})
}

// chainAfter reads the ends of the chain and the entries that follow a number, as they are at one moment.
func (l *Ledger) chainAfter(ctx context.Context, number int64) (first, last audit.Link, page []audit.Kept, err error) {
	tx, err := l.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: l.engine.snapshot})
	if err != nil {
		return first, last, nil, l.explainAudit("verify", err)
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	for end, into := range map[string]*audit.Link{"first": &first, "last": &last} {
		if *into, err = scanLink(tx.QueryRowContext(ctx, auditEnd+end)); err != nil {
			return first, last, nil, l.explainAudit("verify", err)
		}
	}
	q := query{l.engine.bind(`SELECT ` + auditColumns + ` FROM audit WHERE number > ? ORDER BY number LIMIT ?`), []any{number, auditPage}}
	page, err = l.readAudit(ctx, tx, q)
	return first, last, page, err
}

// PruneAudit deletes entries from the beginning of the chain.
func (l *Ledger) PruneAudit(ctx context.Context, before time.Time, limit int) (deleted int, err error) {
	err = l.inTransaction(ctx, func(tx *sql.Tx) error {
		first, err := scanLink(tx.QueryRowContext(ctx, l.engine.lockFirst))
		if err != nil {
			return err
		}
		deleted = 0
		q := query{
			l.engine.bind(`SELECT ` + auditColumns + ` FROM audit WHERE number > ? AND day < ? ORDER BY number LIMIT ?`),
			[]any{first.Number, before.UTC().Format(time.DateOnly), limit},
		}
		old, err := l.readAudit(ctx, tx, q)
		if err != nil || len(old) == 0 {
			return err
		}
		deleted, first = len(old), old[len(old)-1].Link()
		if _, err := tx.ExecContext(ctx, l.engine.bind(`DELETE FROM audit WHERE number <= ?`), first.Number); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, l.engine.bind(`UPDATE audit_first SET number = ?, day = ?, digest = ?`), first.Number, first.Day, first.Digest[:])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete from the audit trail what is from before %s: %w", before.UTC().Format(time.DateOnly), l.explain("prune", err))
	}
	return deleted, nil
}
