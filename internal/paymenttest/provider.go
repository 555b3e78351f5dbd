// Package paymenttest holds what every payment.Gateway has to do, as tests. A gateway runs them against its provider, or
// a stand-in for it.
package paymenttest

import (
	"testing"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
)

// Provider is a gateway under test, with how to make it behave, and the books of whoever moves the money behind it.
type Provider struct {
	Gateway payment.Gateway
	Means   Means
	// Read is what the provider's books say about one transaction.
	Read func(transactionID string) Books
	// NoSuchAuthorization is an id that the gateway has never given out.
	NoSuchAuthorization string
}

// Means are ways to pay, each with what it provokes. Those that fail in some calls do as asked in all others.
type Means struct {
	Good         Mean
	Declined     Mean
	DeclinedCode string // the gateway's word for it, and Reason what that means
	Reason       payment.DeclineCode
	// Uncapturable is held, and then declined when it is to be taken.
	Uncapturable Mean
	// Late answers, but not at once.
	Late Mean
	// FailsOnce fails for now, the first time, in the call that is the key.
	FailsOnce map[Call]Mean
	// Lost does what it is asked to in the call that is the key, and answers only when asked again.
	Lost map[Call]Mean
}

// Mean is what a payment is made with.
type Mean struct {
	Card   card.Details
	Token  string
	Amount money.Money
}

// Call is one of a gateway's calls.
type Call string

// The calls.
const (
	Authorize Call = "authorize"
	Capture   Call = "capture"
	Void      Call = "void"
	Refund    Call = "refund"
)

// Books are counts of movements: a hold that was released, and money that was given back, have moved twice.
type Books struct {
	HoldsOpen int
	Taken     int
	GivenBack int
}

// Card describes a card number.
func Card(t *testing.T, number string) card.Details {
	t.Helper()
	parsed, err := card.ParseNumber(number)
	if err != nil {
		t.Fatal(err)
	}
	return card.NewDescriber([]byte("a fingerprint key of the tests.....")).Describe(parsed)
}
