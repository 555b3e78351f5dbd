package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// accepts is a store that accepts every transaction, and answers at once.
type accepts struct{ api.Transactions }

func (accepts) Process(_ context.Context, t transaction.Transaction, _ time.Duration) (ledger.Answer, bool, error) {
	return ledger.PendingAnswer(t.ID), false, nil
}

// BenchmarkTransact measures POST /transact without what follows: its body is read and checked, and answered. Most of the
// time goes to looking for card numbers and verification values where they must not be. The demo's body takes 24 kB in 380
// allocations.
func BenchmarkTransact(b *testing.B) {
	o := options(nil, newMemory())
	o.Transactions = accepts{}
	o.Limits = api.Limits{Rate: 1e9, Burst: 1e9, InFlight: 1}
	handler := api.New(o)
	metadata, items := map[string]string{}, strings.Repeat(`,{"id": 1, "name": "a book", "cost": 0}`, transaction.MaxItems-1)
	for i := range transaction.MaxMetadata {
		metadata[fmt.Sprintf("key %d", i)] = strings.Repeat("a value with words ", 26)[:transaction.MaxMetadataValue-10]
	}
	many, err := json.Marshal(metadata)
	require.NoError(b, err)
	full := strings.Replace(api.SeedExample, `"paymentMethod"`, `"customer": {"id": "c-17", "email": "jo@example.com", "createdAt": "2024-05-17T08:30:00Z"}, `+
		`"ip": "203.0.113.7", "billing": {"country": "IN"}, "shipping": {"country": "IN"}, "metadata": {"channel": "web", "campaign": "summer"}, "paymentMethod"`, 1)
	for _, c := range []struct{ name, body string }{
		{"seed", api.SeedExample},
		{"full", full},
		{"largest", strings.NewReplacer(`{"channel": "web", "campaign": "summer"}`, string(many), `"currency": "INR"}, "customer"`,
			`"currency": "INR", "items": [{"id": 1, "cost": 123.00}`+items+`]}, "customer"`).Replace(full)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.body)))
			for b.Loop() {
				answer := httptest.NewRecorder()
				request := httptest.NewRequest(http.MethodPost, "/transact", strings.NewReader(c.body))
				request.Header.Set("Content-Type", "application/json")
				if handler.ServeHTTP(answer, request); answer.Code != http.StatusAccepted {
					b.Fatal(answer.Code, answer.Body)
				}
			}
		})
	}
}
