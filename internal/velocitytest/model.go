package velocitytest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
)

// likeAModel does at random what processes do, and compares each past and each decision with those of a plain list.
func likeAModel(t *testing.T, store Store) {
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++ // each round has values of its own, since they share the store
		var model Memory
		for range rapid.IntRange(1, 15).Draw(r, "steps") {
			n := rapid.IntRange(0, 7).Draw(r, "transaction")
			if rapid.IntRange(0, 3).Draw(r, "label") == 0 {
				say := drawLabels(r)
				labelled(t, store, round*10+n, say...)
				labelled(t, &model, round*10+n, say...)
				continue
			}
			use := drawUse(r, round, n)
			c := Check(use)
			c.Number = rapid.IntRange(1, 2).Draw(r, "number")
			lookups := drawLookups(r, use)
			decided := fmt.Sprint(r, round, n)
			want, wantErr := model.Decide(t.Context(), c, use, lookups, digest(decided))
			got, err := store.Decide(patience(t), c, use, lookups, digest(decided))
			require.NoError(r, cmp.Or(wantErr, err))
			require.Empty(r, gocmp.Diff(want, got))
			wantPast, wantErr := model.Look(t.Context(), "", lookups)
			past, err := store.Look(patience(t), "", lookups)
			require.NoError(r, cmp.Or(wantErr, err))
			require.Empty(r, gocmp.Diff(ordered(wantPast), ordered(past)))
		}
	})
}

// digest returns a function that decides by everything in the past.
func digest(salt string) func(velocity.Past) fraud.Decision {
	return func(past velocity.Past) fraud.Decision {
		return fraud.Decision{Reasons: []fraud.Reason{{Code: salt, Message: fmt.Sprint(ordered(past))}}}
	}
}

// ordered returns the past with sorted labels: their order is undefined.
func ordered(past velocity.Past) velocity.Past {
	for _, uses := range past {
		for i := range uses {
			uses[i].Labels = slices.Clone(uses[i].Labels)
			slices.SortFunc(uses[i].Labels, func(a, b velocity.Label) int {
				return cmp.Or(a.At.Compare(b.At), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
			})
		}
	}
	return past
}

func drawUse(r *rapid.T, round, n int) velocity.Use {
	u := Use(round*10+n, "")
	u.At = after(time.Duration(rapid.IntRange(0, 5).Draw(r, "minute")) * time.Minute)
	u.Merchant = rapid.SampledFrom([]string{merchant, "acme"}).Draw(r, "merchant")
	u.Amount.Minor = int64(rapid.IntRange(1, 1000).Draw(r, "amount"))
	for _, by := range []velocity.Dimension{velocity.Card, velocity.IP, velocity.Order, velocity.Metadata("device")} {
		if u.Values[by] = fmt.Sprint(round, rapid.IntRange(0, 2).Draw(r, string(by))); rapid.IntRange(0, 3).Draw(r, "absent") == 0 {
			delete(u.Values, by)
		}
	}
	return u
}

func drawLookups(r *rapid.T, u velocity.Use) []velocity.Lookup {
	var all []velocity.Lookup
	for by, value := range u.Values {
		all = append(all, velocity.Lookup{By: by, Value: value, Merchant: u.Merchant})
		if by.Shared() {
			all = append(all, velocity.Lookup{By: by, Value: value, Merchant: u.Merchant, Across: true})
		}
	}
	slices.SortFunc(all, func(a, b velocity.Lookup) int { return cmp.Compare(fmt.Sprint(a.Pool()), fmt.Sprint(b.Pool())) })
	for i := range all {
		all[i].After = after(time.Duration(rapid.IntRange(-1, 5).Draw(r, "after")) * time.Minute)
		if rapid.IntRange(0, 2).Draw(r, "bounded") == 0 {
			all[i].Until = after(time.Duration(rapid.IntRange(-1, 5).Draw(r, "until")) * time.Minute)
		}
		all[i].Values, all[i].Labels = rapid.Bool().Draw(r, "values"), rapid.Bool().Draw(r, "labels")
	}
	return all
}

func drawLabels(r *rapid.T) []ledger.Label {
	var all []ledger.Label
	for _, source := range []string{ledger.ByDispute, ledger.ByReviewer} {
		all = append(all, ledger.Label{
			Label: rapid.SampledFrom([]string{ledger.Fraudulent, ledger.Legitimate}).Draw(r, "label"), Source: source,
			Time: after(time.Duration(rapid.IntRange(0, 5).Draw(r, "minute")) * time.Minute),
		})
	}
	return all
}
