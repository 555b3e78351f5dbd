package api_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// memory is a ledger that can be made to fail. The real ones have a conformance suite of their own.
type memory struct {
	mu      sync.Mutex
	entries map[string]ledger.Entry
	labels  map[string][]ledger.Label
	taken   map[string]ledger.Assignment
	away    bool
	asked   ledger.Query
	reach   ledger.Cursor // what Reach returns

	askedReviews ledger.ReviewQuery
}

func newMemory(entries ...ledger.Entry) *memory {
	m := &memory{entries: map[string]ledger.Entry{}, labels: map[string][]ledger.Label{}, taken: map[string]ledger.Assignment{}}
	for _, e := range entries {
		m.save(e)
	}
	return m
}

func (m *memory) save(e ledger.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[e.Record.TransactionID] = e
}

func (m *memory) Find(_ context.Context, of identity.Merchants, id string) (ledger.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return ledger.Entry{}, errAway
	}
	e, there := m.entries[id]
	if !there || !of.Has(e.Record.Merchant) {
		return ledger.Entry{}, ledger.ErrNotFound
	}
	return m.labelled(e), nil
}

// Label keeps labels beside the entries, which are saved without them.
func (m *memory) Label(_ context.Context, of identity.Merchants, id string, l ledger.Label) (ledger.Label, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, there := m.entries[id]
	switch {
	case m.away:
		return ledger.Label{}, errAway
	case !there, !of.Has(e.Record.Merchant):
		return ledger.Label{}, ledger.ErrNotFound
	}
	all := m.labelled(e).Record.Labels
	if at := slices.IndexFunc(all, l.Same); at >= 0 {
		if l.Note == "one too many" {
			return ledger.Label{}, ledger.ErrTooManyNotes
		}
		l.Time = all[at].Time
	}
	m.labels[id] = append(slices.DeleteFunc(m.labels[id], l.Same), l)
	return l, nil
}

// labelled returns an entry with its own labels and those beside it.
func (m *memory) labelled(e ledger.Entry) ledger.Entry {
	all := slices.Clone(m.labels[e.Record.TransactionID])
	for _, l := range e.Record.Labels {
		if !slices.ContainsFunc(all, l.Same) {
			all = append(all, l)
		}
	}
	ledger.SortLabels(all)
	e.Record.Labels = all
	return e
}

func (m *memory) Reach(context.Context, ledger.Query, int) (ledger.Cursor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reach, nil
}

// List sorts and pages as the contract says, and keeps the query in asked.
func (m *memory) List(_ context.Context, q ledger.Query) (ledger.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked = q; m.away {
		return ledger.Page{}, errAway
	}
	var page ledger.Page
	for _, e := range m.entries {
		if !q.Merchants.Has(e.Record.Merchant) {
			continue
		}
		if q.Brief {
			e.Record.Explanation, e.Transaction = nil, transaction.Transaction{}
		}
		page.Entries = append(page.Entries, m.labelled(e))
	}
	slices.SortFunc(page.Entries, func(a, b ledger.Entry) int { return compare(place(b), place(a)) })
	if after := q.After; after != (ledger.Cursor{}) {
		page.Entries = slices.DeleteFunc(page.Entries, func(e ledger.Entry) bool { return compare(place(e), after) >= 0 })
	}
	page.Entries = slices.DeleteFunc(page.Entries, func(e ledger.Entry) bool { return compare(place(e), q.DownTo) < 0 })
	if len(page.Entries) > q.Limit {
		page.Entries = page.Entries[:q.Limit]
		page.Next = place(page.Entries[q.Limit-1])
	}
	for _, e := range page.Entries {
		page.Size += sizeOf(e.Record)
	}
	return page, nil
}

// waits reports whether a decision is needed about a transaction.
func waits(e ledger.Entry) bool {
	return e.Record.Status() == transaction.InReview && !e.Record.Review.Decided()
}

