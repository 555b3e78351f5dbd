// Package simulated is a payment gateway that moves no money. It answers as a real one would, by the card: most are
// authorized and captured, and a few test cards are declined.
package simulated

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"dummyorders/domain/card"
	"dummyorders/domain/payment"
)

// namespace makes ids a pure function of the idempotency key: the gateway needs no memory to answer a retry the same.
var namespace = uuid.MustParse("5d0a9d2c-51b4-4a53-9d6c-54c1b8b9a0d1")

// testCard is known by what is left of a card number.
type testCard struct {
	firstSix, lastFour string
}

// declinedCards are declined when the amount is held. They end like the test cards of a well-known provider,
// https://docs.stripe.com/testing#declined-payments, so that one set serves every gateway.
var declinedCards = map[testCard]string{
	{"400000", "0002"}: "card_declined",
	{"400000", "9995"}: "insufficient_funds",
	{"400000", "9987"}: "lost_card",
	{"400000", "0069"}: "expired_card",
}

// captureDeclined is held without complaint, and declined when the money is to be taken (4000 0000 0000 0341).
var captureDeclined = testCard{"400000", "0341"}

// Gateway answers under the name of the payment method that it stands for.
type Gateway struct {
	name string
}

// New gives a gateway its name.
func New(name string) Gateway {
	return Gateway{name: name}
}

// Name is the name it was given.
func (g Gateway) Name() string {
	return g.name
}

// Authorize declines the declined test cards.
func (g Gateway) Authorize(_ context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	if code, declined := declinedCards[known(r.Card)]; declined {
		return payment.Authorization{}, &payment.DeclinedError{Gateway: g.name, Code: code}
	}
	prefix := "auth_"
	if known(r.Card) == captureDeclined {
		prefix = uncapturable
	}
	return payment.Authorization{ID: prefix + id(r.IdempotencyKey), Gateway: g.name}, nil
}

// Capture declines what was held on the card that is declined only here.
func (g Gateway) Capture(_ context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	if strings.HasPrefix(r.AuthorizationID, uncapturable) {
		return payment.Capture{}, &payment.DeclinedError{Gateway: g.name, Code: "processing_error"}
	}
	return payment.Capture{ID: "capture_" + id(r.IdempotencyKey)}, nil
}

// Void always succeeds.
func (g Gateway) Void(context.Context, payment.VoidRequest) error {
	return nil
}

// uncapturable marks authorizations that Capture will decline: the gateway's only memory is in the ids it gives out.
const uncapturable = "auth_uncapturable_"

func known(c card.Details) testCard {
	return testCard{c.FirstSix, c.LastFour}
}

func id(key string) string {
	return uuid.NewSHA1(namespace, []byte(key)).String()
}
