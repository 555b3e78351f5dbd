package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/report"
	"dummyorders/domain/transaction"
)

// timed is how many of the last transactions are looked at for how long answers take.
const timed = 1000

// Now reads what the transactions of these merchants in the last hour come to, and what waits for a review.
func (l *Ledger) Now(ctx context.Context, of identity.Merchants, at time.Time) (n report.Now, err error) {
	err = l.retry(ctx, func() (err error) {
		n = report.NewNow(at)
		if err := l.countMinutes(ctx, of, &n); err != nil {
			return err
		}
		if n.Answers, err = l.answers(ctx, of, n.Minutes[0].Begin); err != nil {
			return err
		}
		held, err := l.heldOnce(ctx, of)
		for _, h := range held {
			if h.Reason == Release {
				n.Releasing = append(n.Releasing, h.Money)
				continue
			}
			n.Held = append(n.Held, h.Money)
		}
		if err != nil {
			return err
		}
		waiting, next, err := l.waitingOnce(ctx, of)
		n.Waiting, n.NextDeadline = int64(waiting), next
		return err
	})
	if err != nil {
		return n, fmt.Errorf("read the figures of the last hour in the ledger: %w", l.explain("read", err))
	}
	return n, nil
}

// minutesQuery asks an index for each outcome, and reads no transaction.
func (l *Ledger) minutesQuery(of identity.Merchants, since time.Time) query {
	var texts []string
	var args []any
	for _, outcome := range append(slices.Clone(fraud.Outcomes), "") {
		var c conditions
		if outcome == "" {
			c.add("t.outcome IS NULL")
		} else {
			c.add("t.outcome = ?", string(outcome))
		}
		c.add("t.started_at >= ?", l.engine.sqlTime(since))
		c.of(of)
		index := ""
		if l.engine.namesIndex {
			index = map[bool]string{true: "INDEXED BY transactions_by_outcome ", false: "INDEXED BY transactions_by_merchant_outcome "}[of.All() || of.None()]
		}
		texts = append(texts, fmt.Sprintf(`SELECT '%s', %s, count(*) FROM transactions t %s%s GROUP BY 2`, outcome, l.engine.minute, index, c.where()))
		args = append(args, c.args...)
	}
	return query{l.engine.bind(strings.Join(texts, " UNION ALL ")), args}
}

func (l *Ledger) countMinutes(ctx context.Context, of identity.Merchants, n *report.Now) error {
	return l.engine.read(ctx, l.reader, of, l.minutesQuery(of, n.Minutes[0].Begin), func(r row) error {
		var outcome string
		var minute, count int64
		if err := r.Scan(&outcome, &minute, &count); err != nil {
			return err
		}
		n.Add(time.Unix(minute*60, 0).UTC(), fraud.Outcome(outcome), count)
		return nil
	})
}

func (l *Ledger) answersQuery(of identity.Merchants, since time.Time) query {
	q := ledger.Query{Merchants: of, Since: since}
	c := l.listConditions(q, of)
	text := `SELECT record FROM transactions ` + l.listIndex(q, of) + c.where() + `ORDER BY started_at DESC, id DESC LIMIT ?`
	return query{l.engine.bind(text), append(c.args, timed)}
}

// answers returns how long the last transactions since a time took until something was settled or they were held for a review,
// sorted.
func (l *Ledger) answers(ctx context.Context, of identity.Merchants, since time.Time) (all []time.Duration, err error) {
	err = l.engine.read(ctx, l.reader, of, l.answersQuery(of, since), func(r row) error {
		var text []byte
		var record struct {
			StartTime time.Time
			Steps     []ledger.Step
		}
		if err := r.Scan(&text); err != nil {
			return err
		}
		if err := json.Unmarshal(text, &record); err != nil {
			return fmt.Errorf("its record: %w", err)
		}
		first := slices.IndexFunc(record.Steps, func(s ledger.Step) bool { return s.Code.Settled() || s.Code == transaction.InReview })
		if first >= 0 {
			all = append(all, record.Steps[first].Time.Sub(record.StartTime))
		}
		return nil
	})
	slices.Sort(all)
	return all, err
}
