package card_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/card"
)

// failer is the common part of testing.TB and the property tests' T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func parse(t failer, text string) card.Number {
	t.Helper()
	number, err := card.ParseNumber(text)
	if err != nil {
		t.Fatalf("%q is not a card number: %v", text, err)
	}
	return number
}

// A number has twelve to nineteen digits, grouped as on cards.
func TestParseNumber(t *testing.T) {
	for _, text := range []string{
		"123456789012",
		"1234567890123456789",
		"1234567887654321", // fails the Luhn check, which is a signal and not a malformed number
		"4111 1111 1111 1111",
		"4111-1111-1111-1111",
		"3782 822463 10005",
		"0000 0000 0000",
	} {
		_, err := card.ParseNumber(text)
		assert.NoError(t, err, text)
	}
}

// The error does not repeat the text.
func TestParseNumberRefuses(t *testing.T) {
	for _, text := range []string{
		"",
		" ",
		"12345678901",
		"12345678901234567890",
		"4111 1111 111",
		"411111111111111l",
		"4111.1111.1111.1111",
		"4111/1111/1111/1111",
		"4111\t1111\t1111\t1111",
		"4111111111111111\n",
		"4111111111111111\x00",
		"+4111111111111111",
		"-4242424242424242",
		"4242424242424242-",
		" 4242424242424242",
		"4242424242424242 ",
		"- 4242-4242-4242-4242 -",
		"4242  4242 4242 4242",
		"4242--4242-4242-4242",
		"4242 - 4242 - 4242 - 4242",
		"４２４２４２４２４２４２４２４２", // full-width digits
		"4.242424242424242e15",
		"4242424242424242.0",
		"1.234567890123e15",
		"0x4111111111111111",
		"4111\u00a01111\u00a01111\u00a01111", // no-break spaces
		"٤١١١١١١١١١١١١١١١",                   // digits, but not those of card numbers
		"six hundred and one",
	} {
		number, err := card.ParseNumber(text)
		if err == nil {
			t.Errorf("ParseNumber(%q) is accepted", text)
		} else if err.Error() != card.ErrNumber.Error() {
			t.Errorf("ParseNumber(%q) says %q, want %q", text, err, card.ErrNumber)
		}
		if number != (card.Number{}) {
			t.Errorf("ParseNumber(%q) gives a number beside its error", text)
		}
	}
}

// Whatever the text is, the error does not repeat it.
func TestParseNumberNeverRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9 xX.-]{8,30}`)).Draw(t, "text")
		if _, err := card.ParseNumber(text); err != nil && err.Error() != card.ErrNumber.Error() {
			t.Fatalf("ParseNumber(%q) says %q", text, err)
		}
	})
}

// The mask keeps the first six and the last four.
func TestMask(t *testing.T) {
	for _, c := range []struct{ digits, want string }{
		{"1234567887654321", "123456******4321"},
		{"123456789012", "123456**9012"},
		{"1234567890123456789", "123456*********6789"},
		{"12345678901", "***********"}, // too short for a card number, and completely hidden
		{"1234", "****"},
		{"", ""},
	} {
		assert.Equal(t, c.want, card.Mask(c.digits), c.digits)
	}
}

// A number is found in a text however it is grouped.
func TestAppearsIn(t *testing.T) {
	number := parse(t, "4111 1111 1111 1234")
	for _, c := range []struct {
		text string
		want bool
	}{
		{"4111111111111234", true},
		{"4111 1111 1111 1234", true},
		{"4111-1111-1111-1234", true},
		{"41 11-11 11 1111--1234", true},
		{`order 7 paid with "4111 1111 1111 1234", twice`, true},
		{"94111111111111234567", true},
		{"411111******1234", false},
		{"4111 1111 1111 123", false},
		{"4111 1111 1111 1235", false},
		{"", false},
	} {
		assert.Equal(t, c.want, number.AppearsIn(c.text), c.text)
	}
}

func TestAppearsInAnyGrouping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{12,19}`).Draw(t, "digits")
		var text strings.Builder
		for _, digit := range digits {
			text.WriteRune(digit)
			text.WriteString(rapid.StringMatching(`[ -]{0,2}`).Draw(t, "separator"))
		}
		require.True(t, parse(t, digits).AppearsIn("before "+text.String()+" after"), "%s does not appear in %q", digits, text.String())
	})
}

