package simulated_test

import (
	"errors"
	"testing"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/gateways/simulated"
)

var amount = money.Money{Minor: 12300, Currency: "INR"}

func request(t *testing.T, key, number string) payment.AuthorizeRequest {
	t.Helper()
	parsed, err := card.ParseNumber(number)
	if err != nil {
		t.Fatal(err)
	}
	return payment.AuthorizeRequest{IdempotencyKey: key, Card: card.NewDescriber([]byte("key")).Describe(parsed), Amount: amount}
}

func TestTestCardsAreDeclinedAndOthersAreNot(t *testing.T) {
	gateway := simulated.New("amazonpay")
	for number, code := range map[string]string{
		"4242424242424242": "",
		"1234567887654321": "",
		"5555550000000002": "", // ends like a test card and is none
		"4000000000000002": "card_declined",
		"4000000000009995": "insufficient_funds",
		"4000000000009987": "lost_card",
		"4000000000000069": "expired_card",
	} {
		_, err := gateway.Authorize(t.Context(), request(t, "t/authorize", number))
		var declined *payment.DeclinedError
		if got := errors.As(err, &declined); got != (code != "") || got && (declined.Code != code || declined.Gateway != "amazonpay") {
			t.Errorf("%s: %v, want %q", number, err, code)
		}
	}
}

func TestTheSameKeyIsTheSameMovementOfMoney(t *testing.T) {
	// Two gateways: a process that was killed has lost whatever it kept in memory.
	first, err := simulated.New("paytm").Authorize(t.Context(), request(t, "t/authorize", "4242424242424242"))
	again, againErr := simulated.New("paytm").Authorize(t.Context(), request(t, "t/authorize", "4242424242424242"))
	other, otherErr := simulated.New("paytm").Authorize(t.Context(), request(t, "u/authorize", "4242424242424242"))
	if errors.Join(err, againErr, otherErr) != nil || first != again || first == other {
		t.Errorf("%+v, then %+v under the same key, and %+v under another", first, again, other)
	}
	capture := payment.CaptureRequest{IdempotencyKey: "t/capture", AuthorizationID: first.ID, Amount: amount}
	one, err := simulated.New("paytm").Capture(t.Context(), capture)
	two, againErr := simulated.New("paytm").Capture(t.Context(), capture)
	if errors.Join(err, againErr) != nil || one != two {
		t.Errorf("%+v, then %+v under the same key", one, two)
	}
}

func TestACardThatIsDeclinedOnlyAtCaptureIsHeldFirstAndCanBeReleasedTwice(t *testing.T) {
	gateway := simulated.New("default")
	held, err := gateway.Authorize(t.Context(), request(t, "t/authorize", "4000000000000341"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.Capture(t.Context(), payment.CaptureRequest{AuthorizationID: held.ID}); !payment.IsDeclined(err) {
		t.Errorf("capture: %v, want a decline", err)
	}
	for range 2 {
		if err := gateway.Void(t.Context(), payment.VoidRequest{AuthorizationID: held.ID}); err != nil {
			t.Errorf("void: %v", err)
		}
	}
}
