package velocity_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/velocity"
)

// Timelines of millions of transactions drop their oldest uses, which must not change any answer.
func TestTimelineForget(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		var whole, cut velocity.Timeline
		minutes := rapid.SliceOfN(rapid.IntRange(0, 100), 0, 40).Draw(t, "minutes")
		for i, minute := range minutes {
			u := velocity.Use{
				TransactionID: fmt.Sprint(i), Merchant: "acme", At: start.Add(time.Duration(minute) * time.Minute),
				Values: map[velocity.Dimension]string{velocity.Card: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "card")},
			}
			whole.Add(u)
			cut.Add(u)
		}
		after := start.Add(time.Duration(rapid.IntRange(-1, 101).Draw(t, "after")) * time.Minute)
		left := cut.Forget(after)
		count := 0
		for _, card := range []string{"a", "b"} {
			lookups := []velocity.Lookup{{By: velocity.Card, Value: card, Merchant: "acme", After: after}}
			want := whole.Look("0", lookups)
			require.Empty(t, cmp.Diff(want, cut.Look("0", lookups)), "(-whole +cut)")
			count += len(cut.Look("", lookups)[velocity.Pool{By: velocity.Card}])
		}
		require.Equal(t, count, left)
	})
}
