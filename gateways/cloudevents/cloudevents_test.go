package cloudevents_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/review"
	"dummyorders/gateways/cloudevents"
	"dummyorders/internal/goldentest"
)

const goldenFile = "testdata/fraud_detected.json"

// Running workflows and queues hold such documents: change their shape only under a new type.
func TestEncodeGoldens(t *testing.T) {
	for file, event := range onRecord() {
		body, err := cloudevents.Encode(event)
		require.NoError(t, err, file)
		goldentest.Same(t, filepath.Join("testdata", file), string(body)+"\n")
	}
}

func TestDecodeGoldens(t *testing.T) {
	for file, event := range onRecord() {
		golden, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(t, err)
		e, err := cloudevents.Decode(golden)
		require.NoError(t, err, file)
		assert.Equal(t, event, e, file)
	}
}

func TestGoldensCoverEveryType(t *testing.T) {
	recorded := map[alert.Type]bool{}
	for _, event := range onRecord() {
		recorded[event.Type] = true
	}
	for _, eventType := range alert.Types {
		assert.True(t, recorded[eventType], eventType)
	}
}

func TestEncodeReadByOfficialSDK(t *testing.T) {
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

func TestAmountsAreExact(t *testing.T) {
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

// A time stays the same instant.
func TestTimesAreInUTC(t *testing.T) {
	e := fraudDetected()
	e.Time = e.Time.In(time.FixedZone("IST", 5*60*60+30*60))
	body, err := cloudevents.Encode(e)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"time":"2026-11-02T09:30:15.123456789Z"`)
	decoded, err := cloudevents.Decode(body)
	require.NoError(t, err)
	assert.Equal(t, fraudDetected().Time, decoded.Time)
}

// Extensions and new members of data are ignored.
func TestDecodeIgnoresUnknownMembers(t *testing.T) {
	golden, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	extended := strings.Replace(string(golden), `"data":{`, `"partitionkey":"k","data":{"later":[1],`, 1)
	require.NotEqual(t, string(golden), extended)
	e, err := cloudevents.Decode([]byte(extended))
	require.NoError(t, err)
	assert.Equal(t, fraudDetected(), e)
}

func TestEncodeRefusesIncomplete(t *testing.T) {
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
		"data.problem must be text":                func(e *alert.Event) { e.Type = alert.CompensationFailed },
		"data.review must be an object, as orders.fraud.review_requested.v1 has": func(e *alert.Event) {
			e.Type = alert.ReviewRequested
		},
		"data.review must be an object, as orders.fraud.review_reminder.v1 has": func(e *alert.Event) {
			e.Type = alert.ReviewReminder
		},
		"data.review must be an object, as orders.fraud.review_expired.v1 has": func(e *alert.Event) {
			e.Type = alert.ReviewExpired
		},
	} {
		e := fraudDetected()
		spoil(&e)
		_, err := cloudevents.Encode(e)
		assert.ErrorContains(t, err, want)
	}
}

func TestEncodeRefusesBadReview(t *testing.T) {
	for _, c := range []struct {
		want  string
		spoil func(*review.Review)
	}{
		{"data.review.requestedAt must be a time", func(r *review.Review) { r.RequestedAt = time.Time{} }},
		{"data.review.deadline must be a time after requestedAt", func(r *review.Review) { r.Deadline = time.Time{} }},
		{"data.review.deadline must be a time after requestedAt", func(r *review.Review) { r.Deadline = r.RequestedAt }},
		{"data.review.verdict must be approve or decline, or left out", func(r *review.Review) { r.Verdict = "yes" }},
		{"data.review.decidedAt must be a time if there is a verdict", func(r *review.Review) { r.DecidedAt = nil }},
		{"data.review.decidedAt must be a time if there is a verdict", func(r *review.Review) { r.Verdict = "" }},
		{"data.review.expired must be true, with a verdict", func(r *review.Review) { r.Expired = false }},
		{"data.review.expired must be true, with a verdict", func(r *review.Review) { r.Verdict, r.DecidedAt = "", nil }},
	} {
		e := reviewExpired()
		c.spoil(e.Data.Review)
		_, err := cloudevents.Encode(e)
		assert.ErrorContains(t, err, c.want)
	}
}

// A payment by token has no card to show.
func TestEncodeTokenPayment(t *testing.T) {
	e := fraudDetected()
	e.Data.Card = ""
	body, err := cloudevents.Encode(e)
	require.NoError(t, err)
	decoded, err := cloudevents.Decode(body)
	require.NoError(t, err)
	assert.Equal(t, e, decoded)
}
