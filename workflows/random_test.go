package workflows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// transactions is how many random transactions the property is tested with.
const transactions = 2000

// story holds what happens to one transaction.
type story struct {
	decisions []fraud.Decision // of the first check and of the repeated one
	bank      *bank
	charges   bool   // whether the bank takes money in one call
	older     []bool // whether a try of a charge is by an older worker, which cannot ask so
	reviews   []review.Request
	second    bool // whether a second person has to agree
	cancel    bool
	broker    []bool // whether a publish fails; none once they are used up
	ledger    []bool // the same for the ledger
	moments   []time.Duration
}

func anyStory(t *rapid.T) story {
	decision := rapid.SampledFrom([]fraud.Decision{approved, reviewed, declined, fraud.Undecided("nobody")})
	// The test environment makes at most ten attempts; a longer row of faults counts as a deadline.
	trouble := rapid.OneOf(
		rapid.SliceOfN(rapid.SampledFrom(faults), 0, tooOften),
		rapid.SliceOfN(rapid.SampledFrom([]fault{temporary, lost, late, belated}), tooOften, tooOften*3/2),
	)
	steady := rapid.SliceOfN(rapid.SampledFrom(faults), 0, tooOften/2)
	outage := rapid.SliceOfN(rapid.Bool(), 0, tooOften/2)
	verdict := rapid.Custom(func(t *rapid.T) review.Request {
		return review.Request{
			Verdict:  rapid.SampledFrom([]review.Verdict{review.Approve, review.Decline}).Draw(t, "verdict"),
			Reviewer: rapid.SampledFrom([]string{"ada", "grace"}).Draw(t, "reviewer"),
			Confirm:  rapid.Bool().Draw(t, "confirm"),
		}
	})
	// Most of it happens within the first seconds; a review waits for hours.
	moment := rapid.OneOf(rapid.Int64Range(0, 10_000), rapid.Int64Range(0, 30*3600*1000))
	s := story{
		decisions: rapid.SliceOfN(decision, 2, 6).Draw(t, "decisions"),
		bank: newBank("amazonpay", map[string][]fault{
			"authorize": trouble.Draw(t, "authorize"),
			"capture":   trouble.Draw(t, "capture"),
			"void":      steady.Draw(t, "void"),
			"refund":    steady.Draw(t, "refund"),
		}),
		reviews: rapid.SliceOfN(verdict, 0, 4).Draw(t, "reviews"),
		second:  rapid.Bool().Draw(t, "second"),
		cancel:  rapid.Bool().Draw(t, "cancel"),
		broker:  outage.Draw(t, "broker"),
		ledger:  outage.Draw(t, "ledger"),
	}
	for range len(s.reviews) + 1 {
		s.moments = append(s.moments, time.Duration(moment.Draw(t, "moment"))*time.Millisecond)
	}
	s.charges = rapid.Bool().Draw(t, "charges")
	s.older = outage.Draw(t, "older")
	return s
}

// play runs a transaction through its story, and returns the alerts that were published.
func (s *story) play(t testing.TB) (*run, []alert.Event) {
	r := newBareRun(t)
	r.ledger.away = failing(&s.ledger)
	if s.second {
		r.orders.ReviewSecondFrom = []money.Money{{Minor: 1, Currency: aTransaction().Payment.Amount.Currency}}
	}
	var mu sync.Mutex
	var events []alert.Event
	brokerAway := failing(&s.broker)
	r.RegisterActivity(&activities.Fraud{Detector: s})
	older := payment.NewRegistry(s.bank, nil)
	gateways := older
	if s.charges {
		gateways = payment.NewRegistry(charger{s.bank}, nil)
	}
	r.orders.Gateways = gateways
	r.RegisterActivity(&payers{&activities.Payment{Gateways: gateways}, &activities.Payment{Gateways: older}, failing(&s.older)})
	r.RegisterActivity(&activities.Alerts{Publisher: publisher(func(e alert.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if brokerAway() {
			return errors.New("broker away")
		}
		events = append(events, e)
		return nil
	})})
	for i, q := range s.reviews {
		r.RegisterDelayedCallback(func() { r.UpdateWorkflow(workflows.ReviewUpdate, "", &answer{}, q) }, s.moments[i])
	}
	if s.cancel {
		r.RegisterDelayedCallback(r.CancelWorkflow, s.moments[len(s.reviews)])
	}
	r.execute()
	mu.Lock()
	defer mu.Unlock()
	return r, events
}

// payers are workers of two versions: the next charge is tried by the older one if old says so.
type payers struct {
	*activities.Payment

	older *activities.Payment
	old   func() bool
}

