package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/report"
)

// How days are counted for reports. A look finds the transactions that ended, and the labels that were given, since the look
// before it, and a bit more: what took long to be saved has an earlier time.
const (
	lookEvery   = 50 * time.Second // a look of another worker suffices
	lookOverlap = 5 * time.Minute
	// countFor bounds how long days are counted after a look. The others wait for the next one.
	countFor = 20 * time.Second
	// idleFactor is how many times as long as its last count took a day rests, so that a busy day costs at most a twentieth of a
	// core, however many workers there are.
	idleFactor = 20
	// countLease is how long other workers leave a day alone that one has begun to count, which may have died. It is longer than
	// a call of CountDays may take.
	countLease = 11 * time.Minute
	// countedPart is how much of a day is read at once: a long query would keep SQLite's log from being cut, and dead rows of
	// PostgreSQL from being removed.
	countedPart = time.Hour
	// keptAtOnce is how many rows of a day are kept in one database transaction: a save waits for it in SQLite.
	keptAtOnce = 200
	// firstDays is how many days back the first look goes.
	firstDays = 400
)

// CountDays counts the days again, for reports, whose transactions have changed since they were last counted, and today. If
// another process has done so in the last minute, it does nothing.
func (l *Ledger) CountDays(ctx context.Context, now time.Time) error {
	if err := l.countDays(ctx, now); err != nil {
		return fmt.Errorf("count days in the ledger: %w", l.explain("count", err))
	}
	return nil
}

func (l *Ledger) countDays(ctx context.Context, now time.Time) error {
	begun := time.Now()
	if mine, err := l.lookForDays(ctx, now); !mine || err != nil {
		return err
	}
	due, err := l.daysDue(ctx, now)
	if err != nil {
		return err
	}
	for _, day := range due {
		if time.Since(begun) > countFor {
			return nil
		}
		mine, err := l.claimDay(ctx, day, now.Add(time.Since(begun)))
		if err == nil && mine {
			err = l.countDay(ctx, day, now)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", day, err)
		}
	}
	return nil
}

// lookForDays marks the days to count, and reports whether no other process has just done so. It reads before it begins to write: the
// first look reads much, and SQLite has one writer.
func (l *Ledger) lookForDays(ctx context.Context, now time.Time) (mine bool, err error) {
	var last instant
	if err := l.reader.QueryRowContext(ctx, `SELECT at FROM days_looked`).Scan(&last); err != nil || last.After(now.Add(-lookEvery)) {
		return false, err
	}
	days, err := l.changedDays(ctx, last.Time, now)
	if err != nil {
		return false, err
	}
	err = l.inTransaction(ctx, func(tx *sql.Tx) error {
		looked := l.engine.bind(`UPDATE days_looked SET at = ? WHERE at = ?`)
		if mine, err = changes(tx.ExecContext(ctx, looked, l.engine.sqlTime(now), l.engine.sqlTime(last.Time))); !mine || err != nil {
			return err
		}
		return l.markDays(ctx, tx, days)
	})
	return mine, err
}

func (l *Ledger) markDays(ctx context.Context, tx *sql.Tx, days []string) error {
	for _, day := range days {
		if _, err := tx.ExecContext(ctx, l.engine.bind(`INSERT INTO days_due (day) VALUES (?) ON CONFLICT (day) DO NOTHING`), day); err != nil {
			return err
		}
	}
	return nil
}

// CountAgain has the days from one time to another counted again, for what was saved long after it happened.
func (l *Ledger) CountAgain(ctx context.Context, from, to time.Time) error {
	var days []string
	for day := from.UTC().Truncate(24 * time.Hour); !day.After(to); day = day.AddDate(0, 0, 1) {
		days = append(days, report.DateOf(day))
	}
	if err := l.inTransaction(ctx, func(tx *sql.Tx) error { return l.markDays(ctx, tx, days) }); err != nil {
		return fmt.Errorf("have days counted again: %w", l.explain("count", err))
	}
	return nil
}

