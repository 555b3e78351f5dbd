package spelling_test

import (
	"testing"

	"dummyorders/internal/spelling"
)

func TestAPaymentMethodHasOneSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"card": "card", "Card": "card", "CARD": "card", "card ": "card", "\tcard\n": "card", "ｃａｒｄ": "card", "car\u200bd": "card",
		"\ufeffcard": "card", "card\u00a0": "card", "Cre\u0301dit  Card": "cr\u00e9dit card", "Amazon\u00a0Pay": "amazon pay", "credit_card": "credit_card",
		"": "", " \u200b ": "", "支付宝": "支付宝", "ÄPFEL": "äpfel", "card\ufe0f": "card",
	} {
		if got := spelling.PaymentMethod(text); got != want {
			t.Errorf("PaymentMethod(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzPaymentMethod(f *testing.F) {
	f.Add("Ｃａｒd \u200b")
	f.Fuzz(func(t *testing.T, text string) {
		once := spelling.PaymentMethod(text)
		if again := spelling.PaymentMethod(once); again != once {
			t.Errorf("%q, then %q", once, again)
		}
	})
}
