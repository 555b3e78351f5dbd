package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
)

// Store is the ledger that is filled.
type Store interface {
	ledger.Writer
	fraud.VelocityStore
	// CountAgain has days counted again for reports.
	CountAgain(ctx context.Context, from, to time.Time) error
}

// savers is how many transactions are saved at once.
const savers = 32

// Fill puts ended transactions into a ledger: their records, labels and decisions, and what later fraud checks count of them. Those
// that are there already stay as they are.
func Fill(ctx context.Context, store Store, all []ledger.Entry, done func(int)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(savers)
	for i, e := range all {
		if ctx.Err() != nil {
			break
		}
		if i%500 == 0 {
			done(i)
		}
		group.Go(func() error {
			at, decided := e.Record.StartTime, *e.Record.Decision
			decided.Explanation = e.Record.Explanation
			check := fraud.Check{Transaction: e.Transaction, StartTime: at, AsOf: at, Number: 1}
			if _, err := store.Decide(ctx, check, Use(e.Transaction, at), nil, func(velocity.Past) fraud.Decision { return decided }); err != nil {
				return err
			}
			return store.Save(ctx, e)
		})
	}
	if err := group.Wait(); err != nil || len(all) == 0 {
		return err
	}
	return store.CountAgain(context.WithoutCancel(ctx), all[0].Record.StartTime, all[len(all)-1].Record.StartTime) // the group's ctx has ended
}

// now lists transactions that are posted like anybody's: some are paid for at once, some wait for a review, and some are stopped,
// which sends an alert.
var now = []struct {
	card         string
	cost, amount json.Number
	currency     string
	paidIn       string
}{
	{"4111111111111111", "24.90", "24.90", "EUR", "EUR"},
	{"5555555555554444", "61.00", "61.00", "EUR", "EUR"},
	{"4012888888881881", "118.50", "119.50", "EUR", "EUR"},
	{"5105105105105100", "75.00", "80.00", "EUR", "EUR"},
	{"378282246310005", "39.00", "39.00", "USD", "EUR"},
	{"371449635398431", "12.00", "900.00", "EUR", "EUR"},
	{"6011111111111117", "210.00", "340.00", "USD", "USD"},
}

// Post posts a few transactions to the API, with a key if it needs one, and returns their ids.
func Post(ctx context.Context, api *url.URL, key string, at time.Time) (ids []string, err error) {
	for i, n := range now {
		id, err := post(ctx, api, key, map[string]any{
			"order":         map[string]any{"id": fmt.Sprintf("demo-now-%d-%d", at.Unix(), i+1), "name": "made-up order", "cost": n.cost, "currency": n.currency},
			"paymentMethod": "card",
			"payment":       map[string]any{"card": n.card, "type": "card", "amount": n.amount, "currency": n.paidIn},
			"customer":      map[string]any{"id": fmt.Sprintf("demo-now-%d", i+1)},
			"metadata":      map[string]string{MadeUp: "true"},
		})
		if err != nil {
			return ids, fmt.Errorf("post a made-up transaction to %s: %w", api.Redacted(), err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func post(ctx context.Context, api *url.URL, key string, body any) (string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, api.JoinPath("transact").String(), bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ TransactionID, Detail string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("its answer, with status %d: %w", response.StatusCode, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return "", errors.New(answer.Detail)
	}
	return answer.TransactionID, nil
}
