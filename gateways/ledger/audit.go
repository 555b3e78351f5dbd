package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
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

// Audit returns the entries that a query chooses, in the query's order.
func (l *Ledger) Audit(ctx context.Context, q audit.Query) iter.Seq2[audit.Kept, error] {
	return l.auditEntries(ctx, l.reader, l.auditQuery(q))
}

func (l *Ledger) auditQuery(q audit.Query) query {
	var c conditions
	c.of(q.Merchants)
	if q.Before > 0 {
		c.add("number < ?", q.Before)
	}
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
	text := `SELECT ` + auditColumns + ` FROM audit ` + c.where() + `ORDER BY number`
	if q.Last > 0 {
		text += ` DESC LIMIT ?`
		c.args = append(c.args, q.Last)
	}
	return query{l.engine.bind(text), c.args}
}

func (l *Ledger) auditEntries(ctx context.Context, db querier, q query) iter.Seq2[audit.Kept, error] {
	return func(yield func(audit.Kept, error) bool) {
		rows, err := db.QueryContext(ctx, q.text, q.args...)
		if err != nil {
			yield(audit.Kept{}, l.explainAudit("read", err))
			return
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			kept, err := scanAudit(rows)
			if err != nil {
				err = fmt.Errorf("read the audit trail: %w", err)
			}
			if !yield(kept, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(audit.Kept{}, l.explainAudit("read", err))
		}
	}
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

// VerifyAudit checks the whole chain as it is at this moment: others may add to it meanwhile.
func (l *Ledger) VerifyAudit(ctx context.Context) (report audit.Report, err error) {
	tx, err := l.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: l.engine.snapshot})
	if err != nil {
		return report, l.explainAudit("verify", err)
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	var ends [2]audit.Link
	for i, end := range []string{"first", "last"} {
		if ends[i], err = scanLink(tx.QueryRowContext(ctx, auditEnd+end)); err != nil {
			return report, l.explainAudit("verify", err)
		}
	}
	return audit.Verify(ends[0], ends[1], time.Now(), l.auditEntries(ctx, tx, l.auditQuery(audit.Query{Merchants: identity.AllMerchants()})))
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
		for k, err := range l.auditEntries(ctx, tx, q) {
			if err != nil {
				return err
			}
			first = k.Link()
			deleted++
		}
		if deleted == 0 {
			return nil
		}
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
