package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/velocity"
	"dummyorders/internal/telemetry"
)

// Decide does all its work in one database transaction: other processes see what it counts and what it keeps together, or
// not at all. A transaction gets a decision when it is counted, so the rows of decisions also say which were counted.
func (l *Ledger) Decide(
	ctx context.Context, c fraud.Check, use velocity.Use, lookups []velocity.Lookup, decide func(velocity.Past) fraud.Decision,
) (fraud.Decision, error) {
	var decision fraud.Decision
	err := ready(c, use)
	if err == nil {
		err = l.retry(ctx, func() (err error) {
			decision, err = l.decideOnce(ctx, c, use, lookups, decide)
			return err
		})
	}
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("check %d of transaction %s by velocity: %w", c.Number, c.ID, l.explain("count", ended(ctx, err)))
	}
	return decision, nil
}

func ready(c fraud.Check, use velocity.Use) error {
	switch {
	case c.ID == "" || c.ID != use.TransactionID:
		return fmt.Errorf("it must have the id of the transaction that is counted, which is %q", use.TransactionID)
	case c.Number < 1 || c.AsOf.IsZero() || use.At.IsZero():
		return errors.New("it needs a number from 1 on, the moment that it is for, and the transaction's own time")
	case use.Merchant == "":
		return errors.New("the transaction that is counted needs its merchant")
	}
	return nil
}

// ended adds the context's error to err once ctx has ended: the database may have reported it in its own words.
func ended(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil && !errors.Is(err, over) {
		return fmt.Errorf("%w (%w)", over, err)
	}
	return err
}

// decideOnce decides in two rounds: what it reads, and what it keeps. Between them it reads again what has changed in memory.
func (l *Ledger) decideOnce(
	ctx context.Context, c fraud.Check, use velocity.Use, lookups []velocity.Lookup, decide func(velocity.Past) fraud.Decision,
) (fraud.Decision, error) {
	begun, before := time.Now(), map[int]fraud.Decision{}
	past := l.remember(use, lookups)
	err := l.engine.inRounds(ctx, l.velocity, func() ([]statement, error) {
		look, err := past.look()
		return slices.Concat(l.lock(use, lookups), []statement{l.decisions(c.ID, before)}, look), err
	}, func() ([]statement, error) {
		if _, decided := before[c.Number]; decided {
			return nil, nil
		}
		return past.lookAgain()
	}, func() ([]statement, error) {
		if _, decided := before[c.Number]; decided {
			return nil, nil
		}
		count, err := l.count(use, before)
		if err != nil {
			return nil, err
		}
		telemetry.VelocityDuration.Record(ctx, time.Since(begun))
		before[c.Number] = decide(past.past(len(before) == 0))
		keep, err := l.keep(c, before[c.Number])
		return append(count, keep), err
	})
	return before[c.Number], err
}

// decisions reads the decisions about a transaction into all, by check number.
func (l *Ledger) decisions(transactionID string, all map[int]fraud.Decision) statement {
	return statement{query{l.velocityStatements.decisions, []any{stored(transactionID)}}, func(r row) error {
		var number int
		var text []byte
		if err := r.Scan(&number, &text); err != nil {
			return err
		}
		var d fraud.Decision
		if err := json.Unmarshal(text, &d); err != nil {
			return fmt.Errorf("read that of check %d: %w", number, err)
		}
		all[number] = d
		return nil
	}, "look for earlier decisions"}
}

// count counts the use, unless an earlier decision says that it is counted.
func (l *Ledger) count(use velocity.Use, before map[int]fraud.Decision) ([]statement, error) {
	if len(use.Values) == 0 || len(before) > 0 {
		return nil, nil
	}
	q, err := l.countQuery(use)
	return []statement{{query: q, doing: "count it"}}, err
}

func (l *Ledger) keep(c fraud.Check, d fraud.Decision) (statement, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return statement{}, fmt.Errorf("write the decision as JSON: %w", err)
	}
	q := query{l.velocityStatements.keep, []any{stored(c.ID), c.Number, l.engine.sqlTime(c.AsOf), string(text)}}
	return statement{query: q, doing: "keep the decision"}, nil
}

