package inspect_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/gateways/ledger/inspect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a ledger in memory.
type memory struct {
	mu      sync.Mutex
	entries map[string]ledger.Entry
	onFind  func(id string) // called just before an entry is looked up
	err     error
}

func (m *memory) put(r ledger.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries == nil {
		m.entries = map[string]ledger.Entry{}
	}
	m.entries[r.TransactionID] = ledger.Entry{Record: r}
}

func (m *memory) Find(_ context.Context, _ identity.Merchants, id string) (ledger.Entry, error) {
	if m.onFind != nil {
		m.onFind(id)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if entry, there := m.entries[id]; there {
		return entry, m.err
	}
	return ledger.Entry{}, cmp.Or(m.err, ledger.ErrNotFound)
}

func (m *memory) List(ctx context.Context, q ledger.Query) (ledger.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	chosen := slices.DeleteFunc(slices.Collect(maps.Values(m.entries)), func(e ledger.Entry) bool {
		start := e.Record.StartTime
		return !q.Since.IsZero() && start.Before(q.Since) || !q.Until.IsZero() && !start.Before(q.Until) ||
			q.Status != 0 && e.Record.Status() != q.Status ||
			q.Outcome != "" && (e.Record.Decision == nil || e.Record.Decision.Outcome != q.Outcome) ||
			q.After != ledger.Cursor{} && !newer(q.After, at(e))
	})
	slices.SortFunc(chosen, func(a, b ledger.Entry) int {
		if newer(at(a), at(b)) {
			return -1
		}
		return 1
	})
	page := ledger.Page{Entries: chosen[:min(q.Limit, len(chosen))]}
	if len(chosen) > q.Limit {
		page.Next = at(chosen[q.Limit-1])
	}
	return page, cmp.Or(m.err, ctx.Err())
}

func at(e ledger.Entry) ledger.Cursor {
	return ledger.Cursor{StartTime: e.Record.StartTime, TransactionID: e.Record.TransactionID}
}

func newer(a, b ledger.Cursor) bool {
	return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(a.TransactionID, b.TransactionID)) > 0
}

// temporal is a History in memory.
type temporal struct {
	mu         sync.Mutex
	records    map[string]ledger.Record
	executions map[string]inspect.Execution
	listed     []string         // in addition to executions: runs that were reset, histories that are gone
	silent     map[string]error // the errors of queries
	onAsk      func(id string)
	asking     atomic.Int32
	most       int32 // the most queries that ran at once
	err        error
}

const retention = 720 * time.Hour

func newTemporal() *temporal {
	return &temporal{records: map[string]ledger.Record{}, executions: map[string]inspect.Execution{}, silent: map[string]error{}}
}

// hold adds the workflow of a record. It is running, or completed if the record has ended.
func (h *temporal) hold(r ledger.Record) {
	x := inspect.Execution{TransactionID: r.TransactionID, State: "running", Started: r.StartTime}
	if r.EndTime != nil {
		x.State, x.Closed = "completed", *r.EndTime
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records[r.TransactionID], h.executions[r.TransactionID] = r, x
}

func (h *temporal) close(id, state string, when time.Time) {
	x := h.executions[id]
	x.State, x.Closed = state, when
	h.executions[id] = x
}

func (h *temporal) Started(ctx context.Context, span inspect.Span, each func(inspect.Execution) error) error {
	h.mu.Lock()
	listed := slices.Collect(maps.Values(h.executions))
	for _, id := range h.listed {
		listed = append(listed, inspect.Execution{TransactionID: id, Started: start})
	}
	h.mu.Unlock()
	for _, x := range listed {
		if x.Started.Before(span.Since) || !span.Until.IsZero() && !x.Started.Before(span.Until) {
			continue
		}
		if err := each(x); err != nil {
			return err
		}
	}
	return cmp.Or(h.err, ctx.Err())
}

func (h *temporal) Execution(_ context.Context, id string) (inspect.Execution, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if x, there := h.executions[id]; there {
		return x, nil
	}
	return inspect.Execution{}, inspect.ErrForgotten
}

func (h *temporal) Record(ctx context.Context, id string) (ledger.Record, error) {
	now := h.asking.Add(1)
	defer h.asking.Add(-1)
	if h.onAsk != nil {
		h.onAsk(id)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.most = max(h.most, now)
	if err := h.silent[id]; err != nil {
		return ledger.Record{}, err
	}
	if r, there := h.records[id]; there {
		return r, ctx.Err()
	}
	return ledger.Record{}, inspect.ErrForgotten
}

func (h *temporal) Retention(ctx context.Context) (time.Duration, error) { return retention, ctx.Err() }

// start is when transactions started: within the retention, whenever the tests run.
var start = time.Now().Add(-time.Hour).UTC().Truncate(time.Second).Add(123456789)

func after(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// opened returns the record of a transaction that was accepted.
func opened(id string) *ledger.Record {
	return ledger.Open(transaction.Transaction{
		ID:            id,
		Order:         transaction.Order{ID: "1234", Name: "avengers 4 spoilers book", Cost: money.Money{Minor: 12300, Currency: "INR"}},
		PaymentMethod: "amazonpay",
		Payment: transaction.Payment{
			Card: card.Details{FirstSix: "123456", LastFour: "4321", Length: 16, Brand: "unknown"}, Type: "wallet",
			Amount: money.Money{Minor: 12300, Currency: "INR"},
		},
	}, start)
}

// paying returns the record of a transaction whose money is held.
func paying(id string) *ledger.Record {
	r := opened(id)
	r.Decide(fraud.Decision{
		Outcome: fraud.Review, Score: 70, RiskLevel: fraud.ElevatedRisk, Reasons: []fraud.Reason{{Code: "AMOUNT_OVER_REVIEW_LIMIT", Message: "m"}},
		Explanation: &fraud.Explanation{Features: map[string]float64{`card.count("10m")`: 3}},
	})
	r.Move(transaction.PaymentInitiated, after(1))
	r.Payment.AuthorizationID = "auth-1"
	return r
}

// waiting returns the record of a transaction that waits for a review.
func waiting(id string) *ledger.Record {
	r := paying(id)
	r.Review = &review.Review{RequestedAt: after(2), Deadline: after(2).Add(24 * time.Hour), OnExpiry: review.Decline}
	r.Move(transaction.InReview, after(2))
	return r
}

// paid returns the record of a transaction that a person has approved.
func paid(id string) *ledger.Record {
	r := waiting(id)
	r.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada", Note: "known"}, after(60))
	r.Labels = []ledger.Label{{Label: ledger.Legitimate, Source: ledger.ByReviewer, Note: "known", Time: after(60)}}
	r.Payment.CaptureID = "capture-1"
	r.Move(transaction.PaymentComplete, after(61))
	r.Close(after(62))
	return r
}
