package card_test

import (
	"strings"
	"testing"

	"dummyorders/domain/card"
)

// testNumbers are numbers that payment providers publish for testing; all pass the Luhn check.
var testNumbers = []struct{ digits, brand string }{
	{"4111111111111111", "visa"},
	{"4242424242424242", "visa"},
	{"4012888888881881", "visa"},
	{"4222222222222", "visa"},
	{"4000000000000000006", "visa"},
	{"5555555555554444", "mastercard"},
	{"5105105105105100", "mastercard"},
	{"2223003122003222", "mastercard"},
	{"2222420000001113", "mastercard"},
	{"378282246310005", "amex"},
	{"371449635398431", "amex"},
	{"341111111111111", "amex"},
	{"30569309025904", "diners"},
	{"3056930009020004", "diners"},
	{"38520000023237", "diners"},
	{"36227206271667", "diners"},
	{"3530111333300000", "jcb"},
	{"3566002020360505", "jcb"},
	{"6011111111111117", "discover"},
	{"6011000990139424", "discover"},
	{"6200000000000005", "unionpay"},
	{"6205500000000000004", "unionpay"},
	{"6073849700004947", "rupay"},
	{"50339619890917", "maestro"},
	{"586824160825533338", "maestro"},
	{"6304000000000000", "maestro"},
	{"6759560045005727054", "maestro"},
	{"6799990100000000019", "maestro"},
}

func TestPublishedTestNumbersPassTheLuhnCheckUnderTheirBrand(t *testing.T) {
	for _, c := range testNumbers {
		details := describer.Describe(parse(t, c.digits))
		if details.Brand != c.brand {
			t.Errorf("%s is of brand %s, want %s", c.digits, details.Brand, c.brand)
		}
		if !details.LuhnValid {
			t.Errorf("%s fails the Luhn check", c.digits)
		}
		if details.Length != len(c.digits) {
			t.Errorf("%s has %d digits, want %d", c.digits, details.Length, len(c.digits))
		}
	}
}

func TestANumberThatFailsTheLuhnCheckIsDescribedAsSuch(t *testing.T) {
	for _, digits := range []string{"1234567887654321", "4111111111111112", "378282246310006", "4111111111111"} {
		if describer.Describe(parse(t, digits)).LuhnValid {
			t.Errorf("%s passes the Luhn check", digits)
		}
	}
}

func TestABrandEndsWhereItsRangesEnd(t *testing.T) {
	for _, c := range []struct{ brand, leads string }{
		{card.UnknownBrand, "0 1 306 309 33 35 3527 3590 7 9 59 8 816 817199 820200 2 222099 272100 2721"},
		{"amex", "34 37 340000 379999"},
		{"diners", "300 305 36 38 39 399999"},
		{"jcb", "3528 3529 3588 3589 358999"},
		{"visa", "4 400000 499999"},
		{"mastercard", "51 55 510000 559999 222100 2222 2720 272099"},
		{"rupay", "508500 508999 606985 607 607984 608001 608500 652150 653 653149 817200 818 820199"},
		{"discover", "6011 644 649 65 652149 653150 659999"},
		{"unionpay", "62 620000 629999"},
		{"maestro", "500 508499 509 56 57 58 60 6010 6012 606984 607985 608000 608501 61 63 640 643 66 67 68 69"},
	} {
		for lead := range strings.FieldsSeq(c.leads) {
			digits := lead + strings.Repeat("0", card.MaxDigits-len(lead))
			if got := describer.Describe(parse(t, digits)).Brand; got != c.brand {
				t.Errorf("a number that starts with %s is of brand %s, want %s", lead, got, c.brand)
			}
		}
	}
}
