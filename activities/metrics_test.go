package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/payment"
	"dummyorders/internal/telemetrytest"
)

// decides is a detector with one answer.
type decides fraud.Decision

func (d decides) Detect(context.Context, fraud.Check) (fraud.Decision, error) {
	return fraud.Decision(d), nil
}

// A decision counts with its rules: those in shadow apart, and each once, though a trial names them again.
func TestDecisionMetrics(t *testing.T) {
	live := fraud.Ruleset{ID: "main", Version: 1, Digest: "sha256:01"}
	own := live
	own.ID += "+shadow"
	hit := func(id string, shadow bool) fraud.RuleResult {
		return fraud.RuleResult{ID: id, Outcome: fraud.RuleHit, Shadow: shadow}
	}
	decision := fraud.Decision{Outcome: fraud.Review, Ruleset: live, Explanation: &fraud.Explanation{
		Rules: []fraud.RuleResult{hit("a", false), hit("b", true), {ID: "c", Outcome: fraud.RuleFailed}},
		Trials: []fraud.Trial{
			{Ruleset: own, Outcome: fraud.Review, Rules: []fraud.RuleResult{hit("b", true)}},
			{Ruleset: fraud.Ruleset{ID: "next", Digest: "sha256:02"}, Outcome: fraud.Decline, Rules: []fraud.RuleResult{hit("a", false)}},
		},
	}}
	want := map[string]func() float64{
		"decisions":     telemetrytest.Gained(t, "orders_decisions_total", "outcome", "review", "ruleset", "main"),
		"durations":     telemetrytest.Gained(t, "orders_decision_duration_seconds"),
		"a live":        telemetrytest.Gained(t, "orders_rule_hits_total", "rule", "a", "mode", "live"),
		"a shadow":      telemetrytest.Gained(t, "orders_rule_hits_total", "rule", "a", "mode", "shadow"),
		"b shadow":      telemetrytest.Gained(t, "orders_rule_hits_total", "rule", "b", "mode", "shadow"),
		"c failed":      telemetrytest.Gained(t, "orders_rule_failures_total", "rule", "c"),
		"disagreements": telemetrytest.Gained(t, "orders_shadow_disagreements_total"),
		"of next":       telemetrytest.Gained(t, "orders_shadow_disagreements_total", "ruleset", "next"),
	}
	_, err := (&activities.Fraud{Detector: decides(decision)}).CheckFraud(t.Context(), fraud.Check{})
	require.NoError(t, err)
	for name, more := range want {
		assert.InDelta(t, 1, more(), 0, name)
	}
	failed := telemetrytest.Gained(t, "orders_decisions_total")
	_, err = (&activities.Fraud{Detector: broken{errAway}}).CheckFraud(t.Context(), fraud.Check{})
	require.Error(t, err)
	assert.Zero(t, failed(), "what was not decided counts as decided")
}

// Each call of a gateway counts with what came of it. That a capture is refused within a charge is a result of the call, and counts as
// declined.
func TestGatewayMetrics(t *testing.T) {
	for name, test := range map[string]struct {
		gateway      payment.Gateway
		step, result string
		do           func(*activities.Payment) error
	}{
		"refused when taken": {&steps{broken: broken{&payment.DeclinedError{Gateway: "x"}}}, "charge", "declined", func(p *activities.Payment) error {
			_, err := p.Charge(t.Context(), payment.ChargeRequest{})
			return err
		}},
		"held": {broken{nil}, "authorize", "ok", func(p *activities.Payment) error {
			_, err := p.Authorize(t.Context(), payment.AuthorizeRequest{Method: "card"})
			return err
		}},
		"away": {broken{errAway}, "void", "failed", func(p *activities.Payment) error { return p.Void(t.Context(), payment.VoidRequest{}) }},
		"taken before": {broken{&payment.CapturedError{Gateway: "x"}}, "void", "declined", func(p *activities.Payment) error {
			return p.Void(t.Context(), payment.VoidRequest{})
		}},
		"refused": {broken{&payment.DeclinedError{Gateway: "x"}}, "refund", "declined", func(p *activities.Payment) error {
			_, err := p.Refund(t.Context(), payment.RefundRequest{})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			pay := &activities.Payment{Gateways: payment.NewRegistry(test.gateway, nil)}
			calls := telemetrytest.Gained(t, "orders_gateway_calls_total", "step", test.step, "result", test.result)
			all, durations := telemetrytest.Gained(t, "orders_gateway_calls_total"), telemetrytest.Gained(t, "orders_gateway_call_duration_seconds", "step", test.step)
			_ = test.do(pay)
			for _, one := range []func() float64{calls, all, durations} {
				assert.InDelta(t, 1, one(), 0)
			}
		})
	}
}

// Attempts to publish and to deliver count with what came of them, and no address becomes a label.
func TestAlertMetrics(t *testing.T) {
	for result, err := range map[string]error{"confirmed": nil, "failed": errAway} {
		published := telemetrytest.Gained(t, "orders_alerts_published_total", "type", string(alert.FraudDetected), "result", result)
		durations := telemetrytest.Gained(t, "orders_alert_publish_duration_seconds")
		_ = (&activities.Alerts{Publisher: broken{err}}).PublishAlert(t.Context(), alert.Event{Type: alert.FraudDetected})
		assert.InDelta(t, 1, published(), 0, result)
		assert.InDelta(t, 1, durations(), 0, result)
	}
	assert.Zero(t, telemetrytest.Value(t, "orders_alerts_unconfirmed"))

	for result, channel := range map[string]*mail{
		"ok": {answer: "250 queued"}, "failed": {err: errAway}, "refused": {err: &alert.RefusedError{By: "x", Cause: errAway}},
	} {
		delivered := telemetrytest.Gained(t, "orders_deliveries_total", "channel", "mail", "result", result)
		_, _, _ = channel.tell(t, "mail jo@example.com", nil)
		assert.InDelta(t, 1, delivered(), 0, result)
	}
	other := telemetrytest.Gained(t, "orders_deliveries_total", "channel", "other", "result", "failed")
	_, _, _ = new(mail).tell(t, "4716190207394368 jo@example.com", nil)
	assert.InDelta(t, 1, other(), 0)
}

// The ledger's lag is measured when an entry is saved, and not when it could not be.
func TestLedgerLagMetric(t *testing.T) {
	lags := telemetrytest.Gained(t, "orders_ledger_lag_seconds")
	entry := ledger.Entry{Mark: ledger.Mark{At: time.Now().Add(-time.Second)}}
	require.Error(t, (&activities.Ledger{Writer: broken{errors.New("away")}}).Save(t.Context(), entry))
	assert.Zero(t, lags())
	require.NoError(t, (&activities.Ledger{Writer: broken{nil}}).Save(t.Context(), entry))
	assert.InDelta(t, 1, lags(), 0)
}
