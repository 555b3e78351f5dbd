package fraud_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

func TestConformance(t *testing.T) {
	testDetector(t, "dummy", fraud.Dummy{})
	testDetector(t, "limit", limit(t, []money.Money{inr(100_000), usd(50_000)}, []money.Money{inr(500_000)}))
}

// testDetector checks that a detector does what the interface promises.
func testDetector(t *testing.T, name string, detector fraud.Detector) {
	t.Run(name, func(t *testing.T) {
		t.Run("answers the same when asked again", func(t *testing.T) { testAnswersTheSame(t, detector) })
		t.Run("answers the same when asked by many at once", func(t *testing.T) { testConcurrentUse(t, detector) })
		t.Run("gives whole decisions", func(t *testing.T) { testWholeDecisions(t, detector) })
	})
}

func testAnswersTheSame(t *testing.T, detector fraud.Detector) {
	for _, tr := range allKinds() {
		first, again := detect(t, detector, tr), detect(t, detector, tr)
		assert.Empty(t, cmp.Diff(first, again), "%s asked again (-first +again)", tr.ID)
		for i := range first.Reasons {
			first.Reasons[i] = fraud.Reason{Code: "CHANGED", Message: "by whoever got the decision"}
		}
		assert.Empty(t, cmp.Diff(again, detect(t, detector, tr)), "%s asked after its decision was written over (-before +after)", tr.ID)
	}
}

func testConcurrentUse(t *testing.T, detector fraud.Detector) {
	all := allKinds()
	alone := make([]fraud.Decision, len(all))
	for i, tr := range all {
		alone[i] = detect(t, detector, tr)
	}
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for i, tr := range all {
				got, err := detector.Detect(context.Background(), check(tr))
				if err != nil || !cmp.Equal(got, alone[i]) {
					t.Errorf("%s is decided otherwise among others: %+v, %v", tr.ID, got, err)
				}
			}
		})
	}
	asking.Wait()
}

func testWholeDecisions(t *testing.T, detector fraud.Detector) {
	digest := regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	verdicts := []fraud.Outcome{fraud.Approve, fraud.Review, fraud.Decline}
	levels := []fraud.RiskLevel{fraud.NormalRisk, fraud.ElevatedRisk, fraud.HighestRisk}
	for _, tr := range allKinds() {
		d := detect(t, detector, tr)
		assert.Contains(t, verdicts, d.Outcome, tr.ID)
		assert.GreaterOrEqual(t, d.Score, 0, tr.ID)
		assert.LessOrEqual(t, d.Score, fraud.MaxScore, tr.ID)
		assert.Contains(t, levels, d.RiskLevel, tr.ID)
		assert.NotNil(t, d.Reasons, tr.ID)
		if d.Outcome != fraud.Approve && len(d.Reasons) == 0 {
			t.Errorf("%s: the outcome %s has no reason", tr.ID, d.Outcome)
		}
		assert.False(t, slices.ContainsFunc(d.Reasons, func(r fraud.Reason) bool { return r.Code == "" || r.Message == "" }),
			"%s: a reason lacks its code or its message: %+v", tr.ID, d.Reasons)
		assert.NotEmpty(t, d.Ruleset.ID, "%s: the ruleset %+v lacks its id, version or digest", tr.ID, d.Ruleset)
		assert.GreaterOrEqual(t, d.Ruleset.Version, 1, "%s: the ruleset %+v lacks its id, version or digest", tr.ID, d.Ruleset)
		assert.True(t, digest.MatchString(d.Ruleset.Digest), "%s: the ruleset %+v lacks its id, version or digest", tr.ID, d.Ruleset)
		assert.Equal(t, fraud.AutomatedRule, d.Source, tr.ID)
	}
}

// A payment by token is not declined for its card number. A token stands for a card number that only the gateway has
// seen.
func TestTokenHasNoCardNumberCheck(t *testing.T) {
	byToken := payment(approvedID, inr(1), false)
	byToken.Payment.Card, byToken.Payment.Token = card.Details{}, "pm_card_visa"
	for name, detector := range map[string]fraud.Detector{"dummy": fraud.Dummy{}, "limit": limit(t, []money.Money{inr(100)}, nil)} {
		d := detect(t, detector, byToken)
		assert.Zero(t, d.Score, name)
		require.Empty(t, d.Reasons, name)
		assert.Equal(t, fraud.Approve, d.Outcome, name)
		byCard := payment(approvedID, inr(1), false)
		assert.NotZero(t, detect(t, detector, byCard).Score, name)
	}
}

func detect(t *testing.T, detector fraud.Detector, tr transaction.Transaction) fraud.Decision {
	t.Helper()
	d, err := detector.Detect(context.Background(), check(tr))
	require.NoError(t, err, tr.ID)
	return d
}

// check returns the first check of a transaction.
func check(tr transaction.Transaction) fraud.Check {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return fraud.Check{Transaction: tr, StartTime: at, AsOf: at, Number: 1}
}

// allKinds returns transactions that differ in everything that a detector may look at, and an empty one.
func allKinds() []transaction.Transaction {
	ids := newIDs(1)
	all := []transaction.Transaction{{}}
	for _, currency := range []money.Currency{"INR", "USD", "JPY", "KWD"} {
		for _, minor := range []int64{0, 1, 50_000, 50_001, 100_000, 100_001, 500_000, 500_001, 1 << 62} {
			for _, luhnValid := range []bool{true, false} {
				all = append(all, payment(ids.next(), money.Money{Minor: minor, Currency: currency}, luhnValid))
			}
			byToken := payment(ids.next(), money.Money{Minor: minor, Currency: currency}, false)
			byToken.Payment.Card, byToken.Payment.Token = card.Details{}, "pm_card_visa"
			all = append(all, byToken)
		}
	}
	return all
}

func payment(id string, amount money.Money, luhnValid bool) transaction.Transaction {
	return transaction.Transaction{
		ID:            id,
		Order:         transaction.Order{ID: "1234", Name: "avengers 4 spoilers book", Cost: amount},
		PaymentMethod: "amazonpay",
		Payment: transaction.Payment{
			Card: card.Details{FirstSix: "411111", LastFour: "1111", Length: 16, Brand: "visa", LuhnValid: luhnValid},
			Type: "wallet", Amount: amount,
		},
	}
}

func inr(minor int64) money.Money { return money.Money{Minor: minor, Currency: "INR"} }
func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }
func jpy(minor int64) money.Money { return money.Money{Minor: minor, Currency: "JPY"} }
func kwd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "KWD"} }

// ids makes UUIDs of version 7, the same ones for the same seed.
type ids struct {
	random *rand.Rand
	millis uint64
}

func newIDs(seed uint64) *ids {
	return &ids{random: rand.New(rand.NewPCG(seed, 0)), millis: 1_750_000_000_000}
}

func (i *ids) next() string {
	i.millis += i.random.Uint64N(20)
	return fmt.Sprintf("%08x-%04x-7%03x-%04x-%012x", i.millis>>16, i.millis&0xffff,
		i.random.Uint64N(1<<12), 0x8000|i.random.Uint64N(1<<14), i.random.Uint64N(1<<48))
}
