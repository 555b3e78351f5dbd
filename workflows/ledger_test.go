package workflows_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// The ledger knows a transaction from its acceptance.
func TestLedgerKnowsAcceptance(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).After(time.Minute).Return(declined, nil)
	r.publishes(1)
	var early []transaction.Status
	r.RegisterDelayedCallback(func() {
		for _, entry := range r.ledger.entries {
			early = append(early, entry.Record.TransactionStatus.Code)
		}
	}, time.Second)
	r.execute()
	require.Equal(t, []transaction.Status{transaction.Pending}, early)
	require.Equal(t, aTransaction(), r.ledger.last().Transaction)
}

// A paid transaction is written twice.
func TestLedgerWritesTwice(t *testing.T) {
	r := approvedRun(t)
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(charged, nil)
	r.execute()
	require.Len(t, r.ledger.entries, 2, "each entry costs an event: at acceptance, and at the end")
}

// A ledger that is away does not delay a payment, and gets the entries later.
func TestLedgerAway(t *testing.T) {
	r := approvedRun(t)
	tries := 0
	r.ledger.away = func() bool { tries++; return tries < tooOften }
	r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(charged, nil)
	paidMeanwhile := false
	r.RegisterDelayedCallback(func() { paidMeanwhile = r.answer.complete && len(r.ledger.entries) == 0 }, 10*time.Second)
	r.execute()
	require.True(t, paidMeanwhile)
	require.Equal(t, transaction.PaymentComplete, r.ledger.last().Record.TransactionStatus.Code)
}

// Later entries bear later marks.
func TestLedgerEntryOrder(t *testing.T) {
	r := newRun(t)
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
	r.publishes(1)
	r.execute()
	for i, entry := range r.ledger.entries[1:] {
		before := r.ledger.entries[i].Mark
		require.False(t, entry.Mark.At.Before(before.At))
		require.Greater(t, entry.Mark.Number, before.Number)
	}
}

// A status that lasts is known while it lasts.
func TestLastingStatus(t *testing.T) {
	away := errors.New("away")
	takes := func(r *run) {
		r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil)
		r.OnActivity(pay.Capture, mock.Anything, mock.Anything).Return(payment.Capture{ID: "capture_1"}, nil)
	}
	for name, test := range map[string]struct {
		decision fraud.Decision
		happens  func(r *run)
		want     transaction.Status
	}{
		"the charge is asked for again": {approved, func(r *run) {
			r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(payment.Charge{}, away).Times(tooOften - 1)
			r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(charged, nil)
		}, transaction.PaymentInitiated},
		"the release is asked for again": {approved, func(r *run) {
			r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(untakable, nil)
			r.OnActivity(pay.Void, mock.Anything, mock.Anything).Return(away).Times(tooOften - 1)
			r.OnActivity(pay.Void, mock.Anything, mock.Anything).Return(nil)
		}, transaction.PaymentError},
		"the alert is published again": {declined, func(r *run) {
			r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(away).Times(2)
			r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(nil)
		}, transaction.AlertInitiated},
		"it was approved while the request to review is published again": {reviewed, func(r *run) {
			takes(r)
			r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(away).Times(tooOften - 1)
			r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(nil)
			r.RegisterDelayedCallback(func() {
				r.UpdateWorkflow(workflows.ReviewUpdate, "", &answer{}, review.Request{Verdict: review.Approve, Reviewer: "ada"})
			}, 1100*time.Millisecond)
		}, transaction.PaymentComplete},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t)
			r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(test.decision, nil)
			test.happens(r)
			var known, stands transaction.Status
			r.RegisterDelayedCallback(func() { r.SignalWorkflow(workflows.LastingSignal, nil) }, time.Second)
			r.RegisterDelayedCallback(func() {
				known, stands = r.ledger.last().Record.TransactionStatus.Code, r.record().TransactionStatus.Code
			}, 1400*time.Millisecond)
			r.execute()
			require.Equal(t, test.want, stands)
			require.Equal(t, stands, known)
		})
	}
}

// Money that was given back is known while the alert is late.
func TestLedgerKnowsRelease(t *testing.T) {
	r := reviewedRun(t)
	away := errors.New("away")
	r.OnActivity(pay.Void, mock.Anything, voidOfHeld).Return(away).Times(3) // until 3.5 s after the verdict
	r.voids()
	r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(func(_ context.Context, e alert.Event) error {
		if e.Type == alert.FraudDetected && r.ledger.last().Record.Payment.VoidedAt == nil {
			return away
		}
		return nil
	})
	r.reviews(time.Hour, graceDeclines)
	r.RegisterDelayedCallback(func() { r.SignalWorkflow(workflows.LastingSignal, nil) }, time.Hour+time.Second)
	r.execute()
	require.NoError(t, r.GetWorkflowError())
	require.Equal(t, []transaction.Status{11, 16, 19, 12, 13, 14, 15}, r.steps())
}

// An activity reports once that it lasts.
func TestActivityReportsRetryOnce(t *testing.T) {
	for name, test := range map[string]struct {
		plan []fault
		told int
	}{
		"at once":         {nil, 0},
		"the second try":  {[]fault{temporary}, 1},
		"the seventh try": {[]fault{temporary, lost, temporary, lost, temporary, late}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := approvedRun(t)
			var told atomic.Int32
			lasting := func(context.Context) error { told.Add(1); return nil }
			gateway := newBank("amazonpay", map[string][]fault{"authorize": test.plan})
			r.RegisterActivity(&activities.Payment{Gateways: payment.NewRegistry(gateway, nil), Lasting: lasting})
			r.execute()
			require.EqualValues(t, test.told, told.Load())
		})
	}
}
