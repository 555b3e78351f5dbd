package ledger_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/velocitytest"
)

// busyFeatures has all measures, over long and short windows, also across merchants and with a delay.
var busyFeatures = slices.Concat(features(velocity.Card), acrossMerchants(features(velocity.Card)), []velocity.Feature{
	{Measure: velocity.Mean, By: velocity.IP, Window: 30 * time.Minute},
	{Measure: velocity.Frauds, By: velocity.IP, Window: 30 * time.Minute, Delay: 10 * time.Minute},
	{Measure: velocity.Count, By: velocity.IP, Window: 40 * time.Minute},
	{Measure: velocity.Distinct, By: velocity.Order, Of: velocity.Card, Window: 20 * time.Minute},
})

// What two processes remember of busy values is what the ledger has, and is folded to the same values as a plain list of the
// uses. They come in any order, some long after those that were accepted later, and are checked again. Labels come and go.
func TestBusyValues(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			place := engine.place(t)
			processes := []*ledgerdb.Ledger{engine.at(t, place), engine.at(t, place)}
			require.NoError(t, processes[0].Migrate(t.Context()))
			for _, l := range processes {
				l.Busy(2, 1)
			}
			round := 0
			rapid.Check(t, func(r *rapid.T) {
				round++ // each round has values of its own, since they share the ledger
				var model velocitytest.Memory
				for range rapid.IntRange(5, 20).Draw(r, "steps") {
					n, l := round*20+rapid.IntRange(0, 15).Draw(r, "transaction"), processes[rapid.IntRange(0, 1).Draw(r, "process")]
					if rapid.IntRange(0, 4).Draw(r, "label") == 0 {
						e := ledgertest.Accepted(n)
						e.Record.Labels = []ledger.Label{{
							Label:  rapid.SampledFrom([]string{ledger.Fraudulent, ledger.Legitimate}).Draw(r, "word"),
							Source: ledger.ByDispute, Time: asOf.Add(time.Duration(rapid.IntRange(0, 59).Draw(r, "given")) * time.Minute),
						}}
						require.NoError(r, cmp.Or(model.Save(t.Context(), e), l.Save(t.Context(), e)))
						continue
					}
					use := drawBusy(r, round, n)
					c := velocitytest.Check(use)
					c.Number, c.AsOf = rapid.IntRange(1, 2).Draw(r, "number"), use.At.Add(time.Duration(rapid.IntRange(0, 20).Draw(r, "later"))*time.Minute)
					lookups := velocity.Lookups(busyFeatures, use, c.AsOf)
					decide := func(past velocity.Past) fraud.Decision {
						values := velocity.Values(busyFeatures, use, c.AsOf, past)
						for pool, found := range past {
							values[fmt.Sprint(pool)] = float64(len(found))
						}
						return fraud.Decision{Explanation: &fraud.Explanation{Features: values}}
					}
					want, wantErr := model.Decide(t.Context(), c, use, lookups, decide)
					got, err := l.Decide(t.Context(), c, use, lookups, decide)
					require.NoError(r, cmp.Or(wantErr, err))
					require.Empty(r, gocmp.Diff(want.Explanation.Features, got.Explanation.Features), "(-list +ledger) of %s", use.TransactionID)
				}
			})
			for _, l := range processes {
				require.NotZero(t, l.BusyValues())
			}
		})
	}
}

func drawBusy(r *rapid.T, round, n int) velocity.Use {
	use := velocitytest.Use(n, fmt.Sprint(round, " ", rapid.IntRange(0, 1).Draw(r, "card")))
	use.At = asOf.Add(time.Duration(rapid.IntRange(0, 59).Draw(r, "minute")) * time.Minute)
	use.Merchant = rapid.SampledFrom([]string{"acme", "umbrella"}).Draw(r, "merchant")
	use.Amount.Minor = int64(rapid.IntRange(1, 1000).Draw(r, "amount"))
	use.Values[velocity.IP], use.Values[velocity.Order] = fmt.Sprint(round), fmt.Sprint(round, " ", rapid.IntRange(0, 3).Draw(r, "order"))
	use.Values[velocity.Customer] = fmt.Sprint(n % 5)
	return use
}

// The uses of a busy value are read once, and all of them again only after one that came late. Changed rows show what was read:
// nothing else changes any.
func TestBusyValueIsReadOnce(t *testing.T) {
	lookups := []velocity.Lookup{{By: velocity.Card, Value: "hot-card", Merchant: "acme", After: asOf.Add(-velocity.MaxWindow), Labels: true}}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			fillBusy(t, l, name, velocity.MostUses+200)
			number := 0
			changed := func() int {
				number++
				u := busyUse(number)
				count := 0
				_, err := l.Decide(t.Context(), velocitytest.Check(u), u, lookups, func(past velocity.Past) fraud.Decision {
					whole, err := l.Look(t.Context(), u.TransactionID, lookups)
					require.NoError(t, err)
					byID := cmpopts.IgnoreFields(velocity.Use{}, "Amount")
					require.Empty(t, gocmp.Diff(whole, past, byID), "(-ledger +remembered)")
					for _, use := range past[lookups[0].Pool()] {
						if use.Amount.Minor == 1 {
							count++
						}
					}
					return fraud.Decision{}
				})
				require.NoError(t, err)
				return count
			}
			change := func(minor int) {
				require.NoError(t, l.Exec(t.Context(), fmt.Sprint("UPDATE uses SET amount = ", minor)))
			}
			require.Zero(t, changed())
			change(1)
			require.Less(t, changed(), 50)
			late := busyUse(0)
			late.TransactionID, late.At = "late", asOf.Add(-500*time.Second)
			_, err := l.Decide(t.Context(), velocitytest.Check(late), late, nil, decideByCount)
			require.NoError(t, err)
			change(1)
			require.Greater(t, changed(), velocity.MostUses-50)
			change(2)
			require.Greater(t, changed(), velocity.MostUses-50, "it is not remembered again")
		})
	}
}

// A use's values are read as they were written, whatever they are.
func TestReadFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOf(rapid.Custom(func(t *rapid.T) velocity.Dimension {
			return velocity.Dimension(rapid.String().Draw(t, "dimension"))
		}), rapid.String()).Draw(t, "values")
		text, err := json.Marshal(want)
		require.NoError(t, err)
		got, err := ledgerdb.ReadFacts(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
	for _, text := range []string{
		`{"card":"a","order":"1"}`, `{"card": "a"}`, ` {"card":"a"}`, `{"card":"a"} `, `{}`, `null`, `{"a\"card":"b","card":"c"}`, `{"card":","}`,
		`{"card":1}`, `{"card"="a"}`, `{"card":"a",}`, `{"card":"a""b":"c"}`, `["card","a"]`, `{"card":"a"`, `"a"`, ``,
	} {
		var want map[velocity.Dimension]string
		wantErr := json.Unmarshal([]byte(text), &want)
		got, err := ledgerdb.ReadFacts([]byte(text))
		require.Equal(t, wantErr == nil, err == nil, "%s: %v", text, err)
		if err == nil {
			require.Equal(t, want, got, text)
		}
	}
}
