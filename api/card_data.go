package api

import (
	"regexp"
	"strings"

	"dummyorders/domain/card"
	"dummyorders/internal/strictjson"
)

// Card data may stand in one place only, payment.card, and verification values nowhere at all: storing them is
// forbidden to everybody who takes cards (PCI DSS requirement 3.3), so they are refused before anything is kept.

// verificationName is what merchants call the three or four digits beside a card number.
var verificationName = regexp.MustCompile(`^(card)?(cvv|cvc|cvn|csc|cvd|cid|cav|spc)[0-9]?(code|value|number)?$|` +
	`^(card)?(verification|validation|security)(code|value|number)$`)

func refuseVerificationValues(v *strictjson.Value) {
	for _, name := range v.Names() {
		plain := strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(name))
		if verificationName.MatchString(plain) {
			v.Refuse(name, "a card verification value must never be sent here")
			continue
		}
		refuseVerificationValues(v.Peek(name))
	}
	for _, element := range v.Elements() {
		refuseVerificationValues(element)
	}
}

// refuseCardNumber looks for the payment's own card number everywhere else: there it would be kept and shown.
func refuseCardNumber(root, cardValue *strictjson.Value) {
	number, err := card.ParseNumber(cardValue.Literal())
	if err != nil {
		return
	}
	root.Walk(func(name string, v *strictjson.Value) {
		if v != cardValue && (number.AppearsIn(name) || number.AppearsIn(v.Literal())) {
			v.Fault("must not hold the card number, which belongs in payment.card alone")
		}
	})
}