func TestAppearsInZeroNumber(t *testing.T) {
	var none card.Number
	assert.False(t, none.AppearsIn(""), "a number that was never parsed appears in a text")
	assert.False(t, none.AppearsIn("4111111111111111"), "a number that was never parsed appears in a text")
}

// Redact masks all that could be a card number.
func TestRedact(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"order 1234 of 2026", "order 1234 of 2026"},
		{"4929186730458126", "492918******8126"},
		{`card "4929 1867 3045 8126" twice`, `card "492918******8126" twice`},
		{"/metadata/4929-1867-3045-8126", "/metadata/492918******8126"},
		{"4929  1867 - 3045  8126", "492918******8126"},
		{"123456789012", "123456**9012"},
		{"12345678901", "12345678901"},
		{"1234567890123456789", "123456*********6789"},
		{"4242/4242/4242/4242", "424242******4242"},
		{"1234/5678/8765/4321", "123456******4321"},
		{"4242x4242x4242x4242", "424242******4242"},
		{"1234x5678x8765x4321", "123456******4321"},
		{"4a2a4a2a4a2a4a2a4a2a4a2a4a2a4a2", "424242******4242"},
		{"４２４２４２４２４２４２４２４２", "424242******4242"},
		{"٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢!", "424242******4242!"},
		{"4242\u200b4242\u200d4242\ufeff4242", "424242******4242"},
		{"4\ufe0f\u20e32\ufe0f\u20e3424242424242 42", "424242******4242"},
		{"card 4242–4242—4242·4242.", "card 424242******4242."},
		{"12/05/2026 to 14/05/2026", "12/05/2026 to 14/05/2026"},
		{"2026-05-17T08:30:00Z", "2026-05-17T08:30:00Z"},
		{"01a20824-dd1f-7a75-9b83-01a192dcec83", "01a20824-dd1f-7a75-9b83-01a192dcec83"},
		{"1700000000 4929186730458126", "170000****************8126"},
	} {
		assert.Equal(t, c.want, card.Redact(c.text), c.text)
	}
}

func TestRedactAmongOtherDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		around := rapid.StringMatching(`[0a -]{0,30}`)
		text := around.Draw(t, "before")
		for _, digit := range canary {
			text += string(digit) + rapid.StringMatching(`[ -]{0,2}`).Draw(t, "separator")
		}
		text += around.Draw(t, "after")
		redacted := card.Redact(text)
		require.False(t, shows(redacted), "Redact(%q) = %q", text, redacted)
	})
}

// A card number is found in a text however it is spelled.
func TestHoldsNumber(t *testing.T) {
	for _, text := range []string{
		"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242/4242/4242/4242", "4242.4242_4242,4242", "4242x4242x4242x4242",
		"4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2", "４２４２４２４２４２４２４２４２", "४२४२४२४२४२४२४२४२", "4242\u200b4242\u200b4242\u200b4242", "4242 - 4242 - 4242 - 4242",
		"order 7: 4242424242424242 12/27", "tok_4242424242424242_x", "378282246310005", "3782 822463 10005", "5555555555554444", "6011111111111117",
		"30569309025904", "3530111333300000", "6200000000000005", "4222222222222", "6759649826438453", "4000000000000000006",
	} {
		assert.True(t, card.HoldsNumber(text), "none is found in %q", text)
	}
	for _, text := range []string{
		"", "1234567887654321", "4242424242424241", "1000000000000008", // the last one passes the Luhn check, but belongs to no scheme
		"01a20824-dd1f-7a75-9b83-01a192dcec83", "2026-05-17T08:30:00.123Z", "+628123456789010", "424242424242", "1790000000000000000",
		"4242424242424242424242", "424242******4242", "4242 words 4242 4242 4242",
	} {
		assert.False(t, card.HoldsNumber(text), "one is found in %q", text)
	}
}
