package alert_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
)

func TestTheRoutingKeyIsTheTypeBetweenPrefixAndVersion(t *testing.T) {
	for eventType, want := range map[alert.Type]string{
		alert.FraudDetected:                   "fraud.detected",
		alert.ReviewRequested:                 "fraud.review_requested",
		"orders.payment.refund_failed.v2":     "payment.refund_failed",
		"orders.fraud.detected.v12":           "fraud.detected",
		"orders.payment.hold.voided.twice.v1": "payment.hold.voided.twice",
	} {
		if got := eventType.RoutingKey(); got != want {
			t.Errorf("%s is routed by %q, want %q", eventType, got, want)
		}
	}
}

func TestOnlyTheTypesOfThisServiceAreKnown(t *testing.T) {
	for eventType, want := range map[alert.Type]bool{
		"orders.fraud.detected.v1":         true,
		"orders.fraud.review_requested.v1": true,
		"orders.fraud.detected.v2":         false,
		"orders.fraud.detected":            false,
		"fraud.detected":                   false,
		"":                                 false,
	} {
		if got := eventType.Known(); got != want {
			t.Errorf("%q is known: %v, want %v", eventType, got, want)
		}
	}
}

func TestADeclineIsToldAsFraudAndAnyOtherStopAsAReview(t *testing.T) {
	for outcome, want := range map[fraud.Outcome]alert.Type{
		fraud.Decline:      alert.FraudDetected,
		fraud.Review:       alert.ReviewRequested,
		fraud.NotEvaluated: alert.ReviewRequested,
	} {
		if got := alert.TypeFor(outcome); got != want {
			t.Errorf("the outcome %s is told as %s, want %s", outcome, got, want)
		}
	}
}

func TestAnEventTravelsWithoutLoss(t *testing.T) {
	want := alert.Event{
		ID: "5d1d1c0a-0000-5000-8000-000000000001", Source: "/orders", Type: alert.FraudDetected, Subject: "1234",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Data: alert.Data{
			TransactionID: "01990000-0000-7000-8000-000000000001", OrderID: "1234", OrderName: "avengers 4 spoilers book",
			PaymentMethod: "amazonpay", Card: "123456******4321", Amount: "90071992547409.93", Currency: "INR",
			Decision: fraud.Decision{
				Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk,
				Reasons: []fraud.Reason{{Code: "AMOUNT_OVER_LIMIT", Message: "INR 5000.01 is above the limit of INR 5000.00"}},
				Ruleset: fraud.Ruleset{ID: "limit", Version: 1, Digest: "sha256:0"}, Source: fraud.AutomatedRule,
			},
			Link: "http://localhost:8233/",
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
