package usage_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/money"
	"dummyorders/domain/usage"
)

var moment = time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC)

func ago(d time.Duration) time.Time { return moment.Add(-d) }

func of(minor int64, currency money.Currency) usage.Use {
	return usage.Use{TransactionID: "this", At: moment, Amount: money.Money{Minor: minor, Currency: currency}}
}

func TestAFeatureIsNamedAsRulesWriteIt(t *testing.T) {
	for want, f := range map[string]usage.Feature{
		`card.count("10m")`:                                {Measure: usage.Count, By: usage.Card, Window: 10 * time.Minute},
		`customer.sum("1d")`:                               {Measure: usage.Sum, By: usage.Customer, Window: 24 * time.Hour},
		`order.mean("36h")`:                                {Measure: usage.Mean, By: usage.Order, Window: 36 * time.Hour},
		`ip.distinct("card", "1h")`:                        {Measure: usage.Distinct, By: usage.IP, Of: usage.Card, Window: time.Hour},
		`card.distinct("metadata.device", "1h")`:           {Measure: usage.Distinct, By: usage.Card, Of: usage.Metadata("device"), Window: time.Hour},
		`metadata("terminal").frauds("30d")`:               {Measure: usage.Frauds, By: usage.Metadata("terminal"), Window: usage.MaxWindow},
		`metadata("say \"hi\"\n\\").frauds("30d", "7d")`:   {Measure: usage.Frauds, By: usage.Metadata("say \"hi\"\n\\"), Window: usage.MaxWindow, Delay: 7 * 24 * time.Hour},
		`metadata("metadata.terminal").count("1m")`:        {Measure: usage.Count, By: usage.Metadata("metadata.terminal"), Window: time.Minute},
		`metadata("card").distinct("metadata.card", "1m")`: {Measure: usage.Distinct, By: usage.Metadata("card"), Of: usage.Metadata("card"), Window: time.Minute},
	} {
		require.Equal(t, want, f.String())
	}
}

func TestEachMeasureSeesWhatItIsOf(t *testing.T) {
	inr := func(id string, minor int64) usage.Use {
		return usage.Use{TransactionID: id, At: ago(time.Minute), Amount: money.Money{Minor: minor, Currency: "INR"}}
	}
	a, b, c := inr("a", 100), inr("b", 251), inr("c", 1)
	yen := usage.Use{TransactionID: "y", At: ago(time.Minute), Amount: money.Money{Minor: 100, Currency: "JPY"}}
	a.Values = map[usage.Dimension]string{usage.Card: "1", usage.Customer: "ada"}
	b.Values = map[usage.Dimension]string{usage.Card: "2", usage.Customer: "ada"}
	c.Values = map[usage.Dimension]string{usage.Card: "1"}
	a.Labels = []usage.Label{{Fraudulent: true, At: ago(0)}}
	b.Labels = []usage.Label{{Fraudulent: true, At: ago(-time.Microsecond)}} // set in the future, so not known yet
	all := []usage.Use{a, b, c, yen, {TransactionID: "this", At: ago(time.Minute), Amount: money.Money{Minor: 5000, Currency: "INR"}}}
	for _, test := range []struct {
		measure usage.Measure
		of      usage.Dimension
		use     usage.Use
		want    float64
	}{
		{usage.Count, "", of(1, "INR"), 4},
		{usage.Sum, "", of(1, "INR"), 3.52},
		{usage.Sum, "", of(1, "JPY"), 100},
		{usage.Sum, "", of(1, "USD"), 0},
		{usage.Mean, "", of(1, "INR"), 3.52 / 3},
		{usage.Mean, "", of(1, "USD"), 0},
		{usage.Distinct, usage.Card, of(1, "INR"), 2},
		{usage.Distinct, usage.Customer, of(1, "INR"), 1},
		{usage.Distinct, usage.Metadata("device"), of(1, "INR"), 0},
		{usage.Frauds, "", of(1, "INR"), 1},
	} {
		f := usage.Feature{Measure: test.measure, By: usage.IP, Of: test.of, Window: time.Hour}
		require.InDelta(t, test.want, f.Value(all, test.use, moment), 1e-9, "%s of %s", f, test.use.Amount.Currency)
		require.Zero(t, f.Value(nil, test.use, moment), "%s of none", f)
	}
}