// changedDays returns the days whose transactions may have changed since the last look. The first look of a day takes the days
// before it too, for what was saved much later than it happened; the first of all takes all days.
func (l *Ledger) changedDays(ctx context.Context, last, now time.Time) (days []string, err error) {
	days = append(days, report.DateOf(now))
	back := 0
	if today := now.UTC().Truncate(24 * time.Hour); last.Unix() == 0 {
		var first instant
		if err := l.reader.QueryRowContext(ctx, `SELECT min(started_at) FROM transactions`).Scan(&first); err != nil || first.IsZero() {
			return days, err
		}
		back = min(firstDays, int(today.Sub(first.Time)/(24*time.Hour))+1)
	} else if last.Before(today) {
		back = 3
	}
	for n := range back {
		days = append(days, report.DateOf(now.AddDate(0, 0, -n-1)))
	}
	since := l.engine.sqlTime(last.Add(-lookOverlap))
	rows, err := l.reader.QueryContext(ctx, l.engine.bind(l.changedQuery()), since, since)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var day string
		if err := rows.Scan(&day); err != nil {
			return nil, err
		}
		days = append(days, day)
	}
	return days, rows.Err()
}

// changedQuery also finds the days that an earlier version has counted, which did not count by rules.
func (l *Ledger) changedQuery() string {
	return strings.ReplaceAll(`SELECT DAY(t.started_at) FROM transactions t WHERE t.ended_at >= ?
		UNION SELECT DAY(t.started_at) FROM labels l JOIN transactions t ON t.id = l.transaction_id WHERE l.at >= ?
		UNION SELECT day FROM day_figures WHERE rules IS NULL`,
		"DAY(t.started_at)", l.engine.day)
}

// daysDue returns the days to count that do not rest: today, and then those first that were counted longest ago, so that all have
// their turn.
func (l *Ledger) daysDue(ctx context.Context, now time.Time) (days []string, err error) {
	q := query{l.engine.bind(`SELECT due.day FROM days_due due LEFT JOIN days_counted last ON last.day = due.day
		WHERE last.rests_until IS NULL OR last.rests_until <= ?
		ORDER BY due.day = ? DESC, last.at IS NOT NULL, last.at, due.day DESC`), []any{l.engine.sqlTime(now), report.DateOf(now)}}
	err = l.engine.read(ctx, l.reader, identity.AllMerchants(), q, func(r row) error {
		var day string
		defer func() { days = append(days, day) }()
		return r.Scan(&day)
	})
	return days, err
}

// claimDay has other workers leave a day alone while it is counted, and reports whether none of them counts it or has just counted it.
func (l *Ledger) claimDay(ctx context.Context, day string, now time.Time) (mine bool, err error) {
	return changes(l.writer.ExecContext(ctx, l.engine.bind(`INSERT INTO days_counted (day, at, rests_until) VALUES (?, ?, ?)
		ON CONFLICT (day) DO UPDATE SET at = excluded.at, rests_until = excluded.rests_until WHERE days_counted.rests_until <= excluded.at`),
		day, l.engine.sqlTime(now), l.engine.sqlTime(now.Add(countLease))))
}

// figuresOf tells the rows of a day apart.
type figuresOf struct{ merchant, currency string }

// counted is what a row of a day holds.
type counted struct {
	figures report.Figures
	rules   report.Rules
}

// texts returns the figures and rules as JSON.
func (c *counted) texts() (figures, rules []byte, err error) {
	if figures, err = json.Marshal(c.figures); err == nil {
		rules, err = json.Marshal(c.rules)
	}
	return figures, rules, err
}

