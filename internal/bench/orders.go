package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"dummyorders/api"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/workflows"
)

// orders is the service, which gets requests as from a merchant.
type orders struct {
	url  string
	http *http.Client
	keys []string // used in turn; none where the API asks for none
	turn atomic.Int64
	// cost is the amount of each order, and want the status that it leads to.
	cost string
	want transaction.Status
	samples
}

func newOrders(address string) *orders {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's own
	transport.MaxIdleConnsPerHost = 1000
	return &orders{url: address + "/transact", http: &http.Client{Transport: transport}, cost: "123.00", want: transaction.PaymentComplete}
}

func (o *orders) name() string { return "POST /transact" }

// someonesBody returns the seed's request body with a different order and card each time: a card that is used a
// thousand times is a fraud, which also costs an alert.
func someonesBody(cost string) string {
	number := fmt.Sprintf("4%011d4242", rand.Int64N(1e11))
	return strings.NewReplacer("1234567887654321", number, `"id": 1234`, `"id": "bench-`+number[1:12]+`"`, "123.00", cost).Replace(api.SeedExample)
}

func (o *orders) call(ctx context.Context) error {
	sent := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, strings.NewReader(someonesBody(o.cost)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "wait=60")
	if n := int64(len(o.keys)); n > 0 {
		request.Header.Set("Authorization", "Bearer "+o.keys[o.turn.Add(1)%n])
	}
	answer, err := o.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	var got ledger.Answer
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if got.TransactionStatus.Code != o.want {
		return fmt.Errorf("answer %s with transactionStatus %d, want %d", answer.Status, got.TransactionStatus.Code, o.want)
	}
	o.add(sample{workflows.TransactionWorkflowID(got.TransactionID), sent, time.Now()})
	return nil
}
