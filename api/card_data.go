package api

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
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

// refuseVerificationValues refuses them by the names of members, and in texts by such a name before three or four digits.
func refuseVerificationValues(v *strictjson.Value) {
	if card.HoldsVerificationValue(norm.NFKC.String(v.Literal())) {
		v.Fault("must not hold a card verification value")
	}
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

// Faults of values that hold a card number.
const (
	ownNumber   = "must not hold the card number, which belongs in payment.card alone"
	otherNumber = "must not hold a card number, which belongs in payment.card alone"
	anyNumber   = "must not hold a card number"
)

// refuseCardNumbers looks everywhere else in a transaction for the payment's own card number, and for what is very likely
// another card number: there it would be kept and shown. An amount with a point is searched only for the payment's own
// number, and tokens have a check of their own. It returns the payment's own number.
func (r reader) refuseCardNumbers(root *strictjson.Value) card.Number {
	order, payment := root.Peek("order"), root.Peek("payment")
	own := payment.Peek("card")
	number, _ := card.ParseNumber(own.Literal())
	exempt, amounts := []*strictjson.Value{payment.Peek("token")}, []*strictjson.Value{order.Peek("cost"), payment.Peek("amount")}
	for _, item := range order.Peek("items").Elements() {
		amounts = append(amounts, item.Peek("cost"), item.Peek("discount"))
	}
	for _, amount := range amounts {
		if strings.Contains(amount.Literal(), ".") {
			exempt = append(exempt, amount)
		}
	}
	if r.maskOrderIDs {
		exempt = append(exempt, order.Peek("id"))
	}
	root.Walk(func(name string, v *strictjson.Value) {
		switch {
		case v == own:
		case number.AppearsIn(name) || slices.ContainsFunc(readAs(v), number.AppearsIn):
			v.Fault(ownNumber)
		case holdsNumber(name) || !slices.Contains(exempt, v) && slices.ContainsFunc(readAs(v), card.HoldsNumber):
			v.Fault(otherNumber)
		}
	})
	return number
}

// refuseAnyCardNumber looks for card numbers in a body that has no place for one.
func refuseAnyCardNumber(root *strictjson.Value) {
	root.Walk(func(name string, v *strictjson.Value) {
		if holdsNumber(name) || slices.ContainsFunc(readAs(v), card.HoldsNumber) {
			v.Fault(anyNumber)
		}
	})
}

// readAs returns the texts that a value may be kept or seen as: as it is written, with one sign for each that stands for
// several, such as a circled 42, and as the digits of a whole number.
func readAs(v *strictjson.Value) []string {
	texts := []string{v.Literal()}
	if composed := norm.NFKC.String(v.Literal()); composed != v.Literal() {
		texts = append(texts, composed)
	}
	if v.Kind() == strictjson.Number {
		if digits, whole := money.Whole(v.Literal(), transaction.MaxID); whole {
			texts = append(texts, digits)
		}
	}
	return texts
}

func holdsNumber(text string) bool {
	return card.HoldsNumber(text) || card.HoldsNumber(norm.NFKC.String(text))
}

// orderID returns an order's id as it is kept and looked for: masked, if it looks like a card number.
func (r reader) orderID(id string) string {
	if !r.maskOrderIDs || !holdsNumber(id) {
		return id
	}
	return r.cards.MaskID(id, transaction.MaxID)
}

// digitRun matches digits that belong together, with or without the grouping that is printed on cards.
var digitRun = regexp.MustCompile(`[0-9](?:[ -]?[0-9])*`)

// token returns a token that a gateway gave out for a card. It refuses what holds a card number, which would be kept and
// shown.
func (r reader) token(v *strictjson.Value) string {
	token := v.Literal()
	if holdsNumber(token) || slices.ContainsFunc(digitRun.FindAllString(token, -1), func(run string) bool {
		number, err := card.ParseNumber(run)
		return err == nil && r.cards.Describe(number).LuhnValid
	}) {
		v.Fault("must be a token that a gateway gave out, and this holds what looks like a card number, which belongs in payment.card")
	}
	return token
}