// PruneVelocity deletes the oldest rows first.
func (l *Ledger) PruneVelocity(ctx context.Context, before time.Time, limit int) (int, error) {
	uses, errUses := l.delete(ctx, l.velocity, l.velocityStatements.pruneUses, before, limit)
	decisions, errDecisions := l.delete(ctx, l.velocity, l.velocityStatements.pruneDecisions, before, limit)
	changes, errChanges := l.delete(ctx, l.velocity, l.velocityStatements.pruneChanges, before, limit)
	deleted := uses + decisions + changes
	if err := errors.Join(errUses, errDecisions, errChanges); err != nil {
		return deleted, fmt.Errorf("delete uses from before %s: %w", before.UTC().Format(time.RFC3339), err)
	}
	return deleted, nil
}

// lock waits until no other check of the same transaction, or of one that shares a value with it, is under way. So of two
// transactions that share a value, one sees the other. All checks take their locks in the order of the locks' numbers, so
// they cannot deadlock. If two values happen to have the same number, their checks only wait longer.
func (l *Ledger) lock(use velocity.Use, lookups []velocity.Lookup) []statement {
	if l.velocityStatements.lock == "" {
		return nil
	}
	keys := []int64{lockKey("transaction", use.TransactionID)}
	for dimension, value := range use.Values {
		keys = append(keys, valueKey(dimension, value, use.Merchant))
	}
	for _, lookup := range lookups {
		keys = append(keys, valueKey(lookup.By, lookup.Value, lookup.Merchant))
	}
	slices.Sort(keys)
	q := query{l.velocityStatements.lock, []any{slices.Compact(keys)}}
	return []statement{{query: q, doing: "wait for checks that share a value"}}
}

// valueKey returns the number of a value's lock. What may be counted across merchants has one lock for all of them.
func valueKey(by velocity.Dimension, value, merchant string) int64 {
	if by.Shared() {
		return lockKey("use", string(by), value)
	}
	return lockKey("use", string(by), value, merchant)
}

// lockKey returns a lock's number. It is the same in every process.
func lockKey(parts ...string) int64 {
	hash := fnv.New64a()
	for _, part := range parts {
		_, _ = hash.Write([]byte(stored(part) + "\x00")) // stored text never contains a zero byte
	}
	return int64(hash.Sum64()) //nolint:gosec // any number will do
}

