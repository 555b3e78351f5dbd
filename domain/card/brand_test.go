package card_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
)

// testNumbers lists numbers that payment providers publish for testing; all pass the Luhn check.
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

// The test numbers that networks publish pass the Luhn check and have their brand.
func TestPublishedTestNumbers(t *testing.T) {
	for _, c := range testNumbers {
		details := describer.Describe(parse(t, c.digits))
		assert.Equal(t, c.brand, details.Brand, c.digits)
		assert.True(t, details.LuhnValid, "%s fails the Luhn check", c.digits)
		assert.Equal(t, len(c.digits), details.Length)
	}
}

func TestDescribeLuhnInvalid(t *testing.T) {
	for _, digits := range []string{"1234567887654321", "4111111111111112", "378282246310006", "4111111111111"} {
		assert.False(t, describer.Describe(parse(t, digits)).LuhnValid, "%s passes the Luhn check", digits)
	}
}

// A brand ends where its ranges end.
func TestBrandBeyondRanges(t *testing.T) {
	for _, c := range []struct{ brand, leads string }{
		{card.UnknownBrand, "0 1 306 309 33 35 3527 3590 7 9 60 6010 6012 606984 607985 608000 608501 61 640 643 66 68 69 8 809 820200 2 2199 2205 222099 272100 2721"},
		{"amex", "34 37 340000 379999"},
		{"diners", "300 305 36 38 39 399999"},
		{"jcb", "3528 3529 3588 3589 358999"},
		{"visa", "4 400000 499999"},
		{"mastercard", "51 55 510000 559999 222100 2222 2720 272099"},
		{"rupay", "508500 508999 606985 607 607984 608001 608500 652150 653 653149 817200 818 820199"},
		{"discover", "6011 644 649 65 652149 653150 659999"},
		{"unionpay", "62 620000 629999 810 8110 816 8171 817199"},
		{"maestro", "500 508499 56 57 58 59 63 67"},
	} {
		for lead := range strings.FieldsSeq(c.leads) {
			digits := lead + strings.Repeat("0", card.MaxDigits-len(lead))
			assert.Equal(t, c.brand, describer.Describe(parse(t, digits)).Brand, lead)
		}
	}
}

// A number has the brand of the longest range that holds it. The samples come from what each network publishes, and
// from the ranges next to its own.
func TestBrandOfLongestRange(t *testing.T) {
	for _, c := range []struct {
		digits, brand, coBrand string
		wrongLength            bool
	}{
		{"4012880000000073", "visa", "", false},
		{"401288000000007313", "visa", "", false}, // 18 digits
		{"40128800000000731", "visa", "", true},   // 17
		{"4571000000000001", "dankort", "visa", false},
		{"457100000000000", "dankort", "visa", true},
		{"4570000000000001", "visa", "", false},
		{"5019717010103742", "dankort", "", false},
		{"5018000000000009", "maestro", "", false},
		{"4011780000000000", "elo", "", false},
		{"5066991111111118", "elo", "", false},
		{"6362970000457013", "elo", "", false},
		{"6277800000000000", "elo", "", false},
		{"6277790000000000", "unionpay", "", false},
		{"6062825624254001", "hipercard", "", false},
		{"6062820000000", "hipercard", "", false},
		{"6370950000000005", "hiper", "", false},
		{"5895620000000000", "naranja", "", false},
		{"8171999900000000021", "unionpay", "", false},
		{"8110000000000000", "unionpay", "", false},
		{"8172000000000000", "rupay", "", false},
		{"6221260000000000", "unionpay", "discover", false},
		{"6229260000000000", "unionpay", "", false},
		{"6240000000000", "unionpay", "", true},
		{"30950000000000", "diners", "", false},
		{"30940000000000", "unknown", "", false},
		{"36148900647913", "diners", "", false},
		{"180000000000002", "jcb", "", false},
		{"213100000000001", "jcb", "", false},
		{"3530111333300000", "jcb", "", false},
		{"35301113333000", "jcb", "", true},
		{"2200000000000004", "mir", "", false},
		{"2204999999999999999", "mir", "", false},
		{"2205000000000000", "unknown", "", false},
		{"2223000048400011", "mastercard", "", false},
		{"2721000000000000", "unknown", "", false},
		{"9792000000000001", "troy", "", false},
		{"6500520000000001", "troy", "discover", false},
		{"6500530000000001", "discover", "", false},
		{"5060990000000000", "verve", "", false},
		{"506099000000000000", "verve", "", false},
		{"50609900000000000", "verve", "", true},
		{"5061280000000000", "maestro", "", false},
		{"8600000000000000", "uzcard", "", false},
		{"5614680000000000", "uzcard", "", false},
		{"9860000000000000", "humo", "", false},
		{"9704000000000018", "napas", "", false},
		{"6521500000000000", "rupay", "", false},
		{"6011000990139424", "discover", "", false},
		{"6600000000000000", "unknown", "", false},
		{"374245455400126", "amex", "", false},
		{"3742454554001260", "amex", "", true},
		{"1234567887654321", "unknown", "", false},
		{"99999999999999", "unknown", "", false},
	} {
		t.Run(c.digits, func(t *testing.T) {
			d := describer.Describe(parse(t, c.digits))
			assert.Equal(t, c.brand, d.Brand)
			assert.Equal(t, c.coBrand, d.CoBrand)
			assert.Equal(t, c.wrongLength, d.WrongLength())
		})
	}
}

// The table says where it is from, and has sound ranges.
func TestBrandTable(t *testing.T) {
	text, err := os.ReadFile("brands.json")
	require.NoError(t, err)
	var table struct {
		Source, Date string
		Brands       []struct {
			Brand   string
			Lengths []int
			Ranges  []string
		}
	}
	if err := json.Unmarshal(text, &table); err != nil || table.Source == "" || len(table.Date) != len("2026-11-29") {
		t.Fatal(err, table.Source, table.Date)
	}
	for _, b := range table.Brands {
		for _, r := range b.Ranges {
			from, to, several := strings.Cut(r, "-")
			if !regexp.MustCompile(`^[0-9]{1,8}(-[0-9]{1,8})?$`).MatchString(r) || several && (len(from) != len(to) || from >= to) {
				t.Errorf("%s: range %q", b.Brand, r)
			}
		}
		for _, n := range b.Lengths {
			assert.GreaterOrEqual(t, n, card.MinDigits, b.Brand)
			assert.LessOrEqual(t, n, card.MaxDigits, b.Brand)
		}
	}
}
