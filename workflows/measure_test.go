package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/payment"
	"dummyorders/domain/review"
	"dummyorders/internal/telemetrytest"
	"dummyorders/workflows"
)

// A transaction is counted once at its end, and its answer is measured once: when it is settled, or its review begins.
func TestTransactionMetrics(t *testing.T) {
	for name, test := range map[string]struct {
		decision         fraud.Decision
		answered, status string
		gateway          string
		during           func(*run)
	}{
		"approved": {approved, "TRANSACTION_PAYMENT_COMPLETE", "TRANSACTION_PAYMENT_COMPLETE", "amazonpay", func(r *run) {
			r.OnActivity(pay.Charge, mock.Anything, mock.Anything).Return(charged, nil)
		}},
		"declined": {declined, "TRANSACTION_ALERT_INITIATED", "TRANSACTION_ALERT_DONE", "none", func(r *run) { r.publishes(1) }},
		"reviewed": {reviewed, "TRANSACTION_IN_REVIEW", "TRANSACTION_ALERT_DONE", "amazonpay", func(r *run) {
			r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil)
			r.OnActivity(pay.Void, mock.Anything, mock.Anything).Return(nil)
			r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ended := telemetrytest.Gained(t, "orders_transactions_total", "status", test.status, "outcome", string(test.decision.Outcome),
				"gateway", test.gateway, "payment_method", "other")
			all, lasted := telemetrytest.Gained(t, "orders_transactions_total"), telemetrytest.Gained(t, "orders_transaction_duration_seconds", "status", test.status)
			answered := telemetrytest.Gained(t, "orders_transaction_answer_seconds", "status", test.answered)
			answers := telemetrytest.Gained(t, "orders_transaction_answer_seconds")
			r := newRun(t)
			r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(test.decision, nil)
			test.during(r)
			r.execute()
			require.NoError(t, r.GetWorkflowError())
			for _, one := range []func() float64{ended, all, lasted, answered, answers} {
				assert.InDelta(t, 1, one(), 0)
			}
		})
	}
}

// Payment methods of callers' own making are one series.
func TestPaymentMethodMetric(t *testing.T) {
	r := newRun(t)
	r.orders.Gateways = payment.NewRegistry(newBank("x", nil), map[string]payment.Gateway{"amazonpay": newBank("amazonpay", nil)})
	r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
	r.publishes(1)
	named := telemetrytest.Gained(t, "orders_transactions_total", "payment_method", "amazonpay")
	r.execute()
	assert.InDelta(t, 1, named(), 0)
	for _, method := range []string{"4716190207394368", "cowries"} {
		r := newRun(t)
		r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(declined, nil)
		r.publishes(1)
		posted := aTransaction()
		posted.PaymentMethod = method
		r.ExecuteWorkflow("ProcessTransaction", posted)
		require.NoError(t, r.GetWorkflowError())
		assert.Zero(t, telemetrytest.Value(t, "orders_transactions_total", "payment_method", method))
	}
}

// Money that a gateway refuses to give back is counted by what it refused.
func TestCompensationMetric(t *testing.T) {
	refused := temporal.NewNonRetryableApplicationError("no such hold", activities.PaymentDeclined, nil)
	taken := temporal.NewNonRetryableApplicationError("taken", activities.PaymentCaptured, nil)
	for step, expect := range map[string]func(*run){
		"void": func(r *run) { r.OnActivity(pay.Void, mock.Anything, mock.Anything).Return(refused) },
		"refund": func(r *run) {
			r.OnActivity(pay.Void, mock.Anything, mock.Anything).Return(taken)
			r.OnActivity(pay.Refund, mock.Anything, mock.Anything).Return(payment.Refund{}, refused)
		},
	} {
		t.Run(step, func(t *testing.T) {
			more, all := telemetrytest.Gained(t, "orders_compensations_failed_total", "step", step), telemetrytest.Gained(t, "orders_compensations_failed_total")
			r := newRun(t)
			r.OnActivity(fraudPolice.CheckFraud, mock.Anything, mock.Anything).Return(reviewed, nil)
			r.OnActivity(pay.Authorize, mock.Anything, mock.Anything).Return(held, nil)
			r.OnActivity(alerts.PublishAlert, mock.Anything, mock.Anything).Return(nil)
			r.orders.ReviewOnExpiry = review.Decline
			expect(r)
			r.execute()
			require.Error(t, r.GetWorkflowError())
			assert.InDelta(t, 1, more(), 0)
			assert.InDelta(t, 1, all(), 0)
		})
	}
}

// An alert is measured once, when the first target has it, and counted if its last step is not acknowledged.
func TestAlertMetrics(t *testing.T) {
	delivered, expired := telemetrytest.Gained(t, "orders_alert_delivered_seconds"), telemetrytest.Gained(t, "orders_alerts_expired_total")
	d := newDelivery(t)
	asking := toTell(ada, grace)
	asking.Steps[0].Within = 10 * time.Minute
	d.execute(asking)
	require.Error(t, d.GetWorkflowError())
	assert.InDelta(t, 1, delivered(), 0)
	assert.InDelta(t, 1, expired(), 0)

	d = newDelivery(t)
	log := d.execute(toTell(ada))
	require.NoError(t, d.GetWorkflowError())
	require.Equal(t, alert.Delivered, log.Chains[0].Steps[0].Deliveries[0].State)
	assert.InDelta(t, 2, delivered(), 0)
	assert.InDelta(t, 1, expired(), 0)
}

// Only alerts that are sent immediately are measured.
func TestDeliveredMetric(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(*workflows.DeliverAlertInput)
		memo     map[string]any
		measured float64
	}{
		"at once":              {measured: 1},
		"a reminder":           {change: func(d *workflows.DeliverAlertInput) { d.Event.Type = alert.ReviewReminder }, measured: 1},
		"a digest":             {change: func(d *workflows.DeliverAlertInput) { d.Digest, d.DigestID = digestOf(d.Event), "digest-1" }},
		"alone after a window": {change: func(d *workflows.DeliverAlertInput) { d.DigestID = "digest-1" }},
		"an alarm": {change: func(d *workflows.DeliverAlertInput) {
			d.Event = alert.Sample(alert.AlarmFiring, "alarm-1", d.Event.Time)
		}},
		"sent again": {memo: map[string]any{workflows.ResendingMemo: alert.Resending{Of: "event-1", Number: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			delivered := telemetrytest.Gained(t, "orders_alert_delivered_seconds")
			d := newDelivery(t)
			require.NoError(t, d.SetMemoOnStart(test.memo))
			input := workflows.DeliverAlertInput{Event: d.event, Assignments: []alert.Assignment{toTell(ada)}}
			if test.change != nil {
				test.change(&input)
			}
			d.ExecuteWorkflow(workflows.DeliverAlertType, input)
			require.NoError(t, d.GetWorkflowError())
			require.Equal(t, alert.Delivered, d.log().Chains[0].Steps[0].Deliveries[0].State)
			assert.InDelta(t, test.measured, delivered(), 0)
		})
	}
}

// digestOf returns a digest of one event.
func digestOf(e alert.Event) *alert.Digest {
	return &alert.Digest{Number: 1, Group: "card", Since: e.Time, Until: e.Time.Add(5 * time.Minute), Members: []alert.Member{e.Member()}}
}
