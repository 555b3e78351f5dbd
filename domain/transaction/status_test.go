package transaction_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/transaction"
)

// statuses lists the seed's codes and names, with one more at the end, and whether the caller's answer is known then.
var statuses = []struct {
	status  transaction.Status
	code    int
	name    string
	settled bool
}{
	{transaction.Pending, 11, "TRANSACTION_PENDING", false},
	{transaction.Fraudulent, 12, "TRANSACTION_FRAUDULENT", false},
	{transaction.AlertInitiated, 13, "TRANSACTION_ALERT_INITIATED", true},
	{transaction.AlertError, 14, "TRANSACTION_ALERT_ERROR", true},
	{transaction.AlertDone, 15, "TRANSACTION_ALERT_DONE", true},
	{transaction.PaymentInitiated, 16, "TRANSACTION_PAYMENT_INITIATED", false},
	{transaction.PaymentError, 17, "TRANSACTION_PAYMENT_ERROR", true},
	{transaction.PaymentComplete, 18, "TRANSACTION_PAYMENT_COMPLETE", true},
	{transaction.InReview, 19, "TRANSACTION_IN_REVIEW", false},
}

// Clients know these codes and names.
func TestStatusCodesAndNames(t *testing.T) {
	for _, c := range statuses {
		assert.Equal(t, c.code, int(c.status))
		assert.Equal(t, c.name, c.status.String())
		text, err := json.Marshal(c.status)
		require.NoError(t, err, "%s", c.status)
		assert.Equal(t, strconv.Itoa(c.code), string(text), "%s", c.status)
	}
}

// A status is settled once the caller's answer is known.
func TestStatusSettled(t *testing.T) {
	for _, c := range statuses {
		assert.Equal(t, c.settled, c.status.Settled(), "%s", c.status)
	}
}

// An unknown status shows its code and is not settled.
func TestUnknownStatus(t *testing.T) {
	for status, want := range map[transaction.Status]string{
		0: "TRANSACTION_STATUS_0", 10: "TRANSACTION_STATUS_10", 99: "TRANSACTION_STATUS_99", -1: "TRANSACTION_STATUS_-1",
	} {
		assert.Equal(t, want, status.String(), "status %d", int(status))
		assert.False(t, status.Settled(), "status %d is settled", int(status))
	}
}

// A status is found by its code and by its name.
func TestParseStatus(t *testing.T) {
	for _, c := range statuses {
		for _, text := range []string{strconv.Itoa(c.code), c.name} {
			got, known := transaction.ParseStatus(text)
			require.True(t, known, text)
			assert.Equal(t, c.status, got, text)
		}
	}
}

func TestParseStatusRefuses(t *testing.T) {
	for _, text := range []string{
		"", "0", "10", "99", "-18", "+18", "018", "18.0", " 18", "18 ", "PAYMENT_COMPLETE",
		"transaction_payment_complete", "TRANSACTION_STATUS_10",
	} {
		got, known := transaction.ParseStatus(text)
		assert.False(t, known, text)
		assert.Zero(t, got, text)
	}
}
