package demo_test

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/internal/demo"
)

var (
	end   = time.Date(2026, 11, 29, 15, 30, 0, 0, time.UTC)
	month = demo.Month(1, end)
)

// The same seed makes up the same month, and another seed another one.
func TestMonthIsRepeatable(t *testing.T) {
	assert.Equal(t, digest(t, month), digest(t, demo.Month(1, end)))
	assert.NotEqual(t, digest(t, month), digest(t, demo.Month(2, end)))
}

func digest(t *testing.T, all []ledger.Entry) [sha256.Size]byte {
	t.Helper()
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return sha256.Sum256(text)
}

// A month has something of everything, in the order of time, and says that it is made up.
func TestMonth(t *testing.T) {
	counts := map[string]int{}
	ids := map[string]bool{}
	last := time.Time{}
	for _, e := range month {
		r := e.Record
		require.Equal(t, "true", r.Metadata[demo.MadeUp])
		require.False(t, r.StartTime.Before(last), "%s comes late", r.TransactionID)
		require.NotNil(t, r.EndTime)
		require.False(t, r.EndTime.After(end.Add(time.Minute)), "%s ends after the end", r.TransactionID)
		last, ids[r.TransactionID] = r.StartTime, true
		counts["transactions"]++
		counts[string(r.Decision.Outcome)]++
		counts[r.TransactionStatus.Status]++
		for i, step := range r.Steps[1:] {
			require.True(t, r.Steps[i].Code.LeadsTo(step.Code), "%s goes from %s to %s", r.TransactionID, r.Steps[i].Status, step.Status)
		}
		for _, label := range r.Labels {
			require.False(t, label.Time.After(end.Add(time.Minute)))
			counts[label.Source+" "+label.Label]++
		}
		for _, tried := range r.Explanation.Trials {
			if tried.Outcome != r.Decision.Outcome {
				counts["disagreements"]++
			}
		}
		if r.Review != nil && r.Review.Expired {
			counts["expired"]++
		}
	}
	t.Log(counts)
	assert.Len(t, ids, len(month))
	for what, least := range map[string]int{
		"transactions": 5_000, string(fraud.Review): 50, string(fraud.Decline): 20, "expired": 1, "disagreements": 40,
		ledger.ByDispute + " " + ledger.Fraudulent: 50, ledger.ByReviewer + " " + ledger.Fraudulent: 20,
		ledger.ByReviewer + " " + ledger.Legitimate: 10, ledger.ByEarlyFraudWarning + " " + ledger.Fraudulent: 10,
		"TRANSACTION_PAYMENT_ERROR": 100,
	} {
		assert.GreaterOrEqual(t, counts[what], least, what)
	}
	assert.Greater(t, counts[string(fraud.Approve)], counts["transactions"]*9/10)
}
