package simulated

import (
	"dummyorders/domain/card"
	"dummyorders/domain/payment"
)

// behaviour is what a test card, amount or token makes the gateway do, for each call; the zero value complies with every
// call. Its name is a part of the authorization's id, from which any process reads it, so it must not change.
type behaviour struct {
	name                             string
	lastFour                         string // of the card 4000 00** **** ****
	cents                            int64  // of the amount, in a currency with two digits; 0 for no amount
	pm                               string // the token
	authorize, capture, void, refund reaction
}

// behaviours are the same as in docs/payments.md, which a test checks. The cards that decline, and the tokens, are those of
// https://docs.stripe.com/testing, so that one set serves every gateway. The cards 66** mean nothing there.
var behaviours = []behaviour{
	{name: "carddeclined", lastFour: "0002", pm: "pm_card_visa_chargeDeclined", authorize: declines("card_declined")},
	{name: "nofunds", lastFour: "9995", cents: 7701, pm: "pm_card_visa_chargeDeclinedInsufficientFunds", authorize: declines("insufficient_funds")},
	{name: "lostcard", lastFour: "9987", pm: "pm_card_visa_chargeDeclinedLostCard", authorize: declines("lost_card")},
	{name: "stolencard", lastFour: "9979", pm: "pm_card_visa_chargeDeclinedStolenCard", authorize: declines("stolen_card")},
	{name: "expiredcard", lastFour: "0069", pm: "pm_card_chargeDeclinedExpiredCard", authorize: declines("expired_card")},

	{name: "silent", lastFour: "6603", cents: 7702, authorize: reaction{does: silent}},
	{name: "failsonce", lastFour: "6611", cents: 7703, authorize: reaction{does: failOnce}},
	{name: "fails", lastFour: "6629", cents: 7704, authorize: reaction{does: fail}},
	{name: "late", lastFour: "6637", cents: 7705, authorize: reaction{does: answerLate}},
	{name: "lost", lastFour: "6645", cents: 7706, authorize: reaction{does: loseAnswer}},

	{name: "uncapturable", lastFour: "0341", cents: 7707, capture: declines("processing_error")},
	{name: "capturesilent", lastFour: "6652", capture: reaction{does: silent}},
	{name: "capturefailsonce", lastFour: "6660", capture: reaction{does: failOnce}},
	{name: "capturefails", lastFour: "6678", capture: reaction{does: fail}},
	{name: "capturelate", lastFour: "6686", capture: reaction{does: answerLate}},
	{name: "capturelost", lastFour: "6694", cents: 7708, capture: reaction{does: loseAnswer}},
	{name: "capturemute", lastFour: "6702", capture: reaction{does: loseEveryAnswer}},

	{name: "voidfailsonce", lastFour: "6710", capture: declines("processing_error"), void: reaction{does: failOnce}},
	{name: "voidlost", lastFour: "6728", capture: declines("processing_error"), void: reaction{does: loseAnswer}},
	{name: "unvoidable", lastFour: "6736", cents: 7709, capture: declines("processing_error"), void: declines("void_not_allowed")},
	{name: "refundfailsonce", lastFour: "6744", capture: reaction{does: loseEveryAnswer}, refund: reaction{does: failOnce}},
	{name: "refundlost", lastFour: "6751", capture: reaction{does: loseEveryAnswer}, refund: reaction{does: loseAnswer}},
	{name: "unrefundable", lastFour: "6769", capture: reaction{does: loseEveryAnswer}, refund: declines("refund_not_allowed")},
}

// behaviourFor chooses a behaviour by the card or the token, then by the amount.
func behaviourFor(r payment.AuthorizeRequest) behaviour {
	digits, err := r.Amount.Currency.Digits()
	hundredths := err == nil && digits == 2
	for _, b := range behaviours {
		if isTestCard(r.Card, b.lastFour) || b.pm != "" && b.pm == r.Token {
			return b
		}
	}
	for _, b := range behaviours {
		if hundredths && b.cents != 0 && b.cents == r.Amount.Minor {
			return b
		}
	}
	return behaviour{}
}

// isTestCard reports whether the card is 4000 00** with these last four digits: only these are kept of a card number.
func isTestCard(c card.Details, lastFour string) bool {
	return c.FirstSix == "400000" && c.LastFour == lastFour
}
