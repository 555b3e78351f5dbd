package api

import (
	"regexp"
	"slices"
	"strings"

	"dummyorders/domain/card"
	"dummyorders/internal/strictjson"
)

// Card data may appear in one place only, payment.card, and verification values nowhere at all. Storing those is forbidden
// to everybody who takes cards (PCI DSS requirement 3.3), so they are refused before anything is kept.

// A verification value is recognized by a word in its name, or by its whole name.
var (
	nameWord         = regexp.MustCompile(`[A-Z]?[a-z]+[0-9]?|[A-Z]+[0-9]?`)
	verificationWord = regexp.MustCompile(`^(cvv|cvc|cvn|csc|cvd|cav)[0-9]?$`)
	verificationName = regexp.MustCompile(`^(card)?(cid|spc)$|(card)?(verification|validation|security)(code|value|number)$`)
)

// isVerificationName reports whether merchants use this name for the three or four digits beside a card number.
func isVerificationName(name string) bool {
	words := nameWord.FindAllString(name, -1)
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	return slices.ContainsFunc(words, verificationWord.MatchString) || verificationName.MatchString(strings.Join(words, ""))
}

func refuseVerificationValues(v *strictjson.Value) {
	for _, name := range v.Names() {
		if isVerificationName(name) {
			v.Refuse(name, "a card verification value must never be sent here")
			continue
		}
		refuseVerificationValues(v.Peek(name))
	}
	for _, element := range v.Elements() {
		refuseVerificationValues(element)
	}
}

// refuseCardNumbers looks everywhere else for the payment's own card number, and for what is very likely another card
// number: there it would be kept and shown. Amounts are searched only for the payment's own number, and tokens have a check
// of their own.
func refuseCardNumbers(root *strictjson.Value) {
	order, payment := root.Peek("order"), root.Peek("payment")
	own := payment.Peek("card")
	number, _ := card.ParseNumber(own.Literal())
	exempt := []*strictjson.Value{order.Peek("cost"), payment.Peek("amount"), payment.Peek("token")}
	for _, item := range order.Peek("items").Elements() {
		exempt = append(exempt, item.Peek("cost"), item.Peek("discount"))
	}
	root.Walk(func(name string, v *strictjson.Value) {
		switch {
		case v == own:
		case number.AppearsIn(name) || number.AppearsIn(v.Literal()):
			v.Fault("must not hold the card number, which belongs in payment.card alone")
		case card.HoldsNumber(name) || !slices.Contains(exempt, v) && card.HoldsNumber(v.Literal()):
			v.Fault("must not hold a card number, which belongs in payment.card alone")
		}
	})
}

// digitRun matches digits that belong together, with or without the grouping that is printed on cards.
var digitRun = regexp.MustCompile(`[0-9](?:[ -]?[0-9])*`)

// token returns a token that a gateway gave out for a card. It refuses what holds a card number, which would be kept and
// shown.
func (r reader) token(v *strictjson.Value) string {
	token := v.Literal()
	for _, run := range digitRun.FindAllString(token, -1) {
		if number, err := card.ParseNumber(run); err == nil && r.cards.Describe(number).LuhnValid {
			v.Fault("must be a token that a gateway gave out, and this holds what looks like a card number, which belongs in payment.card")
		}
	}
	return token
}
