package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/usage"
)

// Decide is one database transaction: what it counts and what it keeps is there for others, in whatever process, once all
// of it is. A transaction that is counted has a decision, so that the rows of decisions also say what was counted.
func (l *Ledger) Decide(
	ctx context.Context, c fraud.Check, use usage.Use, lookups []usage.Lookup, decide func(usage.Past) fraud.Decision,
) (fraud.Decision, error) {
	var decision fraud.Decision
	err := ready(c, use)
	if err == nil {
		err = l.twice(ctx, func() error {
			return l.counting(ctx, func(tx *sql.Tx) (err error) {
				decision, err = l.decideOnce(ctx, tx, c, use, lookups, decide)
				return err
			})
		})
	}
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("check %d of transaction %s in the history: %w", c.Number, c.ID, l.explain(ended(ctx, err)))
	}
	return decision, nil
}

func ready(c fraud.Check, use usage.Use) error {
	switch {
	case c.ID == "" || c.ID != use.TransactionID:
		return fmt.Errorf("it must have the id of the transaction that is counted, which is %q", use.TransactionID)
	case c.Number < 1 || c.AsOf.IsZero() || use.At.IsZero():
		return errors.New("it needs a number from 1 on, the moment that it is for, and the transaction's own time")
	}
	return nil
}

// counting does all of it or nothing, also where do panics: its connection would be lost to all others.
func (l *Ledger) counting(ctx context.Context, do func(*sql.Tx) error) error {
	// Each statement must see what others have committed by then. One that saw the tables as they were at the beginning
	// would not see the transaction that it has just waited for.
	tx, err := l.history.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit, it does nothing
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// ended says of a failure whose context has ended that it is that: the database may have noticed it in its own words.
func ended(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		return fmt.Errorf("%w (%w)", over, err)
	}
	return err
}

func (l *Ledger) decideOnce(
	ctx context.Context, tx *sql.Tx, c fraud.Check, use usage.Use, lookups []usage.Lookup, decide func(usage.Past) fraud.Decision,
) (fraud.Decision, error) {
	if err := l.lock(ctx, tx, use, lookups); err != nil {
		return fraud.Decision{}, fmt.Errorf("wait for checks that share a value: %w", err)
	}
	before, err := l.decisions(ctx, tx, c.ID)
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("look for earlier decisions: %w", err)
	}
	if kept, decided := before[c.Number]; decided {
		return kept, nil
	}
	if len(before) == 0 {
		if err := l.count(ctx, tx, use); err != nil {
			return fraud.Decision{}, fmt.Errorf("count it: %w", err)
		}
	}
	past, err := l.look(ctx, tx, c.ID, lookups)
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("look for what came before: %w", err)
	}
	decision := decide(past)
	if err := l.keep(ctx, tx, c, decision); err != nil {
		return fraud.Decision{}, fmt.Errorf("keep the decision: %w", err)
	}
	return decision, nil
}

// decisions are those about a transaction, by the numbers of their checks.
func (l *Ledger) decisions(ctx context.Context, tx *sql.Tx, transactionID string) (map[int]fraud.Decision, error) {
	rows, err := tx.QueryContext(ctx, l.historyStatements.decisions, stored(transactionID))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[int]fraud.Decision{}
	for rows.Next() {
		var number int
		var text []byte
		if err := rows.Scan(&number, &text); err != nil {
			return nil, err
		}
		var d fraud.Decision
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, fmt.Errorf("read that of check %d: %w", number, err)
		}
		all[number] = d
	}
	return all, rows.Err()
}

func (l *Ledger) count(ctx context.Context, tx *sql.Tx, use usage.Use) error {
	if len(use.Values) == 0 {
		return nil
	}
	q, err := l.countQuery(use)
	if err == nil {
		_, err = tx.ExecContext(ctx, q.text, q.args...)
	}
	return err
}

func (l *Ledger) keep(ctx context.Context, tx *sql.Tx, c fraud.Check, d fraud.Decision) error {
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write it as JSON: %w", err)
	}
	_, err = tx.ExecContext(ctx, l.historyStatements.keep, stored(c.ID), c.Number, l.engine.Time(c.AsOf), string(text))
	return err
}