func TestAWindowEndsToTheMicrosecond(t *testing.T) {
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
		use := usage.Use{TransactionID: "a", At: test.at, Labels: []usage.Label{{Fraudulent: true, At: moment}}}
		for _, f := range []usage.Feature{
			{Measure: usage.Count, By: usage.Card, Window: window},
			{Measure: usage.Frauds, By: usage.Card, Window: window},
			{Measure: usage.Frauds, By: usage.Card, Window: window, Delay: delay},
		} {
			want := map[bool]float64{true: 1}[map[bool]bool{false: test.counts, true: test.delayed}[f.Delay > 0]]
			require.InDelta(t, want, f.Value([]usage.Use{use}, of(1, "INR"), moment), 0, "%s, %s ago", f, moment.Sub(test.at))
		}
	}
}

func TestTheLastLabelThatIsKnownCounts(t *testing.T) {
	fraud := func(d time.Duration) usage.Label { return usage.Label{Fraudulent: true, At: ago(d)} }
	fine := func(d time.Duration) usage.Label { return usage.Label{At: ago(d)} }
	for _, test := range []struct {
		labels []usage.Label
		want   float64
	}{
		{nil, 0},
		{[]usage.Label{fine(1)}, 0},
		{[]usage.Label{fraud(0)}, 1},
		{[]usage.Label{fraud(-1)}, 0},
		{[]usage.Label{fraud(2), fine(1)}, 0},
		{[]usage.Label{fine(2), fraud(1)}, 1},
		{[]usage.Label{fraud(2), fine(-1)}, 1},
		{[]usage.Label{fraud(1), fine(1)}, 1},
	} {
		f := usage.Feature{Measure: usage.Frauds, By: usage.Card, Window: time.Hour}
		use := usage.Use{TransactionID: "a", At: ago(time.Minute), Labels: test.labels}
		require.InDelta(t, test.want, f.Value([]usage.Use{use}, of(1, "INR"), moment), 0, "%v", test.labels)
		for i, j := 0, len(test.labels)-1; i < j; i, j = i+1, j-1 {
			test.labels[i], test.labels[j] = test.labels[j], test.labels[i]
		}
		require.InDelta(t, test.want, f.Value([]usage.Use{use}, of(1, "INR"), moment), 0, "%v, the other way round", test.labels)
	}
}

func TestAValueIsAlwaysANumberAndTheOrderOfUsesChangesNothing(t *testing.T) {
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
		if more := f.Value(append(uses, uses...), this, moment); f.Measure != usage.Mean && more < value {
			t.Fatalf("%s is %v, and less with more: %v", f, value, more)
		}
	})
}

// drawUses returns up to most uses, each of another transaction, as a timeline and the ledger hold them.
func drawUses(t *rapid.T, most int) []usage.Use {
	return rapid.SliceOfNDistinct(rapid.Custom(drawUse), 0, most, func(u usage.Use) string { return u.TransactionID }).Draw(t, "uses")
}

func drawUse(t *rapid.T) usage.Use {
	u := usage.Use{
		TransactionID: fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "id")),
		At:            ago(time.Duration(rapid.IntRange(-60, 240).Draw(t, "minutes")) * time.Minute),
		Amount: money.Money{
			Minor:    rapid.SampledFrom([]int64{1, 99, 12300, 999_999_999_999_9999, math.MaxInt64}).Draw(t, "minor"),
			Currency: rapid.SampledFrom([]money.Currency{"INR", "JPY", "UYW", ""}).Draw(t, "currency"),
		},
		Values: map[usage.Dimension]string{},
	}
	for _, dimension := range []usage.Dimension{usage.Card, usage.IP, usage.Metadata("device")} {
		if rapid.Bool().Draw(t, "has") {
			u.Values[dimension] = fmt.Sprint(rapid.IntRange(0, 2).Draw(t, string(dimension)))
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "labels") {
		u.Labels = append(u.Labels, usage.Label{
			Fraudulent: rapid.Bool().Draw(t, "fraudulent"), At: ago(time.Duration(rapid.IntRange(-2, 2).Draw(t, "labelled"))),
		})
	}
	return u
}

func drawFeature(t *rapid.T) usage.Feature {
	f := usage.Feature{
		Measure: rapid.SampledFrom([]usage.Measure{usage.Count, usage.Sum, usage.Mean, usage.Distinct, usage.Frauds}).Draw(t, "measure"),
		By:      rapid.SampledFrom([]usage.Dimension{usage.Card, usage.IP, usage.Metadata("device")}).Draw(t, "by"),
		Window:  time.Duration(rapid.IntRange(1, 240).Draw(t, "window")) * time.Minute,
	}
	if f.Measure == usage.Distinct {
		f.Of = rapid.SampledFrom([]usage.Dimension{usage.Card, usage.IP}).Draw(t, "of")
	}
	if f.Measure == usage.Frauds {
		f.Delay = time.Duration(rapid.IntRange(0, 120).Draw(t, "delay")) * time.Minute
	}
	return f
}
