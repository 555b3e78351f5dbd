package cloudevents_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/gateways/cloudevents"
)

// The last three crash the reader of the CloudEvents SDK.
var noEvents = map[string]string{
	``:                                      "no CloudEvent in JSON",
	`hello`:                                 "no CloudEvent in JSON",
	`null`:                                  `specversion must be "1.0", not missing`,
	`[]`:                                    "no CloudEvent in JSON",
	`{}`:                                    `specversion must be "1.0", not missing`,
	`{"specversion":"0.3"}`:                 `specversion must be "1.0", not "0.3"`,
	`{"specversion":"1.0"}`:                 "id must be text without control characters, of at most 256 bytes; source must be a URI reference; subject must be text; time must be",
	`{"specversion":"1.0","id":"a\nb"}`:     "id must be text without control characters",
	`{"specversion":"1.0","id":"\u0000"}`:   "id must be text without control characters",
	`{"specversion":"1.0","id":"a\u0085b"}`: "id must be text without control characters",
	`{"specversion":"1.0","id":"` + strings.Repeat("x", 257) + `"}`:                                           "id must be text without control characters",
	`{"specversion":"1.0","type":"x"}`:                                                                        `type must be one of orders.fraud.detected.v1, orders.fraud.review_requested.v1, `,
	`{"specversion":"1.0","id":7}`:                                                                            "cannot unmarshal number into Go struct field envelope.id",
	`{"specversion":"1.0","time":"noon"}`:                                                                     "no CloudEvent in JSON",
	`{"specversion":"1.0","type":"orders.fraud.detected.v1"}`:                                                 "data is missing",
	`{"specversion":"1.0","type":"orders.fraud.detected.v1","data":null}`:                                     "data is missing",
	`{"specversion":"1.0","type":"orders.fraud.detected.v1","data":"text"}`:                                   "data does not fit orders.fraud.detected.v1",
	`{"specversion":"1.0","type":"orders.fraud.detected.v1","data":{"amount":true}}`:                          "data does not fit orders.fraud.detected.v1",
	`{"specversion":"1.0","type":"orders.fraud.detected.v1","datacontenttype":"text/xml","data":"<amount/>"}`: `datacontenttype must be "application/json"`,
	`{"specversion":"1.0","type":"orders.fraud.review_expired.v1","data":{"review":[]}}`:                      "data does not fit orders.fraud.review_expired.v1",
	`{"specversion":"1.0","type":"orders.fraud.review_expired.v1","data":{"review":{"deadline":"noon"}}}`:     "data does not fit orders.fraud.review_expired.v1",
	`{"specversion":"1.0","type":"orders.fraud.review_expired.v1","data":{}}`:                                 "data.review must be an object",
	`{"specversion":"1.0","type":"orders.fraud.detected.v1","data":{"review":{}}}`:                            "data.review.requestedAt must be a time",
	`{"specversion":"1.0","type":"orders.payment.compensation_failed.v1","data":{}}`:                          "data.problem must be text",
	`{"specversion":"1.0","type":"orders.fraud.detected.v1","data":{"merchant":"a/b"}}`:                       "data.merchant must be a merchant's name",
	`{"specversion":"1.0","time":"9999-12-31T23:59:59-01:00"}`:                                                "time must be a time as in RFC 3339, from year 1 to year 9999 in UTC; data.expiresAt must be",
	`{"specversion":"1.0","time":"0001-01-01T00:30:00+01:00"}`:                                                "time must be a time",
	`{"specversion":"1.0","time":"9999-12-30T00:00:00Z"}`:                                                     "data.expiresAt must be a time",
	`{"specversion":"1.0","data_base64":1}`:                                                                   "id must be text",
	`{"data_base64":1,"specversion":"1.0"}`:                                                                   "id must be text",
	`{"datacontentencoding":"","specversion":"0.3"}`:                                                          "specversion",
}

// What is not an event is refused with the reason.
func TestDecodeRefuses(t *testing.T) {
	for document, reason := range noEvents {
		_, err := cloudevents.Decode([]byte(document))
		assert.ErrorContains(t, err, reason, "%s", document)
	}
}

