package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/gateways/ledger/inspect"
)

// verify compares, and returns the lines of the findings.
func verify(t *testing.T, store *memory, history *temporal) (lines []string, counts inspect.Counts, err error) {
	t.Helper()
	v := &inspect.Verifier{
		Ledger: store, History: history, Workers: 4,
		Found: func(f inspect.Finding) { lines = append(lines, f.String()) },
	}
	counts, err = v.Run(t.Context())
	slices.Sort(lines)
	return lines, counts, err
}

// A ledger that says what the histories say is right.
func TestVerifyEqual(t *testing.T) {
	store, history := &memory{}, newTemporal()
	for i := range 1200 { // more than two pages
		r := paid(fmt.Sprintf("paid-%04d", i))
		store.put(*r)
		history.hold(*r)
	}
	lines, counts, err := verify(t, store, history)
	require.NoError(t, err)
	require.Empty(t, lines)
	require.Equal(t, inspect.Counts{Compared: 1200, Equal: 1200}, counts)
	require.LessOrEqual(t, history.most, int32(4), "queries at once")
}

// disagreements holds one of each kind, and its expected line.
var disagreements = []struct {
	id   string
	put  func(id string, store *memory, history *temporal)
	line string
}{
	{"status", both(func(r *ledger.Record) {
		r.Move(transaction.PaymentError, after(61))
		r.Steps = append(r.Steps[:3], r.Steps[4])
	}), `status differs: message: ledger says "Transaction Payment Failed", history says "Transaction Successful"; ` +
		`steps[3].code: ledger says 17, history says 18; ` +
		`steps[3].status: ledger says "TRANSACTION_PAYMENT_ERROR", history says "TRANSACTION_PAYMENT_COMPLETE"; ` +
		`transactionStatus.code: ledger says 17, history says 18; ` +
		`transactionStatus.status: ledger says "TRANSACTION_PAYMENT_ERROR", history says "TRANSACTION_PAYMENT_COMPLETE"`},
	{"step", both(func(r *ledger.Record) { r.Steps[1].Time = r.Steps[1].Time.Add(1) }), "step differs: steps[1].time: ledger says %1+1, history says %1"},
	{"decision", both(func(r *ledger.Record) { r.Decision = nil }), "decision differs: " +
		`decision.outcome: ledger says nothing, history says "review"; decision.reasons[0].code: ledger says nothing, history says ` +
		`"AMOUNT_OVER_REVIEW_LIMIT"; decision.reasons[0].message: ledger says nothing, history says "m"; decision.riskLevel: ledger says ` +
		`nothing, history says "elevated"; decision.ruleset.version: ledger says nothing, history says 0; ` +
		`decision.score: ledger says nothing, history says 70`},
	{"score", both(func(r *ledger.Record) { d := *r.Decision; d.Score++; r.Decision = &d }), "score differs: decision.score: ledger says 71, history says 70"},
	{"capture", both(func(r *ledger.Record) { r.Payment.CaptureID = "" }), `capture differs: payment.captureID: ledger says nothing, history says "capture-1"`},
	{"amount", both(func(r *ledger.Record) { r.Payment.Amount = "123.0" }), "amount differs: payment.amount: ledger says 123.0, history says 123.00"},
	{"reviewer", both(func(r *ledger.Record) { v := *r.Review; v.Reviewer = "bob"; r.Review = &v }), `reviewer differs: review.reviewer: ledger says "bob", history says "ada"`},
	{"label", both(func(r *ledger.Record) {
		r.Labels = []ledger.Label{{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Note: "known", Time: after(60)}}
	}), `label differs: labels[0].label: ledger says nothing, history says "legitimate"; labels[0].note: ledger says nothing, ` +
		`history says "known"; labels[0].source: ledger says nothing, history says "reviewer"; labels[0].time: ledger says nothing, history says %60`},
	{"explanation", both(func(r *ledger.Record) { r.Explanation.Features["card.count(\"10m\")"] = 4 }), `explanation differs: explanation.features.card.count("10m"): ledger says 4, history says 3`},
	{"late", both(func(r *ledger.Record) { r.EndTime = nil }), "late differs: endTime: ledger says nothing, history says %62"},
	{"ahead", func(id string, store *memory, history *temporal) {
		store.put(*waiting(id))
		history.hold(*paying(id))
	}, "ahead ahead: review.deadline: ledger says %86402, history says nothing; review.onExpiry: ledger says \"decline\", history says nothing; review.requestedAt: ledger says %2, history says nothing; " +
		"steps[2].code: ledger says 19, history says nothing; " +
		`steps[2].status: ledger says "TRANSACTION_IN_REVIEW", history says nothing; steps[2].time: ledger says %2, history says nothing`},
	{"elsewhere", func(id string, store *memory, history *temporal) {
		r := paying(id)
		r.TransactionStatus.Code = transaction.InReview
		store.put(*r)
		history.hold(*paying(id))
	}, "elsewhere ahead: transactionStatus.code: ledger says 19, history says 16"},
	{"unrecorded", func(id string, _ *memory, history *temporal) {
		history.hold(*paid(id))
		history.listed = append(history.listed, id, id) // two more runs of a workflow that was reset
	}, "unrecorded unrecorded: the ledger has no record, the history says completed at #62"},
	{
		"unrecorded-running", func(id string, _ *memory, history *temporal) { history.hold(*waiting(id)) },
		"unrecorded-running unrecorded: the ledger has no record, the history says running since #0",
	},
	{
		"unknown", func(id string, store *memory, _ *temporal) { store.put(*paid(id)) },
		"unknown unknown: ledger says it ended at #62; Temporal holds no history of it, and keeps them for 720h0m0s",
	},
	{"unknown-running", func(id string, store *memory, _ *temporal) {
		r := waiting(id)
		r.StartTime = r.StartTime.Add(-2 * retention)
		store.put(*r)
	}, "unknown-running unknown: ledger says TRANSACTION_IN_REVIEW, since #2, and not ended; Temporal holds no history of it"},
	{"terminated", func(id string, store *memory, history *temporal) {
		store.put(*waiting(id))
		history.hold(*waiting(id))
		history.close(id, "terminated", after(99))
	}, "terminated unfinished: its workflow terminated at #99 before the transaction had ended; ledger says TRANSACTION_IN_REVIEW, since #2"},
	{"failed", func(id string, store *memory, history *temporal) {
		store.put(*opened(id))
		history.hold(*paying(id))
		history.close(id, "failed", after(99))
	}, "failed unfinished: its workflow failed at #99 before the transaction had ended; ledger says TRANSACTION_PENDING, since #0"},
}

