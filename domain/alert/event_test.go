package alert_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
}

// The types keep their names and routing keys.
func TestTypesKeepRoutingKeys(t *testing.T) {
	for eventType, want := range keys {
		if got := eventType.RoutingKey(); got != want {
			t.Errorf("%s is routed by %q, want %q", eventType, got, want)
		}
	}
	all := slices.Sorted(maps.Keys(keys))
	named := []alert.Type{
		alert.FraudDetected, alert.ReviewRequested, alert.ReviewReminder, alert.ReviewExpired, alert.CompensationFailed,
	}
	for _, types := range [][]alert.Type{named, alert.Types} {
		if got := slices.Sorted(slices.Values(types)); !slices.Equal(got, all) {
			t.Errorf("the types are %v, want %v", got, all)
		}
	}
}

// The routing key is the type between prefix and version.
func TestRoutingKey(t *testing.T) {
	for eventType, want := range map[alert.Type]string{
		"orders.payment.refund_failed.v2":     "payment.refund_failed",
		"orders.fraud.detected.v12":           "fraud.detected",
		"orders.payment.hold.voided.twice.v1": "payment.hold.voided.twice",
	} {
		if got := eventType.RoutingKey(); got != want {
			t.Errorf("%s is routed by %q, want %q", eventType, got, want)
		}
	}
}

// Only the types of this service are known.
func TestTypeKnown(t *testing.T) {
	for eventType := range keys {
		if !eventType.Known() {
			t.Errorf("%s is not known", eventType)
		}
	}
	for _, eventType := range []alert.Type{
		"orders.fraud.detected.v2", "orders.fraud.detected", "fraud.detected", "orders.payment.review_expired.v1", "",
	} {
		if eventType.Known() {
			t.Errorf("%q is known", eventType)
		}
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
	if err != nil {
		t.Fatal(err)
	}
	var got alert.Event
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the journey (-want +got):\n%s", diff)
	}
	var raw struct {
		Data struct{ Amount json.RawMessage }
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	if string(raw.Data.Amount) != "90071992547409.93" {
		t.Errorf("the amount travels as %s, want the exact number 90071992547409.93", raw.Data.Amount)
	}
}

// An event without review and problem has no such fields. If these fields are missing, receivers take the event for one
// that has nothing to do with reviews and problems.
func TestDataJSONOmitsEmpty(t *testing.T) {
	text, err := json.Marshal(alert.Data{TransactionID: "1", Wire: money.Wire{Amount: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"review", "problem", "link", "orderName"} {
		if strings.Contains(string(text), `"`+key+`"`) {
			t.Errorf("%s is written though there is none: %s", key, text)
		}
	}
}
