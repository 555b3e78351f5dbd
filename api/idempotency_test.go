package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/transaction"
)

// idOf posts the seed's body with a key to a Temporal that accepts everything.
func idOf(t testing.TB, lines ...string) (id string, status int) {
	t.Helper()
	r := request(t, accepting(t), http.MethodPost, "/transact", api.SeedExample,
		append([]string{"Prefer: respond-async"}, lines...)...)
	return strings.TrimPrefix(r.Header().Get("Location"), "/transactions/"), r.Code
}

// A key is the same with quotes and without.
func TestIdempotencyKeyQuotes(t *testing.T) {
	const header = "Idempotency-Key: "
	for _, same := range [][]string{
		{"8e03978e-40d5-43e8-bc93-6894a57f9324", `"8e03978e-40d5-43e8-bc93-6894a57f9324"`},
		{`a "b" \c`, `"a \"b\" \\c"`},
		{"~", `"~"`},
		{strings.Repeat("k", 255), `"` + strings.Repeat("k", 255) + `"`},
	} {
		one, code := idOf(t, header+same[0])
		other, otherCode := idOf(t, header+same[1])
		assert.Equal(t, 202, code, "%.40s %.40s", same[0], same[1])
		assert.Equal(t, 202, otherCode, "%.40s %.40s", same[0], same[1])
		assert.Equal(t, other, one, "%.40s %.40s", same[0], same[1])
	}
	one, _ := idOf(t, header+"a")
	other, _ := idOf(t, header+"b")
	assert.NotEqual(t, other, one, "two keys are one transaction")
}

// The ids are kept in Temporal and in the ledger: if they changed, every retry would be a new transaction.
func TestIdempotencyKeyID(t *testing.T) {
	const want = "e57e367e-c8fe-5204-a738-4e7755dca5ab"
	got, _ := idOf(t, "Idempotency-Key: 8e03978e-40d5-43e8-bc93-6894a57f9324")
	assert.Equal(t, want, got)
}

// A malformed key is refused with what would be right.
func TestIdempotencyKeyFaults(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		fault string
	}{
		"two lines":         {[]string{"a", "a"}, "more than one header line"},
		"empty":             {[]string{""}, "is empty"},
		"empty in quotes":   {[]string{`""`}, "is empty"},
		"too long":          {[]string{strings.Repeat("k", 256)}, "too long"},
		"a tab":             {[]string{"a\tb"}, "other characters"},
		"not ASCII":         {[]string{"schlüssel"}, "other characters"},
		"an open quote":     {[]string{`"a`}, "not a structured field string"},
		"a wrong escape":    {[]string{`"a\b"`}, "not a structured field string"},
		"with parameters":   {[]string{`"a";b=1`}, "not a structured field string"},
		"more than an item": {[]string{`"a", "b"`}, "not a structured field string"},
		"text after quotes": {[]string{`"a"b`}, "not a structured field string"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := make([]string, len(c.lines))
			for i, line := range c.lines {
				lines[i] = "Idempotency-Key: " + line
			}
			answer := request(t, unreachable(t), http.MethodPost, "/transact", api.SeedExample, lines...)
			p := asProblem(t, answer)
			assert.Equal(t, 400, p.Status, "%d %+v", answer.Code, p)
			assert.Equal(t, "Idempotency-Key is malformed", p.Title, "%d %+v", answer.Code, p)
			assert.Contains(t, p.Detail, c.fault, "%d %+v", answer.Code, p)
			assert.Contains(t, p.Detail, "1 to 255 printable ASCII characters", "%d %+v", answer.Code, p)
		})
	}
}

func TestIdempotencyKeyRequired(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.RequireIdempotencyKey = true
	answer := request(t, handlerWith(o), http.MethodPost, "/transact", api.SeedExample)
	p := asProblem(t, answer)
	assert.Equal(t, 400, p.Status, "%d %v %+v", answer.Code, answer.Header(), p)
	assert.Equal(t, "Idempotency-Key is missing", p.Title, "%d %v %+v", answer.Code, answer.Header(), p)
	assert.Contains(t, answer.Header().Get("Link"), `rel="describedby"`, "%d %v %+v", answer.Code, answer.Header(), p)
	if answer := request(t, handlerWith(o), http.MethodPost, "/transact", api.SeedExample, freshKey()); answer.Code != 503 {
		t.Errorf("with a key: %d %s", answer.Code, answer.Body)
	}
}

// started is what Temporal was asked to start.
type started struct {
	options     client.StartWorkflowOptions
	transaction transaction.Transaction
}

// startedWith posts to an API with options of its own, and returns what that started.
func startedWith(t *testing.T, change func(*api.Options), body string, headers ...string) started {
	t.Helper()
	var s started
	temporal := &mocks.Client{}
	temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		s = started{args.Get(1).(client.StartWorkflowOptions), args.Get(3).(transaction.Transaction)}
	}).Return(nil, nil)
	o := options(temporal, newMemory())
	change(&o)
	answer := request(t, handlerWith(o), http.MethodPost, "/transact", body, append(headers, "Prefer: respond-async")...)
	require.Equal(t, 202, answer.Code, "%s", answer.Body)
	return s
}

func unchanged(*api.Options) {}

// The receipt is kept beside the workflow.
func TestReceipt(t *testing.T) {
	named := func(o *api.Options) { o.Authenticators = clients(map[string]string{"shop": "the key of the shop"}) }
	one := startedWith(t, named, api.SeedExample, freshKey(), "Authorization: Bearer the key of the shop")
	receipt := one.transaction.Receipt
	if receipt.Client != "shop" || len(receipt.BodyDigest) != 64 || receipt.Call == "" || one.options.Memo["receipt"] != receipt {
		t.Errorf("the receipt is %+v, and the memo %+v", receipt, one.options.Memo)
	}
	other := startedWith(t, named, api.SeedExample, freshKey(), "Authorization: Bearer the key of the shop").transaction.Receipt
	assert.NotEqual(t, receipt.Call, other.Call, "two calls with one body: %+v and %+v", receipt, other)
	assert.Equal(t, receipt.BodyDigest, other.BodyDigest, "two calls with one body: %+v and %+v", receipt, other)
	bare := startedWith(t, unchanged, api.SeedExample)
	assert.Equal(t, transaction.Receipt{}, bare.transaction.Receipt)
	assert.Nil(t, bare.options.Memo)
}

// FuzzIdempotencyKey checks for any key that it is accepted or refused, and in the same way each time.
func FuzzIdempotencyKey(f *testing.F) {
	for _, key := range []string{"", `"`, `"a"`, `"a\"`, "a", `"a";b`, "ü", "\x00", strings.Repeat("k", 300), `"a","b"`, "?1", ":a:"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		one, code := idOf(t, "Idempotency-Key: "+key)
		other, again := idOf(t, "Idempotency-Key: "+key)
		if code != 202 && code != 400 || code != again || one != other || (one == "") != (code == 400) {
			t.Fatalf("%q is %d %s, then %d %s", key, code, one, again, other)
		}
		if code == 202 && len(key) > 2*255+2 {
			t.Fatalf("a key of %d characters is taken", len(key))
		}
	})
}
