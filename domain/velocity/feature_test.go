package velocity_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/money"
	"dummyorders/domain/velocity"
)

var moment = time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC)

func ago(d time.Duration) time.Time { return moment.Add(-d) }

func of(minor int64, currency money.Currency) velocity.Use {
	return velocity.Use{TransactionID: "this", At: moment, Amount: money.Money{Minor: minor, Currency: currency}}
}

// A feature is named as rules write it.
func TestFeatureString(t *testing.T) {
	for want, f := range map[string]velocity.Feature{
		`card.count("10m")`:                                {Measure: velocity.Count, By: velocity.Card, Window: 10 * time.Minute},
		`customer.sum("1d")`:                               {Measure: velocity.Sum, By: velocity.Customer, Window: 24 * time.Hour},
		`order.mean("36h")`:                                {Measure: velocity.Mean, By: velocity.Order, Window: 36 * time.Hour},
		`ip.distinct("card", "1h")`:                        {Measure: velocity.Distinct, By: velocity.IP, Of: velocity.Card, Window: time.Hour},
		`card.distinct("metadata.device", "1h")`:           {Measure: velocity.Distinct, By: velocity.Card, Of: velocity.Metadata("device"), Window: time.Hour},
		`metadata("terminal").frauds("30d")`:               {Measure: velocity.Frauds, By: velocity.Metadata("terminal"), Window: velocity.MaxWindow},
		`metadata("say \"hi\"\n\\").frauds("30d", "7d")`:   {Measure: velocity.Frauds, By: velocity.Metadata("say \"hi\"\n\\"), Window: velocity.MaxWindow, Delay: 7 * 24 * time.Hour},
		`metadata("metadata.terminal").count("1m")`:        {Measure: velocity.Count, By: velocity.Metadata("metadata.terminal"), Window: time.Minute},
		`metadata("card").distinct("metadata.card", "1m")`: {Measure: velocity.Distinct, By: velocity.Metadata("card"), Of: velocity.Metadata("card"), Window: time.Minute},
		`ip.distinct("card", "1h") across merchants`:       {Measure: velocity.Distinct, By: velocity.IP, Of: velocity.Card, Window: time.Hour, Across: true},
	} {
		require.Equal(t, want, f.String())
	}
}

// Amounts are a merchant's own, and so are all dimensions but the card and the address.
func TestAcrossMerchants(t *testing.T) {
	for _, by := range []velocity.Dimension{velocity.Card, velocity.IP, velocity.Customer, velocity.Order, velocity.Metadata("device")} {
		for _, measure := range []velocity.Measure{velocity.Count, velocity.Distinct, velocity.Frauds, velocity.Sum, velocity.Mean} {
			f := velocity.Feature{Measure: measure, By: by, Window: time.Hour}
			counted := measure != velocity.Sum && measure != velocity.Mean
			require.Equal(t, counted && (by == velocity.Card || by == velocity.IP), f.AcrossMerchants().Across, f)
		}
	}
}

func TestMeasures(t *testing.T) {
	inr := func(id string, minor int64) velocity.Use {
		return velocity.Use{TransactionID: id, At: ago(time.Minute), Amount: money.Money{Minor: minor, Currency: "INR"}}
	}
	a, b, c := inr("a", 100), inr("b", 251), inr("c", 1)
	yen := velocity.Use{TransactionID: "y", At: ago(time.Minute), Amount: money.Money{Minor: 100, Currency: "JPY"}}
	a.Values = map[velocity.Dimension]string{velocity.Card: "1", velocity.Customer: "ada"}
	b.Values = map[velocity.Dimension]string{velocity.Card: "2", velocity.Customer: "ada"}
	c.Values = map[velocity.Dimension]string{velocity.Card: "1"}
	a.Labels = []velocity.Label{{Fraudulent: true, At: ago(0)}}
	b.Labels = []velocity.Label{{Fraudulent: true, At: ago(-time.Microsecond)}} // set in the future, so not known yet
	all := []velocity.Use{a, b, c, yen, {TransactionID: "this", At: ago(time.Minute), Amount: money.Money{Minor: 5000, Currency: "INR"}}}
	for _, test := range []struct {
		measure velocity.Measure
		of      velocity.Dimension
		use     velocity.Use
		want    float64
	}{
		{velocity.Count, "", of(1, "INR"), 4},
		{velocity.Sum, "", of(1, "INR"), 3.52},
		{velocity.Sum, "", of(1, "JPY"), 100},
		{velocity.Sum, "", of(1, "USD"), 0},
		{velocity.Mean, "", of(1, "INR"), 3.52 / 3},
		{velocity.Mean, "", of(1, "USD"), 0},
		{velocity.Distinct, velocity.Card, of(1, "INR"), 2},
		{velocity.Distinct, velocity.Customer, of(1, "INR"), 1},
		{velocity.Distinct, velocity.Metadata("device"), of(1, "INR"), 0},
		{velocity.Frauds, "", of(1, "INR"), 1},
	} {
		f := velocity.Feature{Measure: test.measure, By: velocity.IP, Of: test.of, Window: time.Hour}
		require.InDelta(t, test.want, f.Value(all, test.use, moment), 1e-9, "%s of %s", f, test.use.Amount.Currency)
		require.Zero(t, f.Value(nil, test.use, moment), "%s of none", f)
	}
}

