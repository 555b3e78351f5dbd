package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// Save uses a single statement. It needs a database transaction only if the entry may have labels, or if others save at the
// same time. An entry that may have labels may have to wait until another process has labelled its transaction. Where there are several
// writers, it is saved by itself, so that no other entry waits with it.
func (l *Ledger) Save(ctx context.Context, e ledger.Entry) error {
	row, err := l.row(e)
	s := saving{id: e.Record.TransactionID, row: row, mark: e.Mark, labels: e.Record.Labels, mayLabel: e.Record.Review != nil || len(e.Record.Labels) > 0}
	switch {
	case err != nil:
	case l.groupCommit == nil, s.mayLabel && !l.engine.oneWriter:
		err = l.saveAll(ctx, []saving{s})
	default:
		err = l.groupCommit.save(ctx, s)
	}
	if err != nil {
		return fmt.Errorf("save transaction %s in the ledger: %w", e.Record.TransactionID, l.explain("save", err))
	}
	return nil
}

// saving is an entry that is to be saved.
type saving struct {
	id     string
	row    []any
	mark   ledger.Mark
	labels []ledger.Label
	// mayLabel reports whether an entry of this transaction may have labels. An entry with a review may have had some even
	// if this one has none: if a worker was killed before it recorded a verdict, the verdict's entry may have left a label.
	mayLabel bool
}

// saveAlone saves an entry that has no labels, without a BEGIN and a COMMIT.
func (l *Ledger) saveAlone(ctx context.Context, s saving) error {
	return l.retry(ctx, func() error {
		_, err := l.writer.ExecContext(ctx, l.statements.save, s.row...)
		return err
	})
}

// saveAll saves all entries or none. Those without labels are saved in one order, so that two processes cannot wait for each other.
func (l *Ledger) saveAll(ctx context.Context, all []saving) error {
	if len(all) == 1 && !all[0].mayLabel {
		return l.saveAlone(ctx, all[0])
	}
	slices.SortStableFunc(all, func(a, b saving) int { return cmp.Compare(a.id, b.id) })
	return l.retry(ctx, func() error {
		var plain []statement
		var labelled []round
		for _, s := range all {
			if s.mayLabel {
				labelled = append(labelled, l.saveLabelled(s)...)
			} else {
				plain = append(plain, l.saveStatement(s))
			}
		}
		return l.engine.inRounds(ctx, l.writer, append([]round{func() ([]statement, error) { return plain, nil }}, labelled...)...)
	})
}

func (l *Ledger) saveStatement(s saving) statement {
	return statement{query: query{l.statements.save, s.row}}
}

// saveLabelled returns the rounds that save an entry which may have labels. The first one makes the row, or locks the one that is
// there until the end of the database transaction.
func (l *Ledger) saveLabelled(s saving) []round {
	added, there := false, entryThere{}
	return []round{func() ([]statement, error) {
		add := func(r row) error { added = true; return r.Scan(new(string)) }
		return []statement{{query{l.statements.add, s.row}, add, ""}, {query{l.statements.there, []any{s.id}}, there.scan, "read the entry before"}}, nil
	}, func() ([]statement, error) {
		switch {
		case added:
			return l.label(s, nil), nil
		case there.after(s):
			return nil, nil // a later entry is there, with its labels
		default:
			return append([]statement{l.saveStatement(s)}, l.label(s, there.labels)...), nil
		}
	}}
}

// entryThere is what the stored entry says: its mark, and the labels in its record.
type entryThere struct {
	markAt, markNumber int64
	labels             []ledger.Label
}

func (e *entryThere) scan(r row) error {
	var text []byte
	var record struct{ Labels []ledger.Label }
	if err := r.Scan(&text, &e.markAt, &e.markNumber); err != nil {
		return err
	}
	err := json.Unmarshal(text, &record)
	e.labels = record.Labels
	return err
}

func (e *entryThere) after(s saving) bool {
	return cmp.Or(cmp.Compare(e.markAt, s.mark.At.UnixNano()), cmp.Compare(e.markNumber, int64(s.mark.Number))) > 0
}