// Charge asks the bank in one call, or as before.
func (p *payers) Charge(ctx context.Context, r payment.ChargeRequest) (payment.Charge, error) {
	if p.old() {
		return p.older.Charge(ctx, r)
	}
	return p.Payment.Charge(ctx, r)
}

// Detect lets the story be its own fraud check.
func (s *story) Detect(context.Context, fraud.Check) (fraud.Decision, error) {
	decision := s.decisions[0]
	if len(s.decisions) > 1 {
		s.decisions = s.decisions[1:]
	}
	return decision, nil
}

type publisher func(alert.Event) error

func (p publisher) Publish(_ context.Context, e alert.Event) error { return p(e) }

// failing returns a function that takes one entry of the plan at each call.
func failing(plan *[]bool) func() bool {
	return func() bool {
		if len(*plan) == 0 {
			return false
		}
		fails := (*plan)[0]
		*plan = (*plan)[1:]
		return fails
	}
}

// TestMoneyIsTakenOnceOrGivenBack tests the promise of the saga, with any number of failures at every step.
func TestMoneyIsTakenOnceOrGivenBack(t *testing.T) {
	for range transactions / 100 {
		rapid.Check(t, func(rt *rapid.T) {
			s := anyStory(rt)
			r, events := s.play(t)
			record, b := r.record(), s.bank
			completed := record.TransactionStatus.Code == transaction.PaymentComplete
			refusedForGood := record.Payment.StillHeld != ""
			if kept := b.taken-b.givenBack > 0; kept != completed && !refusedForGood {
				rt.Fatalf("money taken %d, given back %d, and the transaction is %s", b.taken, b.givenBack, record.TransactionStatus.Status)
			}
			for _, do := range b.later { // a gateway that is slow enough does it after the end
				do()
			}
			if b.held != 0 && !refusedForGood {
				rt.Fatalf("%d holds are open at the end", b.held)
			}
			require.LessOrEqual(rt, b.taken, 1)
			require.LessOrEqual(rt, b.givenBack, 1)
			require.Equal(rt, published(events, alert.CompensationFailed), refusedForGood, "still held: %q, and the alerts are %v", record.Payment.StillHeld, types(events))
			if v := record.Review; v != nil && v.Verdict == review.Approve && s.second && (v.First == nil || v.First.Reviewer == v.Reviewer) {
				rt.Fatalf("approved by one person: %s", v.By())
			}
			if refusedForGood && !b.refused {
				rt.Fatalf("the bank gives back what it is asked to, and the record says: %s", record.Payment.StillHeld)
			}
			if refusedForGood && r.GetWorkflowError() == nil {
				rt.Fatal("money could not be given back, and the workflow does not show it")
			}
			if stopped := record.TransactionStatus.Code == transaction.AlertDone; stopped != (published(events, alert.FraudDetected) ||
				published(events, alert.ReviewExpired) && record.Review.Verdict == review.Decline) {
				rt.Fatalf("%s, and the alerts are %v", record.TransactionStatus.Status, types(events))
			}
		})
	}
}

func published(events []alert.Event, kind alert.Type) bool {
	for _, e := range events {
		if e.Type == kind {
			return true
		}
	}
	return false
}

// TestStoriesReachEveryEnd makes sure that the property above is tested with stories of every ending.
func TestStoriesReachEveryEnd(t *testing.T) {
	counts := map[string]int{
		transaction.AlertDone.String(): 0, transaction.PaymentComplete.String(): 0, transaction.PaymentError.String(): 0,
	}
	for i := range transactions {
		s := rapid.Custom(anyStory).Example(i)
		r, events := s.play(t)
		record := r.record()
		counts[record.TransactionStatus.Status]++
		counts["charged in one call"] += s.bank.charged
		counts["voided"] += count(record.Payment.VoidedAt != nil)
		counts["refunded"] += count(record.Payment.RefundID != "")
		counts["still held"] += count(record.Payment.StillHeld != "")
		counts["unanswered"] += count(record.Payment.Error == "the payment gateway gave no answer in time")
		counts["reminded"] += count(published(events, alert.ReviewReminder))
		counts["expired"] += count(record.Review != nil && record.Review.Expired)
		counts["approved by a person"] += count(record.Review != nil && record.Review.Verdict == review.Approve)
		counts["approved by two"] += count(record.Review != nil && record.Review.Verdict == review.Approve && record.Review.First != nil)
		counts["waited for a second in vain"] += count(record.Review != nil && record.Review.Verdict != review.Approve && record.Review.First != nil)
		counts["declined by a person"] += count(record.Review != nil && record.Review.Verdict == review.Decline && !record.Review.Expired)
		counts["cancelled"] += count(record.Payment.Error == "cancelled")
	}
	t.Log(counts)
	for what, times := range counts {
		require.GreaterOrEqual(t, times, 3, what)
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