// Reviews lists by deadline, whatever the query says about the order.
func (m *memory) Reviews(_ context.Context, q ledger.ReviewQuery) (ledger.ReviewPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.askedReviews = q; m.away {
		return ledger.ReviewPage{}, errAway
	}
	var page ledger.ReviewPage
	for id, e := range m.entries {
		a := m.assigned(id, q.Now)
		if q.Merchants.Has(e.Record.Merchant) && waits(e) && (!q.Free || a == nil) && (q.Mine == "" || a != nil && a.Person == q.Mine) {
			page.Reviews = append(page.Reviews, ledger.InReview{Record: e.Record, Assignment: a})
		}
	}
	slices.SortFunc(page.Reviews, func(a, b ledger.InReview) int {
		return cmp.Or(a.Record.Review.Deadline.Compare(b.Record.Review.Deadline), cmp.Compare(a.Record.TransactionID, b.Record.TransactionID))
	})
	page.Reviews = slices.DeleteFunc(page.Reviews, func(r ledger.InReview) bool {
		return cmp.Or(r.Record.Review.Deadline.Compare(q.After.Deadline), cmp.Compare(r.Record.TransactionID, q.After.TransactionID)) <= 0
	})
	if len(page.Reviews) > q.Limit {
		page.Reviews = page.Reviews[:q.Limit]
		last := page.Reviews[q.Limit-1].Record
		page.Next = ledger.ReviewCursor{Deadline: last.Review.Deadline, TransactionID: last.TransactionID}
	}
	for _, r := range page.Reviews {
		page.Size += sizeOf(r.Record)
	}
	return page, nil
}

func (m *memory) assigned(id string, now time.Time) *ledger.Assignment {
	a, is := m.taken[id]
	if !is || !a.Until.After(now) {
		return nil
	}
	return &a
}

func (m *memory) Waiting(_ context.Context, of identity.Merchants) (count int, next time.Time, err error) {
	page, err := m.Reviews(context.Background(), ledger.ReviewQuery{Merchants: of, Limit: 1000, Now: time.Now()})
	if len(page.Reviews) > 0 {
		next = page.Reviews[0].Record.Review.Deadline
	}
	return len(page.Reviews), next, err
}

func (m *memory) Reviewed(_ context.Context, of identity.Merchants, since time.Time, _ int) (all []ledger.Reviewed, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if r := e.Record.Review; of.Has(e.Record.Merchant) && r != nil && r.DecidedAt != nil && !r.DecidedAt.Before(since) {
			all = append(all, ledger.Reviewed{Review: *r, Labels: m.labels[e.Record.TransactionID]})
		}
	}
	return all, nil
}

func (m *memory) Assigned(_ context.Context, _ identity.Merchants, id string, now time.Time) (*ledger.Assignment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.assigned(id, now), nil
}

func (m *memory) Assign(_ context.Context, _ identity.Merchants, id string, a ledger.Assignment, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[id]
	switch of := m.assigned(id, now); {
	case !waits(e):
		return ledger.ErrNotInReview
	case of != nil && of.Person != a.Person:
		return &ledger.TakenError{Assignment: *of}
	}
	m.taken[id] = a
	return nil
}

func (m *memory) Release(_ context.Context, _ identity.Merchants, id, person string, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if of := m.assigned(id, now); of != nil && person != "" && of.Person != person {
		return &ledger.TakenError{Assignment: *of}
	}
	delete(m.taken, id)
	return nil
}

func (m *memory) goAway(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

func sizeOf(r ledger.Record) int {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return len(text)
}

func place(e ledger.Entry) ledger.Cursor {
	return ledger.Cursor{StartTime: e.Record.StartTime.Round(time.Microsecond), TransactionID: e.Record.TransactionID}
}

func compare(a, b ledger.Cursor) int {
	return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(a.TransactionID, b.TransactionID))
}

var errAway = errors.New("the ledger is away")
