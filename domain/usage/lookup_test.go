package usage_test

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

	"dummyorders/domain/usage"
)

func TestFeaturesAskForAsLittleAsAnswersThem(t *testing.T) {
	const day = 24 * time.Hour
	use := usage.Use{Values: map[usage.Dimension]string{usage.Card: "f00d", usage.IP: "192.0.2.1"}}
	features := []usage.Feature{
		{Measure: usage.Count, By: usage.Card, Window: time.Hour},
		{Measure: usage.Frauds, By: usage.Card, Window: day, Delay: day},
		{Measure: usage.Sum, By: usage.Card, Window: 36 * time.Hour},
		{Measure: usage.Distinct, By: usage.IP, Of: usage.Customer, Window: time.Hour},
		{Measure: usage.Mean, By: usage.IP, Window: time.Minute},
		{Measure: usage.Count, By: usage.Customer, Window: usage.MaxWindow}, // the transaction has no customer
	}
	want := []usage.Lookup{
		{By: usage.Card, Value: "f00d", After: ago(36 * time.Hour), Labels: true},
		{By: usage.Card, Value: "f00d", After: ago(2 * day), Until: ago(day), Labels: true},
		{By: usage.IP, Value: "192.0.2.1", After: ago(time.Hour), Values: true},
	}
	require.Equal(t, want, usage.Lookups(features, use, moment))
	slices.Reverse(features)
	require.Equal(t, want, usage.Lookups(features, use, moment))
	require.Empty(t, usage.Lookups(nil, use, moment))
	require.Equal(t, []usage.Dimension{usage.Card, usage.Customer, usage.IP}, usage.Dimensions(features))
	require.Empty(t, usage.Dimensions(nil))
}

// The lookup of one feature must not change what another one sees.
func TestAFeatureIsWorthTheSameWhateverElseIsAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line usage.Timeline
		for _, u := range drawUses(t, 30) {
			line.Add(u)
		}
		this := rapid.Custom(drawUse).Draw(t, "this")
		features := rapid.SliceOfN(rapid.Custom(drawFeature), 1, 6).Draw(t, "features")
		together := valuesOf(&line, this, features)
		require.LessOrEqual(t, len(together), len(features))
		for _, f := range features {
			alone := valuesOf(&line, this, []usage.Feature{f})
			require.InDelta(t, alone[f.String()], together[f.String()], 0, "%s", f)
		}
	})
}

func valuesOf(line *usage.Timeline, this usage.Use, features []usage.Feature) map[string]float64 {
	return usage.Values(features, this, moment, line.Look(this.TransactionID, usage.Lookups(features, this, moment)))
}

// The model searches all uses, and does what the contract says.
func TestATimelineFindsWhatAPlainListWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line usage.Timeline
		var list []usage.Use
		for _, u := range drawUses(t, 30) {
			line.Add(u)
			list = append(list, u)
			if rapid.Bool().Draw(t, "again") {
				line.Add(u)
			}
			this := rapid.Custom(drawUse).Draw(t, "this")
			features := rapid.SliceOfN(rapid.Custom(drawFeature), 0, 6).Draw(t, "features")
			lookups := usage.Lookups(features, this, moment)
			if diff := gocmp.Diff(plainly(list, this.TransactionID, lookups), line.Look(this.TransactionID, lookups), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("(-list +timeline):\n%s", diff)
			}
		}
	})
}

func plainly(list []usage.Use, transactionID string, lookups []usage.Lookup) usage.Past {
	past := usage.Past{}
	for _, l := range lookups {
		for _, u := range list {
			if u.TransactionID != transactionID && u.Values[l.By] == l.Value && u.At.After(l.After) &&
				(l.Until.IsZero() || !u.At.After(l.Until)) && !slices.ContainsFunc(past[l.By], func(p usage.Use) bool { return p.TransactionID == u.TransactionID }) {
				past[l.By] = append(past[l.By], u)
			}
		}
		slices.SortFunc(past[l.By], func(a, b usage.Use) int {
			return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.TransactionID, a.TransactionID))
		})
		if past[l.By] == nil {
			delete(past, l.By)
		}
	}
	return past
}

func TestATimelineGivesNoMoreThanADatabaseDoes(t *testing.T) {
	var line usage.Timeline
	for n := range usage.MostUses + 5 {
		line.Add(usage.Use{
			TransactionID: fmt.Sprintf("%05d", n), At: ago(time.Duration(-n) * time.Second), Values: map[usage.Dimension]string{usage.Card: "a"},
		})
	}
	lookups := []usage.Lookup{{By: usage.Card, Value: "a"}}
	last := fmt.Sprintf("%05d", usage.MostUses+4)
	all, others := line.Look("", lookups)[usage.Card], line.Look(last, lookups)[usage.Card]
	require.Len(t, all, usage.MostUses)
	require.Len(t, others, usage.MostUses, "the transaction itself takes a place")
	require.Equal(t, last, all[0].TransactionID)
	require.Equal(t, all[1], others[0])
	count := usage.Feature{Measure: usage.Count, By: usage.Card, Window: usage.MaxWindow}
	require.InDelta(t, usage.MostUses, count.Value(all, of(1, "INR"), moment), 0)
}

// The latest uses of a busy terminal are all too young to have known labels.
func TestADelayedFeatureSeesWhatIsOldEnoughHoweverMuchCameSince(t *testing.T) {
	var line usage.Timeline
	at := func(n int) time.Time { return ago(time.Duration(n) * time.Minute) }
	for n := range 3 * usage.MostUses {
		line.Add(usage.Use{
			TransactionID: fmt.Sprintf("%05d", n), At: at(n), Values: map[usage.Dimension]string{usage.Card: "a"},
			Labels: []usage.Label{{Fraudulent: n == 2*usage.MostUses, At: at(n)}},
		})
	}
	frauds := usage.Feature{Measure: usage.Frauds, By: usage.Card, Window: usage.MaxWindow, Delay: 2 * usage.MostUses * time.Minute}
	count := usage.Feature{Measure: usage.Count, By: usage.Card, Window: usage.MaxWindow}
	values := valuesOf(&line, usage.Use{TransactionID: "this", Values: map[usage.Dimension]string{usage.Card: "a"}}, []usage.Feature{frauds, count})
	require.InDelta(t, 1, values[frauds.String()], 0)
	require.InDelta(t, usage.MostUses, values[count.String()], 0)
}