// both returns a setup with an ended workflow and an entry that spoil has changed.
func both(spoil func(*ledger.Record)) func(string, *memory, *temporal) {
	return func(id string, store *memory, history *temporal) {
		history.hold(*paid(id))
		r := paid(id)
		spoil(r)
		store.put(*r)
	}
}

// withTimes puts times into a line: %62 is 62 seconds after the start in the format of JSON, #62 in that for people.
func withTimes(line string) string {
	for _, s := range []int{86402, 99, 62, 61, 60, 2, 1, 0} {
		line = strings.ReplaceAll(line, fmt.Sprintf("%%%d+1", s), `"`+after(s).Add(1).Format(time.RFC3339Nano)+`"`)
		line = strings.ReplaceAll(line, fmt.Sprintf("%%%d", s), `"`+after(s).Format(time.RFC3339Nano)+`"`)
		line = strings.ReplaceAll(line, fmt.Sprintf("#%d", s), after(s).Format(time.RFC3339))
	}
	return line
}

// Every disagreement is reported once.
func TestVerifyDisagreements(t *testing.T) {
	store, history := &memory{}, newTemporal()
	var want []string
	for _, d := range disagreements {
		d.put(d.id, store, history)
		want = append(want, withTimes(d.line))
	}
	right := paid("right")
	store.put(*right)
	history.hold(*right)
	slices.Sort(want)
	lines, counts, err := verify(t, store, history)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(want, lines), "lines (-want +got)")
	require.Equal(t, inspect.Counts{Compared: len(disagreements) + 1, Equal: 1, Disagreeing: len(disagreements)}, counts)
}

