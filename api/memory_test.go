package api_test

import (
	"cmp"
	"context"
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
	away    bool
	asked   ledger.Query
}

func newMemory(entries ...ledger.Entry) *memory {
	m := &memory{entries: map[string]ledger.Entry{}, labels: map[string][]ledger.Label{}}
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
	if len(page.Entries) > q.Limit {
		page.Entries = page.Entries[:q.Limit]
		page.Next = place(page.Entries[q.Limit-1])
	}
	return page, nil
}

func (m *memory) goAway(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

func place(e ledger.Entry) ledger.Cursor {
	return ledger.Cursor{StartTime: e.Record.StartTime.Round(time.Microsecond), TransactionID: e.Record.TransactionID}
}

func compare(a, b ledger.Cursor) int {
	return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(a.TransactionID, b.TransactionID))
}

var errAway = errors.New("the ledger is away")
