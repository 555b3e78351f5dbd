package simulated_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/gateways/simulated"
	"dummyorders/internal/paymenttest"
)

func request(t *testing.T, key, number string) payment.AuthorizeRequest {
	t.Helper()
	return payment.AuthorizeRequest{
		IdempotencyKey: key, TransactionID: "t", Card: paymenttest.Card(t, number), Amount: amount,
	}
}

// atOnce makes late answers arrive at once.
func atOnce(context.Context, time.Duration) error { return nil }

// payFor goes the way of a payment as far as it gets: hold, take, and where that fails release, and where that is
// refused give back. It asks three times, for as long as there is no final answer, and gives up on each that does not
// come. What it returns are the words for each answer.
func payFor(t *testing.T, g *simulated.Gateway, r payment.AuthorizeRequest) string {
	t.Helper()
	held, results := payment.Authorization{}, []string{}
	try := func(name string, call func(ctx context.Context) error) error {
		var err error
		for range 3 {
			ctx, giveUp := context.WithCancel(t.Context())
			timer := time.AfterFunc(50*time.Millisecond, giveUp)
			err = call(ctx)
			timer.Stop()
			giveUp()
			results = append(results, name+" "+word(err))
			if !payment.IsTemporary(err) && !payment.IsUnknown(err) {
				break
			}
		}
		return err
	}
	err := try("hold", func(ctx context.Context) (err error) { held, err = g.Authorize(ctx, r); return err })
	if err == nil {
		err = try("take", func(ctx context.Context) error {
			_, err := g.Capture(ctx, payment.CaptureRequest{AuthorizationID: held.ID, Amount: r.Amount})
			return err
		})
		if err != nil {
			err = try("release", func(ctx context.Context) error {
				return g.Void(ctx, payment.VoidRequest{AuthorizationID: held.ID})
			})
		}
		if payment.IsCaptured(err) {
			_ = try("give back", func(ctx context.Context) error {
				_, err := g.Refund(ctx, payment.RefundRequest{AuthorizationID: held.ID, Amount: r.Amount})
				return err
			})
		}
	}
	return strings.Join(results, ", ")
}

func word(err error) string {
	declined, isDeclined := errors.AsType[*payment.DeclinedError](err)
	switch {
	case err == nil:
		return "ok"
	case isDeclined:
		return declined.Code
	case payment.IsTemporary(err):
		return "not now"
	case payment.IsUnknown(err):
		return "no answer"
	case payment.IsCaptured(err):
		return "taken"
	}
	return err.Error()
}

// byCard holds the results of each test card of docs/payments.md.
var byCard = map[string]string{
	"4242424242424242": "hold ok, take ok",
	"1234567887654321": "hold ok, take ok",
	"5555550000000002": "hold ok, take ok", // ends like a test card, but is not one
	"4000000000000002": "hold card_declined",
	"4000000000009995": "hold insufficient_funds",
	"4000000000009987": "hold lost_card",
	"4000000000009979": "hold stolen_card",
	"4000000000000069": "hold expired_card",
	"4000000000006603": "hold no answer, hold no answer, hold no answer",
	"4000000000006611": "hold not now, hold ok, take ok",
	"4000000000006629": "hold not now, hold not now, hold not now",
	"4000000000006637": "hold ok, take ok",
	"4000000000006645": "hold no answer, hold ok, take ok",
	"4000000000000341": "hold ok, take processing_error, release ok",
	"4000000000006652": "hold ok, take no answer, take no answer, take no answer, release ok",
	"4000000000006660": "hold ok, take not now, take ok",
	"4000000000006678": "hold ok, take not now, take not now, take not now, release ok",
	"4000000000006686": "hold ok, take ok",
	"4000000000006694": "hold ok, take no answer, take ok",
	"4000000000006702": "hold ok, take no answer, take no answer, take no answer, release taken, give back ok",
	"4000000000006710": "hold ok, take processing_error, release not now, release ok",
	"4000000000006728": "hold ok, take processing_error, release no answer, release ok",
	"4000000000006736": "hold ok, take processing_error, release void_not_allowed",
	"4000000000006744": "hold ok, take no answer, take no answer, take no answer, release taken, give back not now, give back ok",
	"4000000000006751": "hold ok, take no answer, take no answer, take no answer, release taken, give back no answer, give back ok",
	"4000000000006769": "hold ok, take no answer, take no answer, take no answer, release taken, give back refund_not_allowed",
}

// A test card decides the result of each call.
func TestCards(t *testing.T) {
	for number, want := range byCard {
		assert.Equal(t, want, payFor(t, simulated.New("default").WithWait(atOnce), request(t, "k", number)), number)
	}
}

