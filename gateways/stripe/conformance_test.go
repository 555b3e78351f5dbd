package stripe_test

import (
	"testing"

	"go.uber.org/goleak"

	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/gateways/stripe"
	"dummyorders/internal/paymenttest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	paymenttest.Run(t, func(t *testing.T) paymenttest.Provider {
		f := startFake(t)
		return paymenttest.Provider{
			Gateway:             stripe.New(testKey, f.URL),
			Means:               means(),
			Read:                f.movements,
			NoSuchAuthorization: "pi_none",
		}
	})
}

func means() paymenttest.Means {
	return paymenttest.Means{
		Good:         by("pm_card_visa"),
		Declined:     by("pm_card_visa_chargeDeclinedInsufficientFunds"),
		DeclinedCode: "insufficient_funds",
		Reason:       payment.InsufficientFunds,
		Uncapturable: by("pm_uncapturable"),
		Late:         by("pm_late"),
		FailsOnce: map[paymenttest.Call]paymenttest.Mean{
			paymenttest.Authorize: by("pm_busy_authorize"),
			paymenttest.Charge:    by("pm_busy_charge"),
			paymenttest.Capture:   by("pm_busy_capture"),
			paymenttest.Void:      by("pm_busy_void"),
			paymenttest.Refund:    by("pm_busy_refund"),
		},
		Lost: map[paymenttest.Call]paymenttest.Mean{
			paymenttest.Authorize: by("pm_lost_authorize"),
			paymenttest.Charge:    by("pm_lost_charge"),
			paymenttest.Capture:   by("pm_lost_capture"),
			paymenttest.Void:      by("pm_lost_void"),
			paymenttest.Refund:    by("pm_lost_refund"),
		},
	}
}

func by(token string) paymenttest.Mean {
	return paymenttest.Mean{Token: token, Amount: money.Money{Minor: 12300, Currency: "INR"}}
}

func (f *fake) movements(transactionID string) paymenttest.Movements {
	f.mu.Lock()
	defer f.mu.Unlock()
	var moved paymenttest.Movements
	for _, i := range f.intents {
		if i.metadata.Get("metadata[transactionID]") != transactionID {
			continue
		}
		moved.Taken += i.captures
		moved.GivenBack += i.refunds
		if i.status == "requires_capture" {
			moved.HoldsOpen++
		}
	}
	return moved
}