func TestVerifyNoDisagreement(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(id string, store *memory, history *temporal)
		want inspect.Counts
	}{
		"a running workflow that knows more": {func(id string, store *memory, history *temporal) {
			store.put(*opened(id))
			history.hold(*waiting(id))
		}, inspect.Counts{Compared: 1, Running: 1}},
		"a running workflow whose review was decided since": {func(id string, store *memory, history *temporal) {
			store.put(*waiting(id))
			r := waiting(id)
			r.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, after(60))
			history.hold(*r)
		}, inspect.Counts{Compared: 1, Running: 1}},
		"a running workflow whose fraud check was asked again since": {func(id string, store *memory, history *temporal) {
			r, again := waiting(id), waiting(id)
			r.Review.Recheck = &fraud.Decision{Outcome: fraud.Review, Score: 80}
			again.Review.Recheck = &fraud.Decision{Outcome: fraud.Decline, Score: 90}
			store.put(*r)
			history.hold(*again)
		}, inspect.Counts{Compared: 1, Running: 1}},
		"labels that were posted": {both(func(r *ledger.Record) {
			r.Labels = append([]ledger.Label{{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: after(0)}}, r.Labels...)
			r.Labels = append(r.Labels, ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Time: after(90)})
		}), inspect.Counts{Compared: 1, Equal: 1}},
		"a reviewer's label that was posted before the review gave it": {both(func(r *ledger.Record) {
			r.Labels[0].Note, r.Labels[0].Time = "known for years", r.Labels[0].Time.Add(-time.Hour)
		}), inspect.Counts{Compared: 1, Equal: 1}},
		"a label that was posted while the workflow runs": {func(id string, store *memory, history *temporal) {
			r := waiting(id)
			r.Labels = []ledger.Label{{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Time: after(3)}}
			store.put(*r)
			history.hold(*waiting(id))
		}, inspect.Counts{Compared: 1, Running: 1}},
		"a time in another zone": {both(func(r *ledger.Record) {
			r.StartTime = r.StartTime.In(time.FixedZone("IST", 5*60*60+30*60))
		}), inspect.Counts{Compared: 1, Equal: 1}},
		"an empty list for none": {both(func(r *ledger.Record) { r.Metadata = map[string]string{} }), inspect.Counts{Compared: 1, Equal: 1}},
		"a cancelled workflow that has seen its transaction to the end": {func(id string, store *memory, history *temporal) {
			store.put(*paid(id))
			history.hold(*paid(id))
			history.close(id, "cancelled", after(62))
		}, inspect.Counts{Compared: 1, Equal: 1}},
		"a history past its retention": {func(id string, store *memory, _ *temporal) {
			r := paid(id)
			r.Close(r.StartTime.Add(-retention))
			store.put(*r)
		}, inspect.Counts{Compared: 1, PastRetention: 1}},
		"a list that is older than Temporal's last clean-up": {func(id string, _ *memory, history *temporal) {
			history.listed = append(history.listed, id)
		}, inspect.Counts{}},
	} {
		t.Run(name, func(t *testing.T) {
			store, history := &memory{}, newTemporal()
			c.put("1", store, history)
			lines, counts, err := verify(t, store, history)
			require.NoError(t, err)
			require.Empty(t, lines)
			require.Equal(t, c.want, counts)
		})
	}
}

// A ledger that catches up within the grace is right.
func TestVerifyCatchesUp(t *testing.T) {
	store, history := &memory{}, newTemporal()
	store.put(*waiting("late"))
	for _, id := range []string{"late", "new"} {
		history.hold(*paid(id))
	}
	var looks atomic.Int32
	store.onFind = func(id string) {
		if looks.Add(1) > 3 { // one look from the ledger, and two from the list
			store.put(*paid(id))
		}
	}
	lines, counts, err := verify(t, store, history)
	require.NoError(t, err)
	require.Empty(t, lines)
	require.Equal(t, inspect.Counts{Compared: 2, Equal: 2}, counts)
}

// A workflow that ends while it is compared is read again. The workflow still runs when its record is asked for, and
// has ended when its execution is looked up.
func TestVerifyWorkflowEnds(t *testing.T) {
	store, history := &memory{}, newTemporal()
	store.put(*waiting("1"))
	history.hold(*waiting("1"))
	history.close("1", "completed", after(62))
	asked := 0
	history.onAsk = func(string) {
		if asked++; asked == 2 {
			history.hold(*paid("1"))
			store.put(*paid("1"))
		}
	}
	lines, counts, err := verify(t, store, history)
	require.NoError(t, err)
	require.Empty(t, lines)
	require.Equal(t, inspect.Counts{Compared: 1, Equal: 1}, counts)
}

// A workflow that does not answer is reported, and the others are compared.
func TestVerifySilentWorkflow(t *testing.T) {
	store, history := &memory{}, newTemporal()
	for _, id := range []string{"1", "2", "3"} {
		store.put(*paid(id))
		history.hold(*paid(id))
	}
	history.silent["2"] = fmt.Errorf("%w: it panicked", inspect.ErrUnanswered)
	lines, counts, err := verify(t, store, history)
	require.NoError(t, err)
	require.Equal(t, []string{"2 unanswered: no orders worker answered for the workflow: it panicked"}, lines)
	require.Equal(t, inspect.Counts{Compared: 3, Equal: 2, Unanswered: 1}, counts)
}

