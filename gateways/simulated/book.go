package simulated

import (
	"errors"
	"slices"
	"sync"

	"dummyorders/domain/money"
)

// Line is what the gateway has done about one authorization, in minor units of the amount's currency. Taken and
// GivenBack count every movement: twice the amount would be money moved twice.
type Line struct {
	AuthorizationID string
	TransactionID   string // empty if another process made the hold
	Amount          money.Money
	Held            int64 // now
	Taken           int64
	GivenBack       int64
}

// The reasons why the book rejects a call.
var (
	errNothingHeld  = errors.New("nothing_held")
	errNothingTaken = errors.New("nothing_taken")
	errTaken        = errors.New("taken")
)

type state int

const (
	asked state = iota // nothing done yet
	held
	taken
	released
	givenBack
)

type entry struct {
	Line

	state state
	tried []string // calls that must fail once, and have failed
}

// book holds the newest authorizations. Each of its methods is atomic, and none waits.
type book struct {
	mu      sync.Mutex
	most    int
	entries map[string]*entry
	order   []string // of the entries' ids: a ring once it is full
	oldest  int
}

func newBook(most int) *book {
	return &book{most: most, entries: map[string]*entry{}}
}

// hold makes a hold, and reports whether this call made it.
func (b *book) hold(l Line) (first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(l, asked)
	if e.state != asked {
		return false, nil
	}
	e.state = held
	e.Held += l.Amount.Minor
	return true, nil
}

func (b *book) take(l Line) (first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(l, held)
	switch e.state {
	case held:
		e.state, e.Held = taken, 0
		e.Taken += e.Amount.Minor
		return true, nil
	case taken, givenBack:
		return false, nil
	case asked, released:
	}
	return false, errNothingHeld
}

func (b *book) release(l Line) (first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(l, held)
	switch e.state {
	case held:
		e.state, e.Held = released, 0
		return true, nil
	case taken, givenBack:
		return false, errTaken
	case asked, released:
	}
	return false, nil
}

func (b *book) giveBack(l Line) (first bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(l, taken)
	switch e.state {
	case taken:
		e.state = givenBack
		e.GivenBack += e.Amount.Minor
		return true, nil
	case givenBack:
		return false, nil
	case asked, held, released:
	}
	return false, errNothingTaken
}

// firstTry reports whether the book remembers no earlier call of that name.
func (b *book) firstTry(l Line, name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	believed := map[string]state{"capture": held, "void": held, "refund": taken}[name]
	e := b.entry(l, believed)
	if slices.Contains(e.tried, name) {
		return false
	}
	e.tried = append(e.tried, name)
	return true
}

// entry returns an authorization. One that is not remembered is added in the state that the call expects.
func (b *book) entry(l Line, believed state) *entry {
	if e, remembered := b.entries[l.AuthorizationID]; remembered {
		return e
	}
	e := &entry{Line: l, state: believed}
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

func (b *book) lines() []Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := make([]Line, 0, len(b.order))
	for i := range b.order {
		lines = append(lines, b.entries[b.order[(b.oldest+i)%len(b.order)]].Line)
	}
	return lines
}