// PruneHistory deletes those first that are oldest.
func (l *Ledger) PruneHistory(ctx context.Context, before time.Time, limit int) (int, error) {
	uses, errUses := l.delete(ctx, l.history, l.historyStatements.pruneUses, before, limit)
	decisions, errDecisions := l.delete(ctx, l.history, l.historyStatements.pruneDecisions, before, limit)
	if err := errors.Join(errUses, errDecisions); err != nil {
		return uses + decisions, fmt.Errorf("delete from the history what is from before %s: %w", before.UTC().Format(time.RFC3339), err)
	}
	return uses + decisions, nil
}

// lock waits until no other check is under way that is of the same transaction, or shares a value with it. So of two
// transactions that share a value one sees the other. All take the locks in the order of their numbers, and so none
// waits for one that waits for it. Where two values happen to have the same number, their checks only wait longer.
func (l *Ledger) lock(ctx context.Context, tx *sql.Tx, use usage.Use, lookups []usage.Lookup) error {
	if l.historyStatements.lock == "" {
		return nil
	}
	keys := []int64{lockKey("transaction", use.TransactionID)}
	for dimension, value := range use.Values {
		keys = append(keys, lockKey("use", string(dimension), value))
	}
	for _, lookup := range lookups {
		keys = append(keys, lockKey("use", string(lookup.By), lookup.Value))
	}
	slices.Sort(keys)
	_, err := tx.ExecContext(ctx, l.historyStatements.lock, slices.Compact(keys))
	return err
}

// lockKey is the same in every process.
func lockKey(parts ...string) int64 {
	hash := fnv.New64a()
	for _, part := range parts {
		_, _ = hash.Write([]byte(stored(part) + "\x00")) // which stands in nothing that is stored
	}
	return int64(hash.Sum64()) //nolint:gosec // any number will do
}

// Look reads while others write.
func (l *Ledger) Look(ctx context.Context, transactionID string, lookups []usage.Lookup) (usage.Past, error) {
	var past usage.Past
	err := l.twice(ctx, func() (err error) {
		past, err = l.look(ctx, l.reader, transactionID, lookups)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what came before transaction %s: %w", transactionID, l.explain(ended(ctx, err)))
	}
	return past, nil
}

// asker is a pool, or a database transaction.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// look asks all lookups in one statement.
func (l *Ledger) look(ctx context.Context, db asker, transactionID string, lookups []usage.Lookup) (usage.Past, error) {
	if len(lookups) == 0 {
		return usage.Past{}, nil
	}
	q := l.lookQuery(transactionID, lookups)
	rows, err := db.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := make([]uses, len(lookups))
	for rows.Next() {
		if err := scanUse(rows, found); err != nil {
			return nil, err
		}
	}
	past := usage.Past{}
	for i, lookup := range lookups {
		past.Join(lookup.By, found[i].newestFirst())
	}
	return past, rows.Err()
}

// uses are those that a lookup found.
type uses struct {
	all []usage.Use
	at  map[string]int // the places of those with labels, by their transactions
}

// scanUse takes a row: a use, and one of its labels if it has any.
func scanUse(rows *sql.Rows, found []uses) error {
	var (
		use         usage.Use
		number      int
		at, labelAt instant
		currency    string
		facts       []byte
		label       sql.NullString
	)
	if err := rows.Scan(&number, &use.TransactionID, &at, &use.Amount.Minor, &currency, &facts, &label, &labelAt); err != nil {
		return err
	}
	use.At, use.Amount.Currency = at.Time, money.Currency(currency)
	if facts != nil {
		if err := json.Unmarshal(facts, &use.Values); err != nil {
			return fmt.Errorf("read what transaction %s has in common with others: %w", use.TransactionID, err)
		}
	}
	if label.Valid {
		use.Labels = []usage.Label{{Fraudulent: label.String == ledger.Fraudulent, At: labelAt.Time}}
	}
	found[number].add(use)
	return nil
}

func (u *uses) add(use usage.Use) {
	if place, known := u.at[use.TransactionID]; known {
		u.all[place].Labels = append(u.all[place].Labels, use.Labels...)
		return
	}
	if len(use.Labels) > 0 {
		if u.at == nil {
			u.at = map[string]int{}
		}
		u.at[use.TransactionID] = len(u.all)
	}
	u.all = append(u.all, use)
}

// newestFirst does not trust a join with the order.
func (u *uses) newestFirst() []usage.Use {
	slices.SortFunc(u.all, func(a, b usage.Use) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.TransactionID, a.TransactionID))
	})
	return u.all
}

// historyStatements are the engine's own, with its placeholders.
type historyStatements struct {
	lock, decisions, keep, pruneUses, pruneDecisions string
}

func newHistoryStatements(e engine) historyStatements {
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
