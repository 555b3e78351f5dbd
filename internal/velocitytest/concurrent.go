package velocitytest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/fraud"
	"dummyorders/domain/velocity"
)

// several returns n stores of the same uses.
func several(t *testing.T, place Place, n int) []Store {
	t.Helper()
	all := make([]Store, n)
	for i := range all {
		all[i] = place(t)
	}
	return all
}

// oneSeesTheOther checks transactions from several processes at once. They all have the same card, and share other
// values with some. Each must see a different number of the others, from none to all.
func oneSeesTheOther(t *testing.T, place Place) {
	seesAll(t, place, features, func(int) string { return merchant }, decideByCount)
}

// oneSeesTheOthers does the same with the transactions of two merchants, whose other values are not the same.
func oneSeesTheOthers(t *testing.T, place Place) {
	all := slices.Concat(features, []velocity.Feature{features[0].AcrossMerchants()})
	seesAll(t, place, all, func(n int) string { return fmt.Sprint("merchant", n%2) }, func(past velocity.Past) fraud.Decision {
		return fraud.Decision{Outcome: fraud.Approve, Score: len(past[velocity.Pool{By: velocity.Card, Across: true}])}
	})
}

func seesAll(
	t *testing.T, place Place, features []velocity.Feature, merchantOf func(n int) string, decideByCount func(velocity.Past) fraud.Decision,
) {
	t.Helper()
	const transactions = 60
	stores, ctx := several(t, place, 3), patience(t)
	scores := make([]int, transactions)
	var deciding errgroup.Group
	for n := range transactions {
		u := Use(n, "a")
		u.Merchant = merchantOf(n)
		u.Values[velocity.IP], u.Values[velocity.Order] = fmt.Sprint(n%3), fmt.Sprint(n%5)
		u.Values[velocity.Customer] = fmt.Sprint((transactions - n) % 7)
		deciding.Go(func() error {
			lookups := velocity.Lookups(features, u, u.At)
			d, err := stores[n%len(stores)].Decide(ctx, Check(u), u, lookups, decideByCount)
			scores[n] = d.Score
			return err
		})
	}
	require.NoError(t, deciding.Wait())
	slices.Sort(scores)
	for n, score := range scores {
		require.Equal(t, n, score, "%v", scores)
	}
}

var features = []velocity.Feature{
	{Measure: velocity.Count, By: velocity.Card, Window: velocity.MaxWindow},
	{Measure: velocity.Sum, By: velocity.IP, Window: velocity.MaxWindow},
	{Measure: velocity.Distinct, By: velocity.Order, Of: velocity.Card, Window: velocity.MaxWindow},
	{Measure: velocity.Frauds, By: velocity.Customer, Window: velocity.MaxWindow},
}

func decidedOnce(t *testing.T, place Place) {
	stores, ctx := several(t, place, 3), patience(t)
	for n := range 5 {
		u := Use(n, "a")
		var decided atomic.Int64
		var deciding errgroup.Group
		for i := range 24 {
			deciding.Go(func() error {
				d, err := stores[i%len(stores)].Decide(ctx, Check(u), u, byCard("a"), func(past velocity.Past) fraud.Decision {
					decided.Add(1)
					return decideByCount(past)
				})
				if err == nil && d.Score != n {
					err = fmt.Errorf("it sees %d transactions", d.Score)
				}
				return err
			})
		}
		require.NoError(t, deciding.Wait())
		require.EqualValues(t, 1, decided.Load())
	}
}

// readersSeeWhatIsWhole reads while a decision about a transaction is being made.
func readersSeeWhatIsWhole(t *testing.T, place Place) {
	writer, reader := place(t), place(t)
	decide(t, writer, Use(1, "a"), 1)
	u := Use(2, "a")
	_, err := writer.Decide(patience(t), Check(u), u, byCard("a"), func(past velocity.Past) fraud.Decision {
		require.Len(t, look(t, reader, byCard("a")...)[velocity.Pool{By: velocity.Card}], 1, "what may yet fail is seen")
		return decideByCount(past)
	})
	require.NoError(t, err)
	require.Len(t, look(t, reader, byCard("a")...)[velocity.Pool{By: velocity.Card}], 2)
}
