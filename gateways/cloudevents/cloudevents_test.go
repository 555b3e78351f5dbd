package cloudevents_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/gateways/cloudevents"
)

var update = flag.Bool("update", false, "write testdata anew")

const goldenFile = "testdata/fraud_detected.json"

func fraudDetected() alert.Event {
	return alert.Event{
		ID:      "8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21",
		Source:  "/orders/worker",
		Type:    alert.FraudDetected,
		Subject: "1234",
		Time:    time.Date(2026, 11, 2, 9, 30, 15, 123456789, time.UTC),
		Data: alert.Data{
			TransactionID: "0199c0de-0000-7000-8000-000000000001",
			OrderID:       "1234",
			OrderName:     "avengers 4 <spoilers> & more",
			PaymentMethod: "amazonpay",
			Card:          "123456******4321",
			Amount:        "123.00",
			Currency:      "INR",
			Decision: fraud.Decision{
				Outcome:   fraud.Decline,
				Score:     90,
				RiskLevel: fraud.HighestRisk,
				Reasons:   []fraud.Reason{{Code: "AMOUNT_OVER_LIMIT", Message: "INR 123.00 is above the limit of INR 100.00"}},
				Ruleset:   fraud.Ruleset{ID: "limit", Version: 1, Digest: "sha256:00"},
				Source:    fraud.AutomatedRule,
			},
			Link: "http://localhost:8233/namespaces/default/workflows/transaction-0199c0de",
		},
	}
}

func TestTheDocumentIsTheOneOnRecord(t *testing.T) {
	body, err := cloudevents.Encode(fraudDetected())
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(goldenFile, append(body, '\n'), 0o600))
	}
	golden, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(golden)), string(body), "running workflows and queues hold such documents: change the shape only under a new type")
}

func TestDecodeReadsTheDocumentOnRecord(t *testing.T) {
	golden, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	e, err := cloudevents.Decode(golden)
	require.NoError(t, err)
	assert.Equal(t, fraudDetected(), e)
}

func TestAnotherCloudEventsReaderReadsIt(t *testing.T) {
	body, err := cloudevents.Encode(fraudDetected())
	require.NoError(t, err)
	var e event.Event
	require.NoError(t, json.Unmarshal(body, &e))
	require.NoError(t, e.Validate())
	assert.Equal(t, "1.0", e.SpecVersion())
	assert.Equal(t, fraudDetected().ID, e.ID())
	assert.Equal(t, "orders.fraud.detected.v1", e.Type())
	assert.Equal(t, "1234", e.Subject())
	assert.True(t, e.Time().Equal(fraudDetected().Time))
	assert.Equal(t, "application/json", e.DataContentType())
}

func TestAmountsTravelExactly(t *testing.T) {
	for _, amount := range []json.Number{"123.00", "0.1", "999999999999.99", "12345678901234567890.123", "5", "1e3"} {
		e := fraudDetected()
		e.Data.Amount = amount
		body, err := cloudevents.Encode(e)
		require.NoError(t, err, amount)
		assert.Contains(t, string(body), `"amount":`+string(amount)+`,`)
		decoded, err := cloudevents.Decode(body)
		require.NoError(t, err, amount)
		assert.Equal(t, amount, decoded.Data.Amount)
	}
}

func TestTimesAreTheSameInstantInUTC(t *testing.T) {
	e := fraudDetected()
	e.Time = e.Time.In(time.FixedZone("IST", 5*60*60+30*60))
	body, err := cloudevents.Encode(e)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"time":"2026-11-02T09:30:15.123456789Z"`)
	decoded, err := cloudevents.Decode(body)
	require.NoError(t, err)
	assert.Equal(t, fraudDetected().Time, decoded.Time)
}

func TestExtensionsAndNewDataMembersArePassedOver(t *testing.T) {
	golden, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	extended := strings.Replace(string(golden), `"data":{`, `"partitionkey":"k","data":{"later":[1],`, 1)
	require.NotEqual(t, string(golden), extended)
	e, err := cloudevents.Decode([]byte(extended))
	require.NoError(t, err)
	assert.Equal(t, fraudDetected(), e)
}

func TestAnIncompleteEventIsNotEncoded(t *testing.T) {
	for want, spoil := range map[string]func(*alert.Event){
		"id must be text":                          func(e *alert.Event) { e.ID = " " },
		"source must be a URI reference":           func(e *alert.Event) { e.Source = "%zz" },
		"subject must be text":                     func(e *alert.Event) { e.Subject = "\xff" },
		"time must be a time as in RFC 3339":       func(e *alert.Event) { e.Time = time.Time{} },
		`not "orders.fraud.detected.v2"`:           func(e *alert.Event) { e.Type = "orders.fraud.detected.v2" },
		"data.amount must be a number":             func(e *alert.Event) { e.Data.Amount = "12,00" },
		"subject must be text; time must be":       func(e *alert.Event) { e.Subject, e.Time = "", time.Time{} },
		"data.decision.outcome must be text":       func(e *alert.Event) { e.Data.Decision = fraud.Decision{} },
		"encode event 8d1c0a52-5f2e-5c0b-9a6e-0d8": func(e *alert.Event) { e.Data.Currency = "" },
	} {
		e := fraudDetected()
		spoil(&e)
		_, err := cloudevents.Encode(e)
		assert.ErrorContains(t, err, want)
	}
}
