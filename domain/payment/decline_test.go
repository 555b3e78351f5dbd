package payment_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
)

func TestDocsListDeclineCodes(t *testing.T) {
	docs, err := os.ReadFile("../../docs/payments.md")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(docs), "| code | retryable | what it means |\n|--|--|--|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var want []string
	for _, d := range payment.DeclineCodes {
		retryable := map[bool]string{true: "yes", false: "no"}[d.Retryable]
		want = append(want, fmt.Sprintf("| `%s` | %s | %s |", d.Code, retryable, d.Meaning))
	}
	if got, want := table, strings.Join(want, "\n"); got != want {
		t.Errorf("docs/payments.md lists\n%s\nwant\n%s", got, want)
	}
}

// Every decline has a listed code.
func TestReasonOf(t *testing.T) {
	for _, c := range []struct {
		err       error
		code      payment.DeclineCode
		retryable bool
	}{
		{&payment.DeclinedError{Code: "51", Reason: payment.InsufficientFunds}, payment.InsufficientFunds, true},
		{fmt.Errorf("authorize: %w", &payment.DeclinedError{Reason: payment.LostCard}), payment.LostCard, false},
		{&payment.DeclinedError{Code: "what", Reason: "what"}, payment.GenericDecline, false},
		{&payment.DeclinedError{Code: "card_declined"}, payment.GenericDecline, false},
		{errors.New("away"), payment.GenericDecline, false},
	} {
		assert.Equal(t, payment.Decline{Code: c.code, Retryable: c.retryable}, *payment.NewDecline(payment.ReasonOf(c.err)), "%v", c.err)
	}
}

// No money is taken for a method without a gateway.
func TestRefuse(t *testing.T) {
	refuse := payment.Refuse{Known: []string{"card", "gpay"}}
	_, err := refuse.Authorize(t.Context(), payment.AuthorizeRequest{})
	assert.True(t, payment.IsDeclined(err))
	assert.Equal(t, payment.UnknownPaymentMethod, payment.ReasonOf(err))
	require.ErrorContains(t, err, "known methods: card, gpay")
	if _, err := refuse.Capture(t.Context(), payment.CaptureRequest{}); !payment.IsDeclined(err) {
		t.Errorf("Capture: %v", err)
	}
	if _, err := refuse.Refund(t.Context(), payment.RefundRequest{}); !payment.IsDeclined(err) {
		t.Errorf("Refund: %v", err)
	}
	assert.NoError(t, refuse.Void(t.Context(), payment.VoidRequest{}))
}