// label removes the labels that the entry before had and this one does not have exactly so, and adds this entry's labels.
// All other labels were posted, or had their notes changed by a post, and stay as they are.
func (l *Ledger) label(s saving, before []ledger.Label) (all []statement) {
	for _, label := range before {
		if !slices.ContainsFunc(s.labels, label.Equal) {
			drop := []any{s.id, label.Source, label.Label, nullable(label.Note), l.engine.sqlTime(label.Time)}
			all = append(all, statement{query: query{l.statements.dropLabel, drop}, doing: fmt.Sprintf("drop label %s of source %s", label.Label, label.Source)})
		}
	}
	for _, label := range s.labels {
		add := []any{s.id, label.Source, label.Label, nullable(label.Note), nullable(label.By), l.engine.sqlTime(label.Time)}
		all = append(all, statement{query: query{l.statements.addLabel, add}, doing: fmt.Sprintf("add label %s of source %s", label.Label, label.Source)})
	}
	return all
}

// row returns the entry's values, in the order of columns.
func (l *Ledger) row(e ledger.Entry) ([]any, error) {
	r, t := e.Record, e.Transaction
	if r.TransactionID == "" || r.StartTime.IsZero() || e.Mark.At.IsZero() {
		return nil, errors.New("the entry needs a transaction id, a start time, and the time of its mark")
	}
	record, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the record as JSON: %w", err)
	}
	posted, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("write the transaction as JSON: %w", err)
	}
	outcome, score := decided(r)
	var deadline, reviewed *time.Time
	if r.Review != nil {
		deadline, reviewed = &r.Review.Deadline, r.Review.DecidedAt
	}
	return []any{
		r.TransactionID, nullable(t.Receipt.Client), nullable(t.Receipt.BodyDigest), nullable(r.Order.ID), nullable(r.PaymentMethod),
		int(r.Status()), outcome, score, t.Payment.Amount.Minor, nullable(string(t.Payment.Amount.Currency)),
		nullable(t.Payment.Card.Fingerprint), nullable(customer(t)), l.engine.sqlTime(r.StartTime), l.timeOf(r.EndTime),
		e.Mark.At.UnixNano(), e.Mark.Number, string(record), string(posted),
		identity.MerchantOf(t.Merchant), l.timeOf(deadline), l.timeOf(reviewed), nullable(t.Payment.Card.LastFour), nullable(t.IP), r.Releasing(),
	}, nil
}

// decided returns the decision's outcome and score, or nil for both if there is no decision yet.
func decided(r ledger.Record) (outcome, score any) {
	if r.Decision == nil {
		return nil, nil
	}
	return nullable(string(r.Decision.Outcome)), r.Decision.Score
}

func customer(t transaction.Transaction) string {
	if t.Customer == nil {
		return ""
	}
	return t.Customer.ID
}

func (l *Ledger) timeOf(at *time.Time) any {
	if at == nil {
		return nil
	}
	return l.engine.sqlTime(*at)
}