func TestCardDeclineCodes(t *testing.T) {
	for number, want := range map[string]payment.DeclineCode{
		"4000000000000002": payment.GenericDecline,
		"4000000000009995": payment.InsufficientFunds,
		"4000000000009987": payment.LostCard,
		"4000000000009979": payment.StolenCard,
		"4000000000000069": payment.ExpiredCard,
		"4000000000000341": payment.ProcessingError,
	} {
		t.Run(number, func(t *testing.T) {
			g, r := simulated.New("default"), request(t, "k", number)
			held, err := g.Authorize(t.Context(), r)
			if err == nil {
				_, err = g.Capture(t.Context(), payment.CaptureRequest{AuthorizationID: held.ID, Amount: r.Amount})
			}
			require.True(t, payment.IsDeclined(err), "%v", err)
			require.Equal(t, want, payment.ReasonOf(err))
		})
	}
}

// sameAs holds the card with the same behaviour as a test amount.
var sameAs = map[int64]string{
	7701: "4000000000009995", 7702: "4000000000006603", 7703: "4000000000006611", 7704: "4000000000006629",
	7705: "4000000000006637", 7706: "4000000000006645", 7707: "4000000000000341", 7708: "4000000000006694",
	7709: "4000000000006736", 7700: "4242424242424242", 7710: "4242424242424242",
}

// A test amount does what its card does, in any currency with hundredths.
func TestAmounts(t *testing.T) {
	for minor, number := range sameAs {
		for currency, want := range map[money.Currency]string{
			"USD": byCard[number], "INR": byCard[number], "JPY": byCard["4242424242424242"], "KWD": byCard["4242424242424242"],
		} {
			r := request(t, "k", "4242424242424242")
			r.Amount = money.Money{Minor: minor, Currency: currency}
			assert.Equal(t, want, payFor(t, simulated.New("default").WithWait(atOnce), r), "%s", r.Amount)
		}
	}
}

// A test card counts before a test amount.
func TestCardBeforeAmount(t *testing.T) {
	r := request(t, "k", "4000000000009987")
	r.Amount = money.Money{Minor: 7701, Currency: "USD"}
	require.Equal(t, "hold lost_card", payFor(t, simulated.New("default"), r))
}

// Tokens that Stripe declines are declined, others are not.
func TestTokens(t *testing.T) {
	for token, want := range map[string]string{
		"pm_card_visa":                "hold ok, take ok",
		"anything else":               "hold ok, take ok",
		"pm_card_visa_chargeDeclined": "hold card_declined",
		"pm_card_visa_chargeDeclinedInsufficientFunds": "hold insufficient_funds",
		"pm_card_visa_chargeDeclinedLostCard":          "hold lost_card",
		"pm_card_visa_chargeDeclinedStolenCard":        "hold stolen_card",
		"pm_card_chargeDeclinedExpiredCard":            "hold expired_card",
	} {
		r := payment.AuthorizeRequest{IdempotencyKey: "k", Token: token, Amount: amount}
		require.Equal(t, want, payFor(t, simulated.New("default"), r), token)
	}
}

// A late answer takes two of the ten seconds that callers give.
func TestLateAnswer(t *testing.T) {
	var waited []time.Duration
	gateway := simulated.New("default").WithWait(func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	})
	require.Equal(t, byCard["4000000000006637"], payFor(t, gateway, request(t, "a", "4000000000006637")))
	require.Equal(t, byCard["4000000000006686"], payFor(t, gateway, request(t, "b", "4000000000006686")))
	require.Equal(t, []time.Duration{2 * time.Second, 2 * time.Second}, waited)
}

// The tables of docs/payments.md are compared with what was tested above.
func TestDocsListEveryCard(t *testing.T) {
	text, err := os.ReadFile("../../docs/payments.md")
	require.NoError(t, err)
	documented := regexp.MustCompile(`(?m)^\| (4000 0000 0000 \d{4}) `).FindAllStringSubmatch(string(text), -1)
	cards := map[string]bool{}
	for _, found := range documented {
		number := strings.ReplaceAll(found[1], " ", "")
		cards[number] = true
		require.Contains(t, byCard, number, "documented, and not tried")
		require.True(t, paymenttest.Card(t, number).LuhnValid, "%s fails the Luhn check", number)
	}
	for number := range byCard {
		if strings.HasPrefix(number, "400000") {
			require.True(t, cards[number], "%s is not documented", number)
		}
	}
	for minor, number := range sameAs {
		row := fmt.Sprintf("| %s %s %s %s | 77.%02d |", number[:4], number[4:8], number[8:12], number[12:], minor-7700)
		require.Equal(t, minor != 7700 && minor != 7710, strings.Contains(string(text), row), row)
	}
}
