package card

// UnknownBrand is the brand of a number whose first digits belong to no scheme in the table.
const UnknownBrand = "unknown"

// brands maps ranges of leading digits to card schemes; the first range that holds the number wins. Ranges are those
// the schemes publish for merchants. RuPay stands before Discover and Maestro, whose ranges surround its own.
var brands = []struct {
	from, to string
	name     string
}{
	{"34", "34", "amex"},
	{"37", "37", "amex"},
	{"300", "305", "diners"},
	{"36", "36", "diners"},
	{"38", "39", "diners"},
	{"3528", "3589", "jcb"},
	{"4", "4", "visa"},
	{"508500", "508999", "rupay"},
	{"606985", "607984", "rupay"},
	{"608001", "608500", "rupay"},
	{"652150", "653149", "rupay"},
	{"817200", "820199", "rupay"},
	{"51", "55", "mastercard"},
	{"222100", "272099", "mastercard"},
	{"6011", "6011", "discover"},
	{"644", "649", "discover"},
	{"65", "65", "discover"},
	{"62", "62", "unionpay"},
	{"50", "50", "maestro"},
	{"56", "58", "maestro"},
	{"6", "6", "maestro"},
}

func brand(digits string) string {
	for _, b := range brands {
		if lead := digits[:len(b.from)]; b.from <= lead && lead <= b.to {
			return b.name
		}
	}
	return UnknownBrand
}