// A window ends to the microsecond.
func TestWindowIsExact(t *testing.T) {
	const window, delay, step = time.Hour, 24 * time.Hour, time.Microsecond
	for _, test := range []struct {
		at              time.Time
		counts, delayed bool
	}{
		{ago(-time.Minute), true, false}, // decided on earlier, though accepted later
		{ago(0), true, false},
		{ago(window - step), true, false},
		{ago(window), false, false},
		{ago(delay - step), false, false},
		{ago(delay), false, true},
		{ago(delay + window - step), false, true},
		{ago(delay + window), false, false},
	} {
		use := velocity.Use{TransactionID: "a", At: test.at, Labels: []velocity.Label{{Fraudulent: true, At: moment}}}
		for _, f := range []velocity.Feature{
			{Measure: velocity.Count, By: velocity.Card, Window: window},
			{Measure: velocity.Frauds, By: velocity.Card, Window: window},
			{Measure: velocity.Frauds, By: velocity.Card, Window: window, Delay: delay},
		} {
			want := map[bool]float64{true: 1}[map[bool]bool{false: test.counts, true: test.delayed}[f.Delay > 0]]
			require.InDelta(t, want, f.Value([]velocity.Use{use}, of(1, "INR"), moment), 0, "%s, %s ago", f, moment.Sub(test.at))
		}
	}
}

func TestLastKnownLabelCounts(t *testing.T) {
	fraud := func(d time.Duration) velocity.Label { return velocity.Label{Fraudulent: true, At: ago(d)} }
	fine := func(d time.Duration) velocity.Label { return velocity.Label{At: ago(d)} }
	for _, test := range []struct {
		labels []velocity.Label
		want   float64
	}{
		{nil, 0},
		{[]velocity.Label{fine(1)}, 0},
		{[]velocity.Label{fraud(0)}, 1},
		{[]velocity.Label{fraud(-1)}, 0},
		{[]velocity.Label{fraud(2), fine(1)}, 0},
		{[]velocity.Label{fine(2), fraud(1)}, 1},
		{[]velocity.Label{fraud(2), fine(-1)}, 1},
		{[]velocity.Label{fraud(1), fine(1)}, 1},
	} {
		f := velocity.Feature{Measure: velocity.Frauds, By: velocity.Card, Window: time.Hour}
		use := velocity.Use{TransactionID: "a", At: ago(time.Minute), Labels: test.labels}
		require.InDelta(t, test.want, f.Value([]velocity.Use{use}, of(1, "INR"), moment), 0, "%v", test.labels)
		for i, j := 0, len(test.labels)-1; i < j; i, j = i+1, j-1 {
			test.labels[i], test.labels[j] = test.labels[j], test.labels[i]
		}
		require.InDelta(t, test.want, f.Value([]velocity.Use{use}, of(1, "INR"), moment), 0, "%v, the other way round", test.labels)
	}
}

// A value is always a number, and the order of uses changes nothing.
func TestValueOfAnyUses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uses := drawUses(t, 12)
		order := rapid.Permutation(uses).Draw(t, "order")
		f, this := drawFeature(t), rapid.Custom(drawUse).Draw(t, "this")
		value := f.Value(uses, this, moment)
		if math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
			t.Fatalf("%s is %v", f, value)
		}
		if again := f.Value(order, this, moment); again != value {
			t.Fatalf("%s is %v, and %v in another order", f, value, again)
		}
		if more := f.Value(append(uses, uses...), this, moment); f.Measure != velocity.Mean && more < value {
			t.Fatalf("%s is %v, and less with more: %v", f, value, more)
		}
	})
}

// drawUses returns up to most uses, each of another transaction, as a timeline and the ledger hold them.
func drawUses(t *rapid.T, most int) []velocity.Use {
	return rapid.SliceOfNDistinct(rapid.Custom(drawUse), 0, most, func(u velocity.Use) string { return u.TransactionID }).Draw(t, "uses")
}

func drawUse(t *rapid.T) velocity.Use {
	u := velocity.Use{
		TransactionID: fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "id")),
		Merchant:      rapid.SampledFrom([]string{"default", "acme"}).Draw(t, "merchant"),
		At:            ago(time.Duration(rapid.IntRange(-60, 240).Draw(t, "minutes")) * time.Minute),
		Amount: money.Money{
			Minor:    rapid.SampledFrom([]int64{1, 99, 12300, 999_999_999_999_9999, math.MaxInt64}).Draw(t, "minor"),
			Currency: rapid.SampledFrom([]money.Currency{"INR", "JPY", "UYW", ""}).Draw(t, "currency"),
		},
		Values: map[velocity.Dimension]string{},
	}
	for _, dimension := range []velocity.Dimension{velocity.Card, velocity.IP, velocity.Metadata("device")} {
		if rapid.Bool().Draw(t, "has") {
			u.Values[dimension] = fmt.Sprint(rapid.IntRange(0, 2).Draw(t, string(dimension)))
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "labels") {
		u.Labels = append(u.Labels, velocity.Label{
			Fraudulent: rapid.Bool().Draw(t, "fraudulent"), At: ago(time.Duration(rapid.IntRange(-2, 2).Draw(t, "labelled"))),
		})
	}
	return u
}

func drawFeature(t *rapid.T) velocity.Feature {
	f := velocity.Feature{
		Measure: rapid.SampledFrom([]velocity.Measure{velocity.Count, velocity.Sum, velocity.Mean, velocity.Distinct, velocity.Frauds}).Draw(t, "measure"),
		By:      rapid.SampledFrom([]velocity.Dimension{velocity.Card, velocity.IP, velocity.Metadata("device")}).Draw(t, "by"),
		Window:  time.Duration(rapid.IntRange(1, 240).Draw(t, "window")) * time.Minute,
	}
	if f.Measure == velocity.Distinct {
		f.Of = rapid.SampledFrom([]velocity.Dimension{velocity.Card, velocity.IP}).Draw(t, "of")
	}
	if f.Measure == velocity.Frauds {
		f.Delay = time.Duration(rapid.IntRange(0, 120).Draw(t, "delay")) * time.Minute
	}
	if rapid.Bool().Draw(t, "across") {
		return f.AcrossMerchants()
	}
	return f
}
