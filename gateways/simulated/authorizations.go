package simulated

import (
	"errors"
	"slices"
	"sync"

	"dummyorders/domain/money"
)

// Movements are what the gateway has done about one authorization, in minor units of the amount's currency. Taken and
// GivenBack count every movement: twice the amount would be money moved twice.
type Movements struct {
	AuthorizationID string
	TransactionID   string // empty if another process made the hold
	Amount          money.Money
	Held            int64 // now
	Taken           int64
	GivenBack       int64
}

// The reasons why a call is rejected.
var (
	errNothingHeld     = errors.New("nothing_held")
	errNothingCaptured = errors.New("nothing_taken")
	errCaptured        = errors.New("taken")
	errOtherRequest    = errors.New("the key was used for something else")
)

type state int

const (
	requested state = iota // nothing done yet
	held
	captured
	voided
	refunded
)

type entry struct {
	Movements

	state state
	tried []string // calls that must fail once, and have failed
}

// authorizations holds the newest authorizations. Each of its methods is atomic, and none waits.
type authorizations struct {
	mu      sync.Mutex
	most    int
	entries map[string]*entry
	order   []string // of the entries' ids: a ring once it is full
	oldest  int
}

func newAuthorizations(most int) *authorizations {
	return &authorizations{most: most, entries: map[string]*entry{}}
}

// authorize makes a hold, and reports whether this call made it.
func (b *authorizations) authorize(l Movements) (first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(l, requested)
	if e.Amount != l.Amount {
		return false, errOtherRequest
	}
	if e.state != requested {
		return false, nil
	}
	e.state = held
	e.Held += l.Amount.Minor
	return true, nil
}

func (b *authorizations) capture(l Movements) (first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(l, held)
	switch e.state {
	case held:
		e.state, e.Held = captured, 0
		e.Taken += e.Amount.Minor
		return true, nil
	case captured, refunded:
		return false, nil
	case requested, voided:
	}
	return false, errNothingHeld
}

func (b *authorizations) void(l Movements) (first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(l, held)
	switch e.state {
	case held:
		e.state, e.Held = voided, 0
		return true, nil
	case captured, refunded:
		return false, errCaptured
	case requested, voided:
	}
	return false, nil
}

func (b *authorizations) refund(l Movements) (first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(l, captured)
	switch e.state {
	case captured:
		e.state = refunded
		e.GivenBack += e.Amount.Minor
		return true, nil
	case refunded:
		return false, nil
	case requested, held, voided:
	}
	return false, errNothingCaptured
}

// firstTry reports whether no earlier call of that name is remembered.
func (b *authorizations) firstTry(l Movements, name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	believed := map[string]state{"capture": held, "void": held, "refund": captured}[name]
	e := b.entry(l, believed)
	if slices.Contains(e.tried, name) {
		return false
	}
	e.tried = append(e.tried, name)
	return true
}

// entry returns an authorization. One that is not remembered is added in the state that the call expects.
func (b *authorizations) entry(l Movements, believed state) *entry {
	if e, remembered := b.entries[l.AuthorizationID]; remembered {
		return e
	}
	e := &entry{Movements: l, state: believed}
	if len(b.order) < b.most {
		b.order = append(b.order, l.AuthorizationID)
	} else {
		delete(b.entries, b.order[b.oldest])
		b.order[b.oldest] = l.AuthorizationID
		b.oldest = (b.oldest + 1) % b.most
	}
	b.entries[l.AuthorizationID] = e
	return e
}

func (b *authorizations) all() []Movements {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Movements, 0, len(b.order))
	for i := range b.order {
		all = append(all, b.entries[b.order[(b.oldest+i)%len(b.order)]].Movements)
	}
	return all
}
