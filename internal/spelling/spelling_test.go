package spelling_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"dummyorders/internal/spelling"
)

// A payment method has one spelling.
func TestPaymentMethod(t *testing.T) {
	for text, want := range map[string]string{
		"card": "card", "Card": "card", "CARD": "card", "card ": "card", "\tcard\n": "card", "ｃａｒｄ": "card", "car\u200bd": "card",
		"\ufeffcard": "card", "card\u00a0": "card", "Cre\u0301dit  Card": "cr\u00e9dit card", "Amazon\u00a0Pay": "amazon pay", "credit_card": "credit_card",
		"": "", " \u200b ": "", "支付宝": "支付宝", "ÄPFEL": "äpfel", "STRASSE": "strasse", "Straße": "strasse", "ΚΆΡΤΑΣ": "κάρτασ", "κάρτας": "κάρτασ", "card\ufe0f": "card",
	} {
		assert.Equal(t, want, spelling.PaymentMethod(text), text)
	}
}

func FuzzPaymentMethod(f *testing.F) {
	f.Add("Ｃａｒd \u200b")
	f.Fuzz(func(t *testing.T, text string) {
		once := spelling.PaymentMethod(text)
		assert.Equal(t, once, spelling.PaymentMethod(once))
	})
}

// All spellings of an id are read as one.
func TestID(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"c-1001", "c-1001"},
		{" c-1001\t", "c-1001"},
		{"\u00a0c-1001\u3000", "c-1001"},
		{"\u200bc-1001\ufeff", "c-1001"},
		{"c-\u200b1001", "c-1001"},
		{"c\u2060-10\u00ad01", "c-1001"},
		{"\u200ec-1001\u202c", "c-1001"},
		{"\u200dc-1001\u200c", "c-1001"},
		{"jose\u0301", "jos\u00e9"},
		{"e\u200b\u0301", "\u00e9"},
		{"\u212b", "\u00c5"},
		{"\u200b", ""},

		// These are different ids.
		{"C-1001", "C-1001"},
		{"c 1001", "c 1001"},
		{"می\u200cخواهم", "می\u200cخواهم"},
		{"👨\u200d👩", "👨\u200d👩"},
		{"ｃ", "ｃ"},
		{"\xff", "\ufffd"},
	} {
		t.Run(c.text, func(t *testing.T) {
			assert.Equal(t, c.want, spelling.ID(c.text), c.text)
			assert.Equal(t, c.want, spelling.ID(spelling.ID(c.text)), c.text)
		})
	}
}

// A country has one code.
func TestCountry(t *testing.T) {
	for code, want := range map[string]string{
		"IN": "IN", "in": "IN", "IND": "IN", "356": "IN", "GB": "GB", "UK": "GB", "uk": "GB", "GBR": "GB", "EL": "GR", "GR": "GR", "XK": "XK",
		"AC": "AC", "TA": "TA", "DG": "DG", "EA": "EA", "IC": "IC", "CP": "CP", "CQ": "CQ", "FX": "FR", "SU": "SU", "TW": "TW", "AQ": "AQ", "BU": "MM",
		"DD": "DE", "TP": "TL", "ZR": "CD",
		"": "", "ZZ": "", "QQ": "", "001": "", "EU": "", "Bharat": "", "I": "", "12": "",
	} {
		got, known := spelling.Country(code)
		assert.Equal(t, want, got, code)
		assert.Equal(t, want != "", known, code)
	}
}
