// Package paymenttest holds tests that every payment.Gateway must pass. A gateway runs them against its provider or a
// stand-in for it.
package paymenttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
)

// Provider is a gateway under test, with the means to make it behave in certain ways and to read
// what the provider behind it has moved.
type Provider struct {
	Gateway payment.Gateway
	Means   Means
	// Read returns what the provider has moved for one transaction.
	Read func(transactionID string) Movements
	// NoSuchAuthorization is an id that the gateway has never returned.
	NoSuchAuthorization string
}

// Means holds ways to pay, by what they provoke. Those that fail in some calls succeed in all others.
type Means struct {
	Good         Mean
	Declined     Mean
	DeclinedCode string // the gateway's own code, whose meaning is Reason
	Reason       payment.DeclineCode
	// Uncapturable can be held, but its capture is declined. A charge is declined, or only holds.
	Uncapturable Mean
	// Late gets an answer, but not at once.
	Late Mean
	// FailsOnce fails temporarily, the first time, in the call that is the key.
	FailsOnce map[Call]Mean
	// Lost does what is asked in the call that is the key, but answers only when it is asked again.
	Lost map[Call]Mean
}

// Mean is a way to pay.
type Mean struct {
	Card   card.Details
	Token  string
	Amount money.Money
}

// Call names one of a gateway's calls.
type Call string

// These are the calls.
const (
	Authorize Call = "authorize"
	Charge    Call = "charge" // of a payment.Charger
	Capture   Call = "capture"
	Void      Call = "void"
	Refund    Call = "refund"
)

// Movements counts what a provider has moved: a hold that was released, and money that was given back, have moved twice.
type Movements struct {
	HoldsOpen int
	Taken     int
	GivenBack int
}

// Card returns the details of a card number.
func Card(t *testing.T, number string) card.Details {
	t.Helper()
	parsed, err := card.ParseNumber(number)
	require.NoError(t, err)
	return card.NewDescriber([]byte("a fingerprint key of the tests.....")).Describe(parsed)
}