// nullable returns text as PostgreSQL takes it: without the NUL characters and broken UTF-8 that JSON can hold. For an
// empty text it returns nil.
func nullable(text string) any {
	if text == "" {
		return nil
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

const (
	// most bounds how many entries are saved in one turn, and so how long a saver waits for others.
	most = 64
	// commitTimeout bounds how long a turn may take, and so how long a server that vanished without a word holds up those who come
	// later. Each connection to it can take a turn. No saver waits longer.
	commitTimeout = 15 * time.Second
)

// groupCommit lets one saver write at a time, for itself and for all that wait. T is what is saved. A commit flushes the disk once, whether it holds
// one entry or many: 16 savers at once are served three to four times as fast as one by one in SQLite. In PostgreSQL, 50 at once
// take a third of the processor time, 10 two thirds, and one the same.
type groupCommit[T any] struct {
	saveAll func(context.Context, []T) error
	turn    chan struct{} // holds one element while a turn is being taken

	mu      sync.Mutex
	waiting []*waiter[T]
}

// waiter is a saver that waits for its result.
type waiter[T any] struct {
	saving T
	done   chan error
}

func newGroupCommit[T any](saveAll func(context.Context, []T) error) *groupCommit[T] {
	return &groupCommit[T]{saveAll: saveAll, turn: make(chan struct{}, 1)}
}

// save returns when the entry is saved, or when ctx ends. In the second case the entry may still be saved, if its turn had
// come.
func (t *groupCommit[T]) save(ctx context.Context, s T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiter[T]{saving: s, done: make(chan error, 1)}
	t.join(w)
	for {
		select {
		case err := <-w.done:
			return err
		case <-ctx.Done():
			t.leave(w)
			return ctx.Err()
		case t.turn <- struct{}{}:
			go t.take(context.WithoutCancel(ctx)) // others depend on this turn, so it goes on when this saver gives up
		}
	}
}

func (t *groupCommit[T]) join(w *waiter[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, w)
}

func (t *groupCommit[T]) leave(w *waiter[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = slices.DeleteFunc(t.waiting, func(other *waiter[T]) bool { return other == w })
}

// next removes and returns the waiters that have waited longest, up to most of them.
func (t *groupCommit[T]) next() []*waiter[T] {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(most, len(t.waiting))
	next := slices.Clone(t.waiting[:n])
	t.waiting = slices.Delete(t.waiting, 0, n)
	return next
}

// take takes a turn. If saving all entries together fails, it saves each by itself, so that none fails because of another.
func (t *groupCommit[T]) take(ctx context.Context) {
	defer func() { <-t.turn }()
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	waiters := t.next()
	if len(waiters) == 0 {
		return
	}
	all := make([]T, len(waiters))
	for i, w := range waiters {
		all[i] = w.saving
	}
	err := t.saveAll(ctx, all)
	for _, w := range waiters {
		if err != nil && len(waiters) > 1 {
			w.done <- t.saveAll(ctx, []T{w.saving})
		} else {
			w.done <- err
		}
	}
}

// columns lists the columns of the table transactions, in the order in which row fills them. A later entry of a transaction
// changes only those in changing: what was posted stays, so neither it nor the indexes by it are written again.
var (
	columns = []string{
		"id", "client", "body_digest", "order_id", "payment_method", "status", "outcome", "score", "amount", "currency",
		"card_fingerprint", "customer_id", "started_at", "ended_at", "mark_at", "mark_number", "record", "posted",
		"merchant", "review_deadline", "reviewed_at", "card_last_four", "ip", "releasing",
	}
	changing = []string{"status", "outcome", "score", "ended_at", "mark_at", "mark_number", "record", "review_deadline", "reviewed_at", "releasing"}
)

// statements holds the statements about the ledger, with the engine's placeholders.
type statements struct {
	save, add, there, dropLabel, addLabel, keepNote, changeNote, earlier, prune, version string
}

func newStatements(e engine) statements {
	var updates []string
	for _, column := range changing {
		updates = append(updates, fmt.Sprintf("%s = excluded.%[1]s", column))
	}
	insert := fmt.Sprintf(`INSERT INTO transactions (%s) VALUES (?%s)`, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1))
	there := `SELECT record, mark_at, mark_number FROM transactions WHERE id = ?`
	if !e.oneWriter {
		there += ` FOR UPDATE`
	}
	return statements{
		save: e.bind(insert + ` ON CONFLICT (id) DO UPDATE SET ` + strings.Join(updates, ", ") + `
			WHERE (transactions.mark_at, transactions.mark_number) <= (excluded.mark_at, excluded.mark_number)`),
		add:       e.bind(insert + ` ON CONFLICT (id) DO NOTHING RETURNING id`),
		there:     e.bind(there),
		dropLabel: e.bind(`DELETE FROM labels WHERE transaction_id = ? AND source = ? AND label = ? AND note IS NOT DISTINCT FROM ? AND at = ?`),
		addLabel: e.bind(`INSERT INTO labels (transaction_id, source, label, note, given_by, at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (transaction_id, source, label) DO NOTHING`),
		keepNote: e.bind(`INSERT INTO label_notes (transaction_id, source, label, number, note, given_by, at)
			SELECT transaction_id, source, label, 1 + latest, note, given_by, coalesce(noted_at, at)
			FROM (SELECT l.*, (SELECT coalesce(max(number), 0) FROM label_notes n
				WHERE n.transaction_id = l.transaction_id AND n.source = l.source AND n.label = l.label) AS latest
				FROM labels l WHERE transaction_id = ? AND source = ? AND label = ?) l WHERE latest < ?`),
		changeNote: e.bind(`UPDATE labels SET note = ?, given_by = ?, noted_at = ? WHERE transaction_id = ? AND source = ? AND label = ?
			RETURNING label, source, note, given_by, at, noted_at`),
		earlier: e.bind(`SELECT note, given_by, at FROM label_notes WHERE transaction_id = ? AND source = ? AND label = ? ORDER BY number`),
		prune:   e.bind(e.prune),
		version: `SELECT (SELECT max(version_id) FROM ` + versionTable + `), oldest_code FROM ledger_compatibility`,
	}
}

// bind replaces question marks by the engine's placeholders. The statement must hold no other question mark.
func (e engine) bind(statement string) string {
	if !e.numbered {
		return statement
	}
	parts := strings.Split(statement, "?")
	var bound strings.Builder
	for i, part := range parts[:len(parts)-1] {
		bound.WriteString(part + "$" + strconv.Itoa(i+1))
	}
	return bound.String() + parts[len(parts)-1]
}