// Look reads without waiting for writers. The desk's user sees no labels unless it names merchants; which of them count, the lookups
// say.
func (l *Ledger) Look(ctx context.Context, transactionID string, lookups []velocity.Lookup) (velocity.Past, error) {
	past := velocity.Past{}
	err := l.retry(ctx, func() error {
		found, look, err := l.find(transactionID, lookups)
		if err != nil || look == nil {
			return err
		}
		if err := l.engine.read(ctx, l.reader, identity.AllMerchants(), look[0].query, look[0].each); err != nil {
			return err
		}
		for i, lookup := range lookups {
			past.Join(lookup.Pool(), found[i].newestFirst())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for what came before transaction %s: %w", transactionID, l.explain("count", ended(ctx, err)))
	}
	return past, nil
}

// find returns the statement that answers all lookups, if there are any, and where their uses are once it has run.
func (l *Ledger) find(transactionID string, lookups []velocity.Lookup) ([]uses, []statement, error) {
	found := make([]uses, len(lookups))
	if len(lookups) == 0 {
		return found, nil, nil
	}
	q, err := l.lookQuery(transactionID, lookups)
	return found, l.reads(q, found, nil), err
}

// findAgain does so without the uses in known, which has a stretch or nil for each lookup. The state says whether these are as they were.
func (l *Ledger) findAgain(transactionID string, lookups []velocity.Lookup, known []*stretch) ([]uses, *state, []statement, error) {
	found, now := make([]uses, len(lookups)), &state{late: make([]int64, len(lookups)), labels: map[string][]velocity.Label{}}
	if len(lookups) == 0 {
		return found, now, nil, nil
	}
	q, err := l.lookAgainQuery(transactionID, lookups, known)
	return found, now, l.reads(q, found, now), err
}

func (l *Ledger) reads(q query, found []uses, now *state) []statement {
	q.text = l.engine.bind(q.text)
	return []statement{{q, func(r row) error { return scanUse(r, found, now) }, "look for what came before"}}
}

// uses holds what one lookup found.
type uses struct {
	all []velocity.Use
	at  map[string]int // the index in all of each use with labels, by transaction
}

// scanUse reads a row: a use, and one of its labels if it has any; or, without a currency, a part of the state.
func scanUse(r row, found []uses, now *state) error {
	var (
		use         velocity.Use
		number      int
		at, labelAt instant
		currency    sql.NullString
		facts       []byte
		merchant    sql.NullString
		label       sql.NullString
	)
	err := r.Scan(&number, &use.TransactionID, &at, &use.Amount.Minor, &currency, &facts, &merchant, &label, &labelAt)
	if err != nil {
		return err
	}
	if label.Valid {
		use.Labels = []velocity.Label{{Fraudulent: label.String == ledger.Fraudulent, At: labelAt.Time}}
	}
	use.At = at.Time
	if !currency.Valid {
		now.add(number, use)
		return nil
	}
	use.Amount.Currency, use.Merchant = money.Currency(currency.String), merchant.String
	if use.Values, err = readFacts(facts); err != nil {
		return fmt.Errorf("read what transaction %s has in common with others: %w", use.TransactionID, err)
	}
	found[number].add(use)
	return nil
}

// readFacts reads the values of a use, a JSON object of texts, or nil. Nearly all are without escapes, so that their texts are
// what stands between the quotes: reading these so is several times as fast.
func readFacts(text []byte) (map[velocity.Dimension]string, error) {
	if text == nil {
		return nil, nil
	}
	parts := strings.Split(string(text), `"`) // {, key, :, value, a comma, key, :, value, }
	values := make(map[velocity.Dimension]string, len(parts)/4)
	plain := len(parts)%4 == 1 && parts[0] == "{" && parts[len(parts)-1] == "}" && bytes.IndexByte(text, '\\') < 0
	for i := 1; plain && i < len(parts); i += 4 {
		plain = parts[i+1] == ":" && (parts[i+3] == "," || i+4 == len(parts))
		values[velocity.Dimension(parts[i])] = parts[i+2]
	}
	if plain {
		return values, nil
	}
	values = nil
	return values, json.Unmarshal(text, &values)
}

func (u *uses) add(use velocity.Use) {
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

// newestFirst sorts the uses itself: a join need not keep their order.
func (u *uses) newestFirst() []velocity.Use {
	slices.SortFunc(u.all, func(a, b velocity.Use) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.TransactionID, a.TransactionID))
	})
	return u.all
}

// velocityStatements holds the statements that count uses, with the engine's placeholders.
type velocityStatements struct {
	lock, decisions, keep, pruneUses, pruneDecisions, pruneChanges string
}

func newVelocityStatements(e engine) velocityStatements {
	return velocityStatements{
		lock:           e.bind(e.lock),
		decisions:      e.bind(`SELECT number, decision FROM decisions WHERE transaction_id = ?`),
		keep:           e.bind(`INSERT INTO decisions (transaction_id, number, at, decision) VALUES (?, ?, ?, ?)`),
		pruneUses:      e.bind(e.pruneUses),
		pruneDecisions: e.bind(e.pruneDecisions),
		pruneChanges:   e.bind(e.pruneChanges),
	}
}

// These are the parts of the statement that looks. The number tells its lookups apart.
const (
	// lookup finds the uses of one value, and returns a row for each of their labels. The inner query chooses the uses and
	// limits their number, so labels do not count towards the limit.
	lookup = `SELECT %d, u.transaction_id, u.at, u.amount, u.currency, u.facts, u.merchant, %s FROM (
	SELECT transaction_id, at, amount, currency, %s FROM uses
	WHERE %s AND transaction_id <> ? ORDER BY at DESC, transaction_id DESC LIMIT %d) u %s`
	noFacts    = `CAST(NULL AS json) AS facts, CAST(NULL AS text) AS merchant`
	noLabel    = `CAST(NULL AS text), CAST(NULL AS timestamptz)`
	joinLabels = `LEFT JOIN labels l ON l.transaction_id = u.transaction_id`
	// These read the state: of a lookup's value, of all uses, and the labels of the transactions whose labels have changed.
	lateUses = `SELECT %d, '', CAST(NULL AS timestamptz), times, CAST(NULL AS text), ` + noFacts + `, ` + noLabel + `
	FROM late_uses WHERE merchant = ? AND dimension = ? AND value = ?`
	deletedUses   = `SELECT -1, '', at, %s, CAST(NULL AS text), ` + noFacts + `, ` + noLabel + ` FROM uses_deleted`
	changedLabels = `SELECT -1, c.transaction_id, CAST(NULL AS timestamptz), 0, CAST(NULL AS text), ` + noFacts + `, l.label, l.at
	FROM (SELECT transaction_id FROM label_changes WHERE %s ORDER BY number LIMIT %d) c LEFT JOIN labels l ON l.transaction_id = c.transaction_id`
)

