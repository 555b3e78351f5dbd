package velocity_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/velocity"
)

// Features ask for no more than what answers them.
func TestLookups(t *testing.T) {
	const day = 24 * time.Hour
	use := velocity.Use{Merchant: "acme", Values: map[velocity.Dimension]string{velocity.Card: "f00d", velocity.IP: "192.0.2.1"}}
	features := []velocity.Feature{
		{Measure: velocity.Count, By: velocity.Card, Window: time.Hour},
		{Measure: velocity.Frauds, By: velocity.Card, Window: day, Delay: day},
		{Measure: velocity.Sum, By: velocity.Card, Window: 36 * time.Hour},
		{Measure: velocity.Distinct, By: velocity.IP, Of: velocity.Customer, Window: time.Hour},
		{Measure: velocity.Mean, By: velocity.IP, Window: time.Minute},
		{Measure: velocity.Count, By: velocity.Customer, Window: velocity.MaxWindow}, // the transaction has no customer
		velocity.Feature{Measure: velocity.Frauds, By: velocity.Card, Window: day}.AcrossMerchants(),
		velocity.Feature{Measure: velocity.Count, By: velocity.Card, Window: time.Minute}.AcrossMerchants(),
	}
	want := []velocity.Lookup{
		{By: velocity.Card, Value: "f00d", Merchant: "acme", After: ago(36 * time.Hour), Labels: true},
		{By: velocity.Card, Value: "f00d", Merchant: "acme", After: ago(2 * day), Until: ago(day), Labels: true},
		{By: velocity.Card, Value: "f00d", Merchant: "acme", Across: true, After: ago(day), Labels: true},
		{By: velocity.IP, Value: "192.0.2.1", Merchant: "acme", After: ago(time.Hour), Values: true},
	}
	require.Equal(t, want, velocity.Lookups(features, use, moment))
	slices.Reverse(features)
	require.Equal(t, want, velocity.Lookups(features, use, moment))
	require.Empty(t, velocity.Lookups(nil, use, moment))
	require.Equal(t, []velocity.Dimension{velocity.Card, velocity.Customer, velocity.IP}, velocity.Dimensions(features))
	require.Empty(t, velocity.Dimensions(nil))
}

// A feature has the same value whatever else is asked for. The lookup of one feature must not change what another one
// sees.
func TestValuesTogetherAndAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line velocity.Timeline
		for _, u := range drawUses(t, 30) {
			line.Add(u)
		}
		this := rapid.Custom(drawUse).Draw(t, "this")
		features := rapid.SliceOfN(rapid.Custom(drawFeature), 1, 6).Draw(t, "features")
		together := valuesOf(&line, this, features)
		require.LessOrEqual(t, len(together), len(features))
		for _, f := range features {
			alone := valuesOf(&line, this, []velocity.Feature{f})
			require.InDelta(t, alone[f.String()], together[f.String()], 0, "%s", f)
		}
	})
}

func valuesOf(line *velocity.Timeline, this velocity.Use, features []velocity.Feature) map[string]float64 {
	return velocity.Values(features, this, moment, line.Look(this.TransactionID, velocity.Lookups(features, this, moment)))
}

// A timeline finds what a plain list would. The model searches all uses, and does what the contract says.
func TestTimelineLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line velocity.Timeline
		var list []velocity.Use
		for _, u := range drawUses(t, 30) {
			line.Add(u)
			list = append(list, u)
			if rapid.Bool().Draw(t, "again") {
				line.Add(u)
			}
			this := rapid.Custom(drawUse).Draw(t, "this")
			features := rapid.SliceOfN(rapid.Custom(drawFeature), 0, 6).Draw(t, "features")
			lookups := velocity.Lookups(features, this, moment)
			require.Empty(t, gocmp.Diff(plainly(list, this.TransactionID, lookups), line.Look(this.TransactionID, lookups), cmpopts.EquateEmpty()), "(-list +timeline)")
		}
	})
}

func plainly(list []velocity.Use, transactionID string, lookups []velocity.Lookup) velocity.Past {
	past := velocity.Past{}
	for _, l := range lookups {
		for _, u := range list {
			if u.TransactionID != transactionID && u.Values[l.By] == l.Value && (l.Across || u.Merchant == l.Merchant) && u.At.After(l.After) &&
				(l.Until.IsZero() || !u.At.After(l.Until)) && !slices.ContainsFunc(past[l.Pool()], func(p velocity.Use) bool { return p.TransactionID == u.TransactionID }) {
				past[l.Pool()] = append(past[l.Pool()], u)
			}
		}
		slices.SortFunc(past[l.Pool()], func(a, b velocity.Use) int {
			return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.TransactionID, a.TransactionID))
		})
		if past[l.Pool()] == nil {
			delete(past, l.Pool())
		}
	}
	return past
}

// A timeline gives no more uses than a database does.
func TestTimelineLookIsBounded(t *testing.T) {
	var line velocity.Timeline
	for n := range velocity.MostUses + 5 {
		line.Add(velocity.Use{
			TransactionID: fmt.Sprintf("%05d", n), At: ago(time.Duration(-n) * time.Second), Values: map[velocity.Dimension]string{velocity.Card: "a"},
		})
	}
	lookups := []velocity.Lookup{{By: velocity.Card, Value: "a"}}
	last := fmt.Sprintf("%05d", velocity.MostUses+4)
	all, others := line.Look("", lookups)[velocity.Pool{By: velocity.Card}], line.Look(last, lookups)[velocity.Pool{By: velocity.Card}]
	require.Len(t, all, velocity.MostUses)
	require.Len(t, others, velocity.MostUses, "the transaction itself takes a place")
	require.Equal(t, last, all[0].TransactionID)
	require.Equal(t, all[1], others[0])
	count := velocity.Feature{Measure: velocity.Count, By: velocity.Card, Window: velocity.MaxWindow}
	require.InDelta(t, velocity.MostUses, count.Value(all, of(1, "INR"), moment), 0)
}

// A delayed feature sees what is old enough, however much came since. The latest uses of a busy terminal are all too
// young to have known labels.
func TestDelayedFeatureOfBusyValue(t *testing.T) {
	var line velocity.Timeline
	at := func(n int) time.Time { return ago(time.Duration(n) * time.Minute) }
	for n := range 3 * velocity.MostUses {
		line.Add(velocity.Use{
			TransactionID: fmt.Sprintf("%05d", n), At: at(n), Values: map[velocity.Dimension]string{velocity.Card: "a"},
			Labels: []velocity.Label{{Fraudulent: n == 2*velocity.MostUses, At: at(n)}},
		})
	}
	frauds := velocity.Feature{Measure: velocity.Frauds, By: velocity.Card, Window: velocity.MaxWindow, Delay: 2 * velocity.MostUses * time.Minute}
	count := velocity.Feature{Measure: velocity.Count, By: velocity.Card, Window: velocity.MaxWindow}
	values := valuesOf(&line, velocity.Use{TransactionID: "this", Values: map[velocity.Dimension]string{velocity.Card: "a"}}, []velocity.Feature{frauds, count})
	require.InDelta(t, 1, values[frauds.String()], 0)
	require.InDelta(t, velocity.MostUses, values[count.String()], 0)
}
