package simulated_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/gateways/simulated"
	"dummyorders/internal/paymenttest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	paymenttest.Run(t, func(t *testing.T) paymenttest.Provider {
		gateway := simulated.New("amazonpay")
		return paymenttest.Provider{
			Gateway:             gateway,
			Means:               means(t),
			Read:                func(transactionID string) paymenttest.Movements { return read(t, gateway, transactionID) },
			NoSuchAuthorization: "auth_1",
		}
	})
}

func means(t *testing.T) paymenttest.Means {
	card := func(number string) paymenttest.Mean {
		return paymenttest.Mean{Card: paymenttest.Card(t, number), Amount: amount}
	}
	return paymenttest.Means{
		Good:         card("4242424242424242"),
		Declined:     card("4000000000009995"),
		DeclinedCode: "insufficient_funds",
		Reason:       payment.InsufficientFunds,
		Uncapturable: card("4000000000000341"),
		Late:         card("4000000000006637"),
		FailsOnce: map[paymenttest.Call]paymenttest.Mean{
			paymenttest.Authorize: card("4000000000006611"),
			paymenttest.Charge:    card("4000000000006611"),
			paymenttest.Capture:   card("4000000000006660"),
			paymenttest.Void:      card("4000000000006710"),
			paymenttest.Refund:    card("4000000000006744"),
		},
		Lost: map[paymenttest.Call]paymenttest.Mean{
			paymenttest.Authorize: card("4000000000006645"),
			paymenttest.Charge:    card("4000000000006694"),
			paymenttest.Capture:   card("4000000000006694"),
			paymenttest.Void:      card("4000000000006728"),
			paymenttest.Refund:    card("4000000000006751"),
		},
	}
}

// read counts movements of the amount, each of which has to be the whole of it.
func read(t *testing.T, gateway *simulated.Gateway, transactionID string) paymenttest.Movements {
	var moved paymenttest.Movements
	for _, hold := range gateway.Movements() {
		if hold.TransactionID == transactionID {
			moved.HoldsOpen += times(t, hold.Held)
			moved.Taken += times(t, hold.Taken)
			moved.GivenBack += times(t, hold.GivenBack)
		}
	}
	return moved
}

func times(t *testing.T, moved int64) int {
	assert.Zero(t, moved%amount.Minor, "%d was moved, which is no multiple of %d", moved, amount.Minor)
	return int(moved / amount.Minor)
}

var amount = money.Money{Minor: 12300, Currency: "INR"}

// ended is the context of a caller that has given up.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
