package velocitytest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
)

// Memory is the simplest possible store, to compare others with. Its zero value is empty.
type Memory struct {
	turn      sync.Mutex // held by the running check
	mu        sync.Mutex // held while something is read or written
	uses      []held
	decisions []kept
	labels    map[string][]velocity.Label
}

// held is a use under one of its values.
type held struct {
	velocity.Use
	by    velocity.Dimension
	value string
}

type kept struct {
	transactionID string
	number        int
	at            time.Time
	decision      []byte
}

// Decide lets only one check decide at a time.
func (m *Memory) Decide(
	ctx context.Context, c fraud.Check, use velocity.Use, lookups []velocity.Lookup, decide func(velocity.Past) fraud.Decision,
) (fraud.Decision, error) {
	if c.ID == "" || c.ID != use.TransactionID || c.Number < 1 || c.AsOf.IsZero() || use.At.IsZero() || use.Merchant == "" {
		return fraud.Decision{}, errors.New("the check is incomplete")
	}
	m.turn.Lock()
	defer m.turn.Unlock()
	before, counted := m.find(c)
	if before != nil {
		var d fraud.Decision
		return d, json.Unmarshal(before, &d)
	}
	past, err := m.Look(ctx, c.ID, lookups)
	if err != nil {
		return fraud.Decision{}, err
	}
	d := decide(past)
	text, err := json.Marshal(d)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return fraud.Decision{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !counted {
		m.count(use)
	}
	m.decisions = append(m.decisions, kept{c.ID, c.Number, c.AsOf, text})
	return d, nil
}

// find returns the decision under the check's number, if there is one, and whether there is a decision under any
// number.
func (m *Memory) find(c fraud.Check) (decision []byte, counted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.decisions {
		if k.transactionID != c.ID {
			continue
		}
		if counted = true; k.number == c.Number {
			return k.decision, true
		}
	}
	return nil, counted
}

func (m *Memory) count(use velocity.Use) {
	use.At = use.At.Truncate(time.Microsecond).UTC()
	for by, value := range use.Values {
		m.uses = append(m.uses, held{use, by, value})
	}
}

// Look searches all uses.
func (m *Memory) Look(ctx context.Context, transactionID string, lookups []velocity.Lookup) (velocity.Past, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	past := velocity.Past{}
	for _, l := range lookups {
		var found []velocity.Use
		for _, u := range m.uses {
			if u.by == l.By && u.value == l.Value && (l.Across || u.Merchant == l.Merchant) && u.TransactionID != transactionID && u.At.After(l.After) &&
				(l.Until.IsZero() || !u.At.After(l.Until)) {
				found = append(found, m.asAsked(u.Use, l))
			}
		}
		slices.SortFunc(found, func(a, b velocity.Use) int {
			return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.TransactionID, a.TransactionID))
		})
		past.Join(l.Pool(), found[:min(len(found), velocity.MostUses)])
	}
	return past, ctx.Err()
}

func (m *Memory) asAsked(u velocity.Use, l velocity.Lookup) velocity.Use {
	if !l.Values {
		u.Values, u.Merchant = nil, ""
	}
	if l.Labels {
		u.Labels = m.labels[u.TransactionID]
	}
	return u
}

// Save stores only the labels.
func (m *Memory) Save(ctx context.Context, e ledger.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.labels == nil {
		m.labels = map[string][]velocity.Label{}
	}
	m.labels[e.Record.TransactionID] = nil
	for _, label := range e.Record.Labels {
		m.labels[e.Record.TransactionID] = append(m.labels[e.Record.TransactionID],
			velocity.Label{Fraudulent: label.Label == ledger.Fraudulent, At: label.Time.Truncate(time.Microsecond)})
	}
	return ctx.Err()
}

// PruneVelocity deletes the oldest first.
func (m *Memory) PruneVelocity(ctx context.Context, before time.Time, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	slices.SortStableFunc(m.uses, func(a, b held) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(m.decisions, func(a, b kept) int { return a.at.Compare(b.at) })
	uses, decisions := 0, 0
	for uses < min(limit, len(m.uses)) && m.uses[uses].At.Before(before) {
		uses++
	}
	for decisions < min(limit, len(m.decisions)) && m.decisions[decisions].at.Before(before) {
		decisions++
	}
	m.uses, m.decisions = m.uses[uses:], m.decisions[decisions:]
	return uses + decisions, nil
}