// Stuck workflows must not make the comparison believe that no worker runs, as long as other workflows answer in
// between.
func TestVerifyManySilentWorkflows(t *testing.T) {
	store, history := &memory{}, newTemporal()
	for i := range 20 {
		r := paid(fmt.Sprintf("%04d", i))
		store.put(*r)
		history.hold(*r)
		if i%2 == 0 {
			history.silent[r.TransactionID] = inspect.ErrUnanswered
		}
	}
	reports := 0
	v := &inspect.Verifier{Ledger: store, History: history, Workers: 1, Found: func(inspect.Finding) { reports++ }}
	counts, err := v.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, inspect.Counts{Compared: 20, Equal: 10, Unanswered: 10}, counts)
	require.Equal(t, 10, reports)
}

// Where no workflow answers, the comparison ends and says what it needs.
func TestVerifyNoWorker(t *testing.T) {
	store, history := &memory{}, newTemporal()
	for i := range 1000 {
		r := paid(fmt.Sprintf("%04d", i))
		store.put(*r)
		history.hold(*r)
		history.silent[r.TransactionID] = inspect.ErrUnanswered
	}
	asked := atomic.Int32{}
	history.onAsk = func(string) { asked.Add(1) }
	_, counts, err := verify(t, store, history)
	require.ErrorIs(t, err, inspect.ErrNoWorker)
	require.ErrorContains(t, err, "`orders worker`")
	require.Zero(t, counts.Compared)
	require.Less(t, asked.Load(), int32(100), "each takes the patience of a query")
}

// A failure of either side ends the comparison.
func TestVerifyFailure(t *testing.T) {
	away := errors.New("the database is away")
	store, history := &memory{err: away}, newTemporal()
	_, _, err := verify(t, store, history)
	require.ErrorIs(t, err, away)

	store, history = &memory{}, newTemporal()
	history.err = away
	_, _, err = verify(t, store, history)
	require.ErrorIs(t, err, away)

	store, history = &memory{}, newTemporal()
	store.put(*paid("1"))
	history.silent["1"] = away
	_, _, err = verify(t, store, history)
	require.ErrorIs(t, err, away)
	require.ErrorContains(t, err, "transaction 1:")
}

// A comparison that is stopped says how far it got.
func TestVerifyStopped(t *testing.T) {
	store, history := &memory{}, newTemporal()
	for i := range 100 {
		r := paid(fmt.Sprintf("%04d", i))
		store.put(*r)
		history.hold(*r)
	}
	ctx, stop := context.WithCancel(t.Context())
	asked := atomic.Int32{}
	history.onAsk = func(string) {
		if asked.Add(1) == 50 {
			stop()
		}
	}
	counts, err := (&inspect.Verifier{Ledger: store, History: history, Workers: 1, Found: func(inspect.Finding) {}}).Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Positive(t, counts.Equal)
	require.Less(t, counts.Equal, 100)
}

// The grace is waited for once, and ends with the context.
func TestVerifyGrace(t *testing.T) {
	store, history := &memory{}, newTemporal()
	history.hold(*paid("1"))
	ctx, stop := context.WithCancel(t.Context())
	v := &inspect.Verifier{
		Ledger: store, History: history, Workers: 4, Grace: time.Hour, Every: time.Millisecond,
		Found: func(f inspect.Finding) { t.Errorf("told before the grace is over: %s", f) },
		Progress: func(n inspect.Counts, suspected int) {
			if n == (inspect.Counts{}) && suspected == 1 {
				stop()
			}
		},
	}
	_, err := v.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// Only what started in the span is compared.
func TestVerifySpan(t *testing.T) {
	store, history := &memory{}, newTemporal()
	for _, id := range []string{"0", "10", "20"} {
		var seconds int
		_, _ = fmt.Sscan(id, &seconds)
		r := paid(id)
		r.StartTime = after(seconds)
		store.put(*r)
		r.Payment.CaptureID = "another"
		history.hold(*r)
		r.TransactionID = "unrecorded-" + id
		history.hold(*r)
	}
	var ids []string
	v := &inspect.Verifier{
		Ledger: store, History: history, Workers: 4, Span: inspect.Span{Since: after(10), Until: after(20)},
		Found: func(f inspect.Finding) { ids = append(ids, f.TransactionID) },
	}
	_, err := v.Run(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"10", "unrecorded-10"}, ids)
}

func TestCountsString(t *testing.T) {
	require.Equal(t, "7 compared: 1 equal, 2 running, 3 past retention, 1 disagreeing",
		inspect.Counts{Compared: 7, Equal: 1, Running: 2, PastRetention: 3, Disagreeing: 1}.String())
	require.Equal(t, "1 compared: 0 equal, 0 running, 0 past retention, 0 disagreeing, 1 unanswered",
		inspect.Counts{Compared: 1, Unanswered: 1}.String())
}