// lookQuery reads the uses that lookups ask for. Its placeholders are question marks.
func (l *Ledger) lookQuery(transactionID string, lookups []velocity.Lookup) (query, error) {
	var texts []string
	var args []any
	for i, asked := range lookups {
		if asked.Across && !asked.By.Shared() {
			return query{}, fmt.Errorf("%s is a merchant's own, and cannot be looked up across merchants", asked.By)
		}
		values, labels, join := noFacts, noLabel, ""
		if asked.Values {
			values = "facts, merchant"
		}
		if asked.Labels {
			labels, join = "l.label, l.at", joinLabels
		}
		condition, its := l.usesOf(asked)
		texts = append(texts, fmt.Sprintf(lookup, i, labels, values, condition, velocity.MostUses, join))
		args = append(append(args, its...), stored(transactionID))
	}
	return query{strings.Join(texts, unionAll), args}, nil
}

const unionAll = "\nUNION ALL\n"

// lookAgainQuery reads the uses that are later than those in known, and the state.
func (l *Ledger) lookAgainQuery(transactionID string, lookups []velocity.Lookup, known []*stretch) (query, error) {
	after, since := slices.Clone(lookups), int64(math.MaxInt64)
	for i, s := range known {
		if s != nil && s.until.After(after[i].After) {
			after[i].After = s.until
		}
		if s != nil && s.uses != nil && lookups[i].Labels {
			since = min(since, s.changes)
		}
	}
	q, err := l.lookQuery(transactionID, after)
	if slices.ContainsFunc(known, func(s *stretch) bool { return s != nil }) {
		q.text += unionAll + fmt.Sprintf(deletedUses, l.engine.nextChange)
	}
	for i, asked := range lookups {
		if known[i] == nil {
			continue
		}
		merchant := asked.Merchant
		if asked.By.Shared() {
			merchant = ""
		}
		q.text += unionAll + fmt.Sprintf(lateUses, i)
		q.args = append(q.args, stored(merchant), stored(string(asked.By)), stored(asked.Value))
	}
	if since < math.MaxInt64 {
		q.text += unionAll + fmt.Sprintf(changedLabels, l.engine.changedSince, mostChanges+1)
		q.args = append(q.args, since)
	}
	return q, err
}

// usesOf returns the condition for the uses that a lookup asks for, and the transaction's own.
func (l *Ledger) usesOf(asked velocity.Lookup) (condition string, args []any) {
	condition, args = "merchant = ? AND dimension = ?", []any{stored(asked.Merchant), stored(string(asked.By))}
	if asked.Across {
		condition, args = fmt.Sprintf("dimension || '' = '%s'", asked.By), nil // word by word as in the index uses_across_merchants
	}
	condition, args = condition+" AND value = ? AND at > ?", append(args, stored(asked.Value), l.engine.sqlTime(asked.After))
	if !asked.Until.IsZero() {
		condition, args = condition+" AND at <= ?", append(args, l.engine.sqlTime(asked.Until))
	}
	return condition, args
}

// countQuery ignores rows that exist already: those of a transaction whose decisions were deleted by age, but whose uses
// were not.
func (l *Ledger) countQuery(use velocity.Use) (query, error) {
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
		args = append(args, stored(use.Merchant), dimension, values[dimension], l.engine.sqlTime(use.At), stored(use.TransactionID),
			use.Amount.Minor, stored(string(use.Amount.Currency)), string(facts))
	}
	return query{l.engine.bind(`INSERT INTO uses (merchant, dimension, value, at, transaction_id, amount, currency, facts)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)` + strings.Repeat(", (?, ?, ?, ?, ?, ?, ?, ?)", len(values)-1) + ` ON CONFLICT DO NOTHING`), args}, nil
}

// stored returns text as the tables of uses keep it: their columns are never null.
func stored(text string) string {
	kept, _ := nullable(text).(string)
	return kept
}
