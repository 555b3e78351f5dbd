package alert_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
)

// keys maps the types of this service to their routing keys. Queues hold events of these names.
var keys = map[alert.Type]string{
	"orders.fraud.detected.v1":              "fraud.detected",
	"orders.fraud.review_requested.v1":      "fraud.review_requested",
	"orders.fraud.review_reminder.v1":       "fraud.review_reminder",
	"orders.fraud.review_expired.v1":        "fraud.review_expired",
	"orders.payment.compensation_failed.v1": "payment.compensation_failed",
	"orders.alarm.firing.v1":                "alarm.firing",
	"orders.alarm.resolved.v1":              "alarm.resolved",
}

// The types keep their names and routing keys.
func TestTypesKeepRoutingKeys(t *testing.T) {
	for eventType, want := range keys {
		assert.Equal(t, want, eventType.RoutingKey(), eventType)
	}
	all := slices.Sorted(maps.Keys(keys))
	named := []alert.Type{
		alert.FraudDetected, alert.ReviewRequested, alert.ReviewReminder, alert.ReviewExpired, alert.CompensationFailed,
		alert.AlarmFiring, alert.AlarmResolved,
	}
	for _, types := range [][]alert.Type{named, alert.Types} {
		got := slices.Sorted(slices.Values(types))
		assert.True(t, slices.Equal(got, all), "the types are %v, want %v", got, all)
	}
}

// The routing key is the type between prefix and version.
func TestRoutingKey(t *testing.T) {
	for eventType, want := range map[alert.Type]string{
		"orders.payment.refund_failed.v2":     "payment.refund_failed",
		"orders.fraud.detected.v12":           "fraud.detected",
		"orders.payment.hold.voided.twice.v1": "payment.hold.voided.twice",
	} {
		assert.Equal(t, want, eventType.RoutingKey(), eventType)
	}
}

// Only the types of this service are known.
func TestTypeKnown(t *testing.T) {
	for eventType := range keys {
		assert.True(t, eventType.Known(), "%s is not known", eventType)
	}
	for _, eventType := range []alert.Type{
		"orders.fraud.detected.v2", "orders.fraud.detected", "fraud.detected", "orders.payment.review_expired.v1", "",
	} {
		assert.False(t, eventType.Known(), "%q is known", eventType)
	}
}

func TestEventJSONRoundTrip(t *testing.T) {
	decidedAt := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	want := alert.Event{
		ID: "5d1d1c0a-0000-5000-8000-000000000001", Source: "/orders", Type: alert.FraudDetected, Subject: "1234",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Data: alert.Data{
			TransactionID: "01990000-0000-7000-8000-000000000001", OrderID: "1234", OrderName: "avengers 4 spoilers book",
			PaymentMethod: "amazonpay", Card: "123456******4321", Wire: money.Wire{Amount: "90071992547409.93", Currency: "INR"},
			Decision: fraud.Decision{
				Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk,
				Reasons: []fraud.Reason{{Code: "AMOUNT_OVER_LIMIT", Message: "INR 5000.01 is above the limit of INR 5000.00"}},
				Ruleset: fraud.Ruleset{ID: "limit", Version: 1, Digest: "sha256:0"}, Source: fraud.AutomatedRule,
			},
			Review: &review.Review{
				RequestedAt: time.Date(2026, 1, 1, 3, 4, 5, 6, time.UTC), Deadline: decidedAt,
				Verdict: review.Decline, DecidedAt: &decidedAt, Expired: true,
			},
			Problem: "gateway simulated declined: hold_expired",
			Link:    "http://localhost:8233/",
		},
	}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	var got alert.Event
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Empty(t, cmp.Diff(want, got), "after the journey (-want +got)")
	var raw struct {
		Data struct{ Amount json.RawMessage }
	}
	require.NoError(t, json.Unmarshal(text, &raw))
	assert.Equal(t, "90071992547409.93", string(raw.Data.Amount))
}

// The data of an alarm has no member about a transaction, and is read back as it was.
func TestAlarmJSON(t *testing.T) {
	want := alert.Sample(alert.AlarmResolved, "id", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	text, err := json.Marshal(want)
	require.NoError(t, err)
	for _, name := range []string{"transactionID", "amount", "decision"} {
		assert.NotContains(t, string(text), name)
	}
	var got alert.Event
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Empty(t, cmp.Diff(want, got))
}

// An alarm that began long ago is worth delivering from when it is known.
func TestAlarmExpiry(t *testing.T) {
	now := time.Now()
	a := &alert.Alarm{Since: now.Add(-30 * 24 * time.Hour)}
	assert.True(t, a.Event("id", now).Expiry().After(now.Add(24*time.Hour)))
}

// An event without review and problem has no such fields. If these fields are missing, receivers take the event for one
// that has nothing to do with reviews and problems.
func TestDataJSONOmitsEmpty(t *testing.T) {
	text, err := json.Marshal(alert.Data{TransactionID: "1", Wire: money.Wire{Amount: "1"}})
	require.NoError(t, err)
	for _, key := range []string{"review", "problem", "link", "orderName"} {
		assert.NotContains(t, string(text), `"`+key+`"`, key)
	}
}