// countDay counts a day and replaces its rows, unless transactions of it have been deleted: their counts would be lost.
func (l *Ledger) countDay(ctx context.Context, day string, now time.Time) error {
	start := time.Now()
	begin, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return err
	}
	all := map[figuresOf]*counted{}
	for from := begin; from.Before(begin.Add(24 * time.Hour)); from = from.Add(countedPart) {
		if err := l.countPart(ctx, from, all); err != nil {
			return err
		}
	}
	if err := l.countLabelled(ctx, begin, all); err != nil {
		return err
	}
	if err := l.dropUnchanged(ctx, day, all); err != nil {
		return err
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(all)), keptAtOnce) {
		if err := l.inTransaction(ctx, func(tx *sql.Tx) error {
			for _, of := range some {
				if err := l.keepCounted(ctx, tx, day, of, all[of]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return l.inTransaction(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{`DELETE FROM days_due WHERE day = ?`, `UPDATE day_figures SET rules = 'null' WHERE day = ? AND rules IS NULL`} {
			if _, err := tx.ExecContext(ctx, l.engine.bind(statement), day); err != nil {
				return err
			}
		}
		rests := l.engine.sqlTime(now.Add(idleFactor * time.Since(start)))
		_, err := tx.ExecContext(ctx, l.engine.bind(`UPDATE days_counted SET rests_until = ? WHERE day = ?`), rests, day)
		return err
	})
}

// dropUnchanged removes from all the rows that are kept with the same figures and rules.
func (l *Ledger) dropUnchanged(ctx context.Context, day string, all map[figuresOf]*counted) error {
	q := query{l.engine.bind(`SELECT merchant, currency, figures, rules FROM day_figures WHERE day = ?`), []any{day}}
	return l.engine.read(ctx, l.reader, identity.AllMerchants(), q, func(r row) error {
		var of figuresOf
		var keptFigures, keptRules []byte
		if err := r.Scan(&of.merchant, &of.currency, &keptFigures, &keptRules); err != nil || all[of] == nil {
			return err
		}
		figures, rules, err := all[of].texts()
		if bytes.Equal(figures, keptFigures) && bytes.Equal(rules, keptRules) {
			delete(all, of)
		}
		return err
	})
}

// keepCounted keeps a row of a day. Labels count on days of their own, so those of deleted transactions are taken from the row before.
func (l *Ledger) keepCounted(ctx context.Context, tx *sql.Tx, day string, of figuresOf, c *counted) error {
	var text []byte
	row := tx.QueryRowContext(ctx, l.engine.bind(`SELECT figures FROM day_figures WHERE day = ? AND merchant = ? AND currency = ?`), day, of.merchant, of.currency)
	switch err := row.Scan(&text); {
	case err == nil:
		var before report.Figures
		if err := jsonv2.Unmarshal(text, &before, asStored); err != nil {
			return fmt.Errorf("read the figures: %w", err)
		}
		c.figures.KeepLabelled(before)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	figures, rules, err := c.texts()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, l.engine.bind(keepDay), day, of.merchant, of.currency, string(figures), string(rules))
	return err
}

// keepDay keeps what was counted last, unless more was counted before.
const keepDay = `INSERT INTO day_figures (day, merchant, currency, figures, rules) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (day, merchant, currency) DO UPDATE SET figures = excluded.figures, rules = excluded.rules
	WHERE CAST(excluded.figures -> 'all' ->> 'count' AS bigint) >= CAST(day_figures.figures -> 'all' ->> 'count' AS bigint)`

func (l *Ledger) countPart(ctx context.Context, from time.Time, all map[figuresOf]*counted) error {
	q := query{l.engine.bind(l.partQuery()), []any{l.engine.sqlTime(from), l.engine.sqlTime(from.Add(countedPart))}}
	return l.engine.read(ctx, l.reader, identity.AllMerchants(), q, func(r row) error {
		var of figuresOf
		var minor int64
		var record, labels []byte
		if err := r.Scan(&of.merchant, &of.currency, &minor, &record, &labels); err != nil {
			return err
		}
		transaction, err := readRecord(record)
		if err != nil {
			return err
		}
		if transaction.Labels, err = readLabels(string(labels)); err != nil {
			return err
		}
		c := countedIn(all, of)
		c.figures.Add(transaction, minor)
		c.rules.Add(transaction, minor)
		return nil
	})
}

// countLabelled counts what was labelled on a day, whenever it was paid.
func (l *Ledger) countLabelled(ctx context.Context, day time.Time, all map[figuresOf]*counted) error {
	q := query{l.engine.bind(labelledQuery), []any{l.engine.sqlTime(day), l.engine.sqlTime(day.AddDate(0, 0, 1)), ledger.ByReviewer}}
	return l.engine.read(ctx, l.reader, identity.AllMerchants(), q, func(r row) error {
		var of figuresOf
		var record []byte
		var label ledger.Label
		if err := r.Scan(&of.merchant, &of.currency, &record, &label.Source, &label.Label); err != nil {
			return err
		}
		labelled, err := readRecord(record)
		if err != nil {
			return err
		}
		countedIn(all, of).figures.AddLabelled(labelled, label)
		return nil
	})
}

const labelledQuery = `SELECT t.merchant, coalesce(t.currency, ''), t.record, l.source, l.label
	FROM labels l JOIN transactions t ON t.id = l.transaction_id WHERE l.at >= ? AND l.at < ? AND l.source <> ?`

func countedIn(all map[figuresOf]*counted, of figuresOf) *counted {
	if all[of] == nil {
		all[of] = &counted{}
	}
	return all[of]
}

func readRecord(text []byte) (*ledger.Record, error) {
	var r ledger.Record
	if err := jsonv2.Unmarshal(text, &r, asStored); err != nil {
		return nil, fmt.Errorf("read a record: %w", err)
	}
	return &r, nil
}

// partQuery reads each transaction with its labels in one column.
func (l *Ledger) partQuery() string {
	return `SELECT t.merchant, coalesce(t.currency, ''), t.amount, t.record,
			(SELECT string_agg(l.source || ' ' || l.label || ' ' || ` + l.engine.micros + `, ',') FROM labels l WHERE l.transaction_id = t.id)
		FROM transactions t WHERE t.started_at >= ? AND t.started_at < ?`
}

func readLabels(text string) (all []ledger.Label, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		var label ledger.Label
		var micros int64
		if _, err := fmt.Sscan(part, &label.Source, &label.Label, &micros); err != nil {
			return nil, fmt.Errorf("read a label: %w", err)
		}
		label.Time = time.UnixMicro(micros)
		all = append(all, label)
	}
	return all, nil
}

// Days passes on what was counted from one day to another, both included, of these merchants, in no order. It calls begin before that,
// and once more if it has to begin again. It keeps nothing: many merchants' days together take much memory.
func (l *Ledger) Days(ctx context.Context, of identity.Merchants, from, to string, begin func(), each func(report.Day)) error {
	return l.readDays(ctx, of, "day, merchant, currency, figures", from, to, begin, func(r row) error {
		var d report.Day
		var figures []byte
		if err := r.Scan(&d.Date, &d.Merchant, &d.Currency, &figures); err != nil {
			return err
		}
		if err := jsonv2.Unmarshal(figures, &d.Figures, asStored); err != nil {
			return fmt.Errorf("read the figures of %s: %w", d.Date, err)
		}
		each(d)
		return nil
	})
}

// RuleDays returns what rules did from one day to another, both included, about transactions of these merchants together. It adds up
// while it reads: what each merchant's rules hit together takes much memory.
func (l *Ledger) RuleDays(ctx context.Context, of identity.Merchants, from, to string) (all []report.RuleDay, err error) {
	type kind struct {
		date, currency string
		known          bool
	}
	var places map[kind]int
	err = l.readDays(ctx, of, "day, currency, rules", from, to, func() { all, places = nil, map[kind]int{} }, func(r row) error {
		var d report.RuleDay
		var rules []byte
		if err := r.Scan(&d.Date, &d.Currency, &rules); err != nil {
			return err
		}
		if rules != nil {
			if err := jsonv2.Unmarshal(rules, &d.Rules, asStored); err != nil {
				return fmt.Errorf("read what rules did on %s: %w", d.Date, err)
			}
		}
		key := kind{d.Date, d.Currency, d.Rules != nil}
		switch at, has := places[key]; {
		case !has:
			places[key], all = len(all), append(all, d)
		case d.Rules != nil:
			all[at].Rules.Join(*d.Rules)
		}
		return nil
	})
	return all, err
}

// readDays passes on columns of days, after begin, and once more from the beginning if the connection was lost.
func (l *Ledger) readDays(ctx context.Context, of identity.Merchants, columns, from, to string, begin func(), each func(row) error) error {
	err := l.retry(ctx, func() error {
		begin()
		return l.engine.read(ctx, l.reader, of, l.daysQuery(of, columns, from, to), each)
	})
	if err != nil {
		return fmt.Errorf("read the days from %s to %s in the ledger: %w", from, to, l.explain("read", err))
	}
	return nil
}

func (l *Ledger) daysQuery(of identity.Merchants, columns, from, to string) query {
	var c conditions
	c.add("day >= ?", from)
	c.add("day <= ?", to)
	c.of(of)
	return query{l.engine.bind("SELECT " + columns + " FROM day_figures " + c.where()), c.args}
}