func TestDecodeNamesMissingMember(t *testing.T) {
	golden, err := os.ReadFile(goldenFile)
	require.NoError(t, err)
	for member, reason := range map[string]string{
		"specversion":   "specversion must be",
		"id":            "id must be text",
		"source":        "source must be a URI reference",
		"type":          "type must be",
		"subject":       "subject must be text",
		"time":          "time must be",
		"data":          "data is missing",
		"transactionID": "data.transactionID must be text",
		"orderID":       "data.orderID must be text",
		"amount":        "data.amount must be a number",
		"currency":      "data.currency must be text",
		"outcome":       "data.decision.outcome must be text",
	} {
		without := strings.Replace(string(golden), `"`+member+`":`, `"removed":`, 1)
		require.NotEqual(t, string(golden), without, member)
		_, err := cloudevents.Decode([]byte(without))
		assert.ErrorContains(t, err, reason, member)
	}
}

func TestDecodeErrorIsShort(t *testing.T) {
	long := strings.Repeat("9", 1<<20)
	for _, document := range []string{
		`{"specversion":"` + long + `"}`,
		`{"specversion":"1.0","type":"` + long + `"}`,
		`{"specversion":"1.0","id":` + long + `}`,
		`{"specversion":"1.0","time":"` + long + `"}`,
		`{"specversion":"1.0","type":"orders.fraud.detected.v1","datacontenttype":"` + long + `","data":{}}`,
		`{"specversion":"1.0","type":"orders.fraud.detected.v1","data":{"amount":"x` + long + `"}}`,
	} {
		_, err := cloudevents.Decode([]byte(document))
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 500, "%.100s", document)
	}
}

func TestDecodeErrorHidesCardNumber(t *testing.T) {
	for _, document := range []string{
		`{"specversion":"4012888888881881"}`,
		`{"specversion":"` + strings.Repeat("x", 50) + `4012 8888 8888 1881"}`,
		`{"specversion":"1.0","type":"4012-8888-8888-1881"}`,
		`{"specversion":"1.0","type":"4012\u00a08888\u00008888\u00a01881"}`,
		`{"specversion":"1.0","time":"4012888888881881"}`,
		`{"specversion":"1.0","type":"orders.fraud.detected.v1","datacontenttype":"4012888888881881","data":{}}`,
		`{"specversion":"1.0","type":"orders.fraud.detected.v1","data":{"amount":"x4012888888881881"}}`,
		`{"specversion":"1.0","type":"orders.fraud.detected.v1","data":{"decision":{"score":40128888888818810000}}}`,
		`{"specversion":"1.0","type":"orders.fraud.review_expired.v1","data":{"review":{"deadline":"4012 8888 8888 1881"}}}`,
	} {
		_, err := cloudevents.Decode([]byte(document))
		require.Error(t, err)
		assert.Contains(t, err.Error(), "401288**", "%s", document)
		assert.NotContains(t, err.Error(), "888", "%s", document)
	}
}

// Encode can write what Decode accepts, and the result decodes to the same event.
func FuzzDecode(f *testing.F) {
	for file := range onRecord() {
		golden, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(f, err)
		f.Add(golden)
	}
	for document := range noEvents {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		e, err := cloudevents.Decode(document)
		if err != nil {
			return
		}
		body, err := cloudevents.Encode(e)
		require.NoError(t, err)
		again, err := cloudevents.Decode(body)
		require.NoError(t, err)
		again.Source = e.Source // a URI reference may be escaped in more than one way
		assert.Equal(t, e, again)
	})
}

// An event with card numbers in its texts is published and read without them, and is otherwise the same.
func TestMasksCardNumbers(t *testing.T) {
	e := fraudDetected()
	e.Subject, e.Data.OrderID, e.Data.OrderName = "4716190207394368", "4716190207394368", "for card 4716x1902x0739x4368"
	want := fraudDetected()
	want.Subject, want.Data.OrderID, want.Data.OrderName = "471619******4368", "471619******4368", "for card 471619******4368"
	body, err := cloudevents.Encode(e)
	require.NoError(t, err)
	if bytes.Contains(body, []byte("4716190207394368")) || bytes.Contains(body, []byte("0739x4368")) {
		t.Errorf("published as %s", body)
	}
	plain, err := cloudevents.Encode(want)
	require.NoError(t, err)
	require.JSONEq(t, string(plain), string(body))
	foreign := strings.ReplaceAll(string(plain), "471619******4368", "4716 1902 0739 4368")
	read, err := cloudevents.Decode([]byte(foreign))
	require.NoError(t, err)
	require.Equal(t, "for card 471619******4368", read.Data.OrderName)
	require.Equal(t, "471619******4368", read.Subject)
}
