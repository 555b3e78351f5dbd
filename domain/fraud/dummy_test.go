package fraud_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"

	"dummyorders/domain/fraud"
)

// The first eight bytes of the SHA-256 of these ids leave 7 and 0 when divided by ten.
const (
	approvedID = "01990000-0000-7000-8000-000000000001"
	declinedID = "01990000-0000-7000-8000-000000000018"
)

func TestDummyDeclinesOneInTen(t *testing.T) {
	const transactions = 10_000
	ids, declined := newIDs(2), 0
	for range transactions {
		if detect(t, fraud.Dummy{}, payment(ids.next(), inr(12300), true)).Outcome == fraud.Decline {
			declined++
		}
	}
	// The ids are always the same, so the result does not depend on luck; 100 either way is three standard deviations.
	assert.GreaterOrEqual(t, declined, 900)
	assert.LessOrEqual(t, declined, 1100)
}

// Dummy looks at nothing but the id.
func TestDummyDecidesByID(t *testing.T) {
	ids := newIDs(3)
	for range 200 {
		one := payment(ids.next(), inr(12300), true)
		other := payment(one.ID, usd(1<<40), true)
		other.Order.ID, other.PaymentMethod, other.IP = "4321", "paytm", "192.0.2.1"
		assert.Empty(t, cmp.Diff(detect(t, fraud.Dummy{}, one), detect(t, fraud.Dummy{}, other)), "two transactions with the id %s are decided differently", one.ID)
	}
}

// A retry may reach another version of the program. If these decisions change, the ruleset's version has to change as well.
func TestDummyStays(t *testing.T) {
	for id, want := range map[string]fraud.Outcome{
		approvedID:                             fraud.Approve,
		"01990000-0000-7000-8000-000000000002": fraud.Approve,
		declinedID:                             fraud.Decline,
		"01990000-0000-7000-8000-00000000001e": fraud.Decline,
	} {
		d := detect(t, fraud.Dummy{}, payment(id, inr(12300), true))
		assert.Equal(t, want, d.Outcome, id)
		assert.Equal(t, 1, d.Ruleset.Version, id)
	}
}

func TestDummyReasons(t *testing.T) {
	luhn := fraud.Reason{Code: "CARD_LUHN_INVALID", Message: "the card number fails the Luhn check"}
	oneInTen := fraud.Reason{Code: "DUMMY_ONE_IN_TEN", Message: "the dummy detector declines one transaction in ten"}
	for _, c := range []struct {
		name      string
		id        string
		luhnValid bool
		want      fraud.Decision
	}{
		{"approved", approvedID, true, fraud.Decision{
			Outcome: fraud.Approve, Score: 0, RiskLevel: fraud.NormalRisk, Reasons: []fraud.Reason{},
		}},
		{"approved with a bad card number", approvedID, false, fraud.Decision{
			Outcome: fraud.Approve, Score: 5, RiskLevel: fraud.NormalRisk, Reasons: []fraud.Reason{luhn},
		}},
		{"declined", declinedID, true, fraud.Decision{
			Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk, Reasons: []fraud.Reason{oneInTen},
		}},
		{"declined with a bad card number", declinedID, false, fraud.Decision{
			Outcome: fraud.Decline, Score: 95, RiskLevel: fraud.HighestRisk, Reasons: []fraud.Reason{luhn, oneInTen},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := detect(t, fraud.Dummy{}, payment(c.id, inr(12300), c.luhnValid))
			assert.Equal(t, "dummy", got.Ruleset.ID)
			c.want.Ruleset, c.want.Source = got.Ruleset, fraud.AutomatedRule
			assert.Empty(t, cmp.Diff(c.want, got), "decision (-want +got)")
		})
	}
}
