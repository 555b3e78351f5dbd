package ledgertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
)

func newestFirst(t *testing.T, store Store) {
	early, late := Accepted(1), Accepted(5)
	one, two, three := Accepted(2), Accepted(3), Accepted(4)
	for _, e := range []*ledger.Entry{&one, &two, &three} {
		e.Record.StartTime = after(3 * time.Second) // equal, so their ids decide
	}
	one.Record.Labels = Whole().Record.Labels // more rows for one entry do not change its position
	save(t, store, two, late, one, early, three)
	page := list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: 10})
	require.Equal(t, []string{id(5), id(4), id(3), id(2), id(1)}, ids(page.Entries))
	require.Zero(t, page.Next, "there is a next page after the last entry")
}

// many returns entries that differ in what can be filtered by, with several for each value and for most pairs.
func many() []ledger.Entry {
	statuses := []transaction.Status{transaction.Pending, transaction.AlertDone, transaction.PaymentComplete, transaction.InReview}
	outcomes := []fraud.Outcome{"", fraud.Approve, fraud.Review, fraud.Decline, fraud.NotEvaluated}
	var entries []ledger.Entry
	for n := range 60 {
		e := Accepted(n)
		e.Record.Order.ID = []string{"a", "b", "B", "ä"}[n%4]
		e.Transaction.Merchant = []string{"", "acme", "gamma"}[n%3]
		e.Transaction.Customer = &transaction.Customer{ID: []string{"", "a", "ä"}[n/2%3]}
		e.Transaction.Payment.Card.LastFour, e.Transaction.Payment.Card.Fingerprint = []string{"", "1111"}[n/4%2], []string{"", "f1", "f2"}[n%3]
		e.Transaction.IP = []string{"", "192.0.2.1", "2001:db8::1"}[n/5%3]
		e.Record.PaymentMethod = []string{"amazonpay", "card"}[n/6%2]
		e.Transaction.Payment.Amount = money.Money{Minor: int64(n), Currency: []money.Currency{"INR", "JPY"}[n%2]}
		e.Record.Payment.AuthorizationID = []string{"", "a-1"}[n%2]
		e.Record.Metadata = map[string]string{"channel": []string{"web", `"app"` + hard}[n/2%2], hard: "web"}
		e.Record.Explanation = &fraud.Explanation{Rules: []fraud.RuleResult{{ID: "a_rule", Outcome: []fraud.RuleOutcome{fraud.RuleHit, fraud.RuleFailed}[n%2]}}}
		both := []fraud.Trial{
			{Ruleset: fraud.Ruleset{ID: "mine" + fraud.WithShadow, Digest: "sha256:01"}, Outcome: outcomes[1+n%3]},
			{Ruleset: fraud.Ruleset{ID: "an-other_1", Version: 22}, Outcome: outcomes[1+n/3%3]},
		}
		e.Record.Explanation.Trials = [][]fraud.Trial{nil, both[:1], both[1:], both}[n/2%4]
		if outcome := outcomes[n%5]; outcome != "" {
			e.Record.Decide(fraud.Decision{Outcome: outcome, Explanation: e.Record.Explanation})
		}
		e.Record.Move(statuses[n/3%4], start)
		e.Record.StartTime = after(time.Duration(n/2) * time.Second) // two with each time
		if n%7 == 0 {
			e.Record.Labels = Whole().Record.Labels
		}
		entries = append(entries, e)
	}
	return entries
}

// filters lists random combinations of filters, page by page, and compares the result with that of a plain loop.
func filters(t *testing.T, store Store) {
	entries := many()
	save(t, store, entries...)
	slices.Reverse(entries)
	for _, by := range []fraud.Shadow{fraud.ShadowRules, fraud.ShadowRuleset} { // the others leave few of these
		q := ledger.Query{Merchants: identity.AllMerchants(), Limit: len(entries), Disagrees: by}
		want := slices.DeleteFunc(slices.Clone(entries), func(e ledger.Entry) bool { return !chosen(q, e) })
		require.Equal(t, ids(want), ids(list(t, store, q).Entries), by)
		require.NotEmpty(t, want, by)
	}
	require.NotEmpty(t, list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: 1, Releasing: true}).Entries)
	rapid.Check(t, func(r *rapid.T) {
		q := drawQuery(r)
		want := wanted(q, entries)
		got, rounds := []string{}, 0
		for next := true; next; rounds++ {
			page, err := store.List(patience(t), q)
			require.NoError(r, err)
			require.LessOrEqual(r, len(page.Entries), q.Limit)
			require.Less(r, rounds, 100, "the pages do not end")
			got = append(got, ids(page.Entries)...)
			q.After = page.Next
			next = page.Next != ledger.Cursor{}
		}
		require.Equal(r, strings.Join(want, "\n"), strings.Join(got, "\n"))
		require.Equal(r, max(1, (len(want)+q.Limit-1)/q.Limit), rounds, "there are more pages than are needed")
	})
}

// searchesOn searches in pages that look at a few entries each, and compares all that they find with a plain loop.
func searchesOn(t *testing.T, store Store) {
	entries := many()
	save(t, store, entries...)
	slices.Reverse(entries)
	reach, err := store.Reach(patience(t), ledger.Query{Merchants: identity.AllMerchants(), PaymentMethod: "cheque"}, 10)
	require.NoError(t, err)
	require.Equal(t, entries[9].Record.TransactionID, reach.TransactionID)
	for name, q := range map[string]ledger.Query{
		"an index leads to it": {Merchants: identity.OnlyMerchants("acme"), Outcome: fraud.Approve, Since: start},
		"there are fewer":      {Merchants: identity.AllMerchants(), PaymentMethod: "cheque", Since: entries[8].Record.StartTime},
	} {
		reach, err := store.Reach(patience(t), q, 11)
		require.NoError(t, err, name)
		require.Zero(t, reach, name)
	}
	rapid.Check(t, func(r *rapid.T) {
		q, most := drawQuery(r), rapid.IntRange(1, 70).Draw(r, "most")
		var got []string
		for next, rounds := true, 0; next; rounds++ {
			require.Less(r, rounds, 200, "the pages do not end")
			q.DownTo, err = store.Reach(patience(t), q, most)
			require.NoError(r, err)
			page, err := store.List(patience(t), q)
			require.NoError(r, err)
			got = append(got, ids(page.Entries)...)
			if q.After = page.Next; page.Next == (ledger.Cursor{}) {
				q.After = q.DownTo
			}
			next = q.After != ledger.Cursor{}
		}
		require.Equal(r, strings.Join(wanted(q, entries), "\n"), strings.Join(got, "\n"))
	})
}

// Merchants returns so many merchants that have nothing, and others.
func Merchants(n int, others ...string) identity.Merchants {
	for i := range n {
		others = append(others, fmt.Sprintf("quiet%d", i))
	}
	return identity.OnlyMerchants(others...)
}

// drawQuery draws a combination of filters.
func drawQuery(r *rapid.T) ledger.Query {
	instant := rapid.Custom(func(r *rapid.T) time.Time {
		return after(time.Duration(rapid.IntRange(-1, 31).Draw(r, "second")) * time.Second)
	})
	q := ledger.Query{
		Merchants: rapid.SampledFrom([]identity.Merchants{
			identity.AllMerchants(), identity.OnlyMerchants("default"), identity.OnlyMerchants("acme"), identity.OnlyMerchants("acme", "default", "beta"),
			Merchants(60, "acme", "default"),
			{},
		}).Draw(r, "merchants"),
		Status:  rapid.SampledFrom([]transaction.Status{0, 0, 11, 15, 18, 19, 99}).Draw(r, "status"),
		Outcome: rapid.SampledFrom([]fraud.Outcome{"", "", fraud.Approve, fraud.Decline, fraud.NotEvaluated, "?"}).Draw(r, "outcome"),
		OrderID: rapid.SampledFrom([]string{"", "", "a", "b", "B", "ä", "c"}).Draw(r, "order"),

		Releasing:     rapid.SampledFrom([]bool{false, false, false, true}).Draw(r, "releasing"),
		CustomerID:    rapid.SampledFrom([]string{"", "", "", "a", "ä", "b"}).Draw(r, "customer"),
		IP:            rapid.SampledFrom([]string{"", "", "", "192.0.2.1", "2001:db8::1", "192.0.2.9"}).Draw(r, "ip"),
		PaymentMethod: rapid.SampledFrom([]string{"", "", "", "card", "amazonpay", "Card"}).Draw(r, "method"),
		Currency:      rapid.SampledFrom([]money.Currency{"", "", "", "INR", "JPY", "USD"}).Draw(r, "currency"),
		AmountFrom:    rapid.SampledFrom([]int64{0, 0, 0, 1, 30}).Draw(r, "from"),
		AmountTo:      rapid.SampledFrom([]int64{0, 0, 0, 30, 59}).Draw(r, "to"),
		Rule:          rapid.SampledFrom([]string{"", "", "", "a_rule", "rule", "%", hard}).Draw(r, "rule"),
		Disagrees:     rapid.SampledFrom([]fraud.Shadow{"", "", "", fraud.ShadowRules, fraud.ShadowRuleset}).Draw(r, "disagrees"),
		Metadata: rapid.SampledFrom([]map[string]string{
			nil, nil, nil, {"channel": "web"}, {"channel": `"app"` + hard}, {hard: "web", "channel": "web"}, {hard: "app"},
		}).Draw(r, "metadata"),

		Since: rapid.OneOf(rapid.Just(time.Time{}), instant).Draw(r, "since"),
		Until: rapid.OneOf(rapid.Just(time.Time{}), instant).Draw(r, "until"),
		Limit: rapid.IntRange(1, 70).Draw(r, "limit"),
	}
	if card := rapid.SampledFrom([][2]string{{}, {}, {}, {"1111", ""}, {"1111", "f1"}, {"4242", ""}}).Draw(r, "card"); card[0] != "" {
		q.CardLastFour, q.CardFingerprint = card[0], card[1]
	}
	return q
}

// wanted returns the ids of the entries that a query chooses, whatever its page.
func wanted(q ledger.Query, entries []ledger.Entry) (all []string) {
	for _, e := range entries {
		if chosen(q, e) {
			all = append(all, e.Record.TransactionID)
		}
	}
	return all
}

func chosen(q ledger.Query, e ledger.Entry) bool {
	outcome := fraud.Outcome("")
	if e.Record.Decision != nil {
		outcome = e.Record.Decision.Outcome
	}
	return q.Merchants.Has(e.Transaction.Merchant) &&
		(q.Status == 0 || q.Status == e.Record.Status()) &&
		(q.Outcome == "" || q.Outcome == outcome) &&
		(q.OrderID == "" || q.OrderID == e.Record.Order.ID) &&
		(!q.Releasing || e.Record.Releasing()) &&
		(q.CustomerID == "" || q.CustomerID == e.Transaction.Customer.ID) &&
		(q.CardLastFour == "" || q.CardLastFour == e.Transaction.Payment.Card.LastFour) &&
		(q.CardFingerprint == "" || q.CardFingerprint == e.Transaction.Payment.Card.Fingerprint) &&
		(q.IP == "" || q.IP == e.Transaction.IP) &&
		(q.PaymentMethod == "" || q.PaymentMethod == e.Record.PaymentMethod) &&
		(q.Currency == "" || q.Currency == e.Transaction.Payment.Amount.Currency) &&
		q.AmountFrom <= e.Transaction.Payment.Amount.Minor && (q.AmountTo == 0 || e.Transaction.Payment.Amount.Minor <= q.AmountTo) &&
		(q.Rule == "" || q.Rule == "a_rule" && e.Record.Explanation != nil && e.Record.Explanation.Rules[0].Outcome == fraud.RuleHit) &&
		(q.Disagrees == "" || outcome != "" && slices.ContainsFunc(e.Record.Explanation.Trials, func(tried fraud.Trial) bool {
			return tried.Of() == q.Disagrees && tried.Outcome != outcome
		})) &&
		!slices.ContainsFunc(slices.Collect(maps.Keys(q.Metadata)), func(key string) bool { return e.Record.Metadata[key] != q.Metadata[key] }) &&
		!e.Record.StartTime.Before(q.Since) &&
		(q.Until.IsZero() || e.Record.StartTime.Before(q.Until))
}

// pages adds entries before, at and after the cursor between two pages.
func pages(t *testing.T, store Store) {
	for n := 10; n < 50; n += 2 {
		e := Accepted(n)
		e.Record.StartTime = after(time.Duration(n/8) * time.Second) // several start at the same time
		save(t, store, e)
	}
	was := ids(list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: 100}).Entries)
	added := map[string]bool{}
	var got []string
	for q, more := (ledger.Query{Merchants: identity.AllMerchants(), Limit: 3}), true; more; {
		require.Less(t, len(got), 1000, "the pages do not end")
		page := list(t, store, q)
		got = append(got, ids(page.Entries)...)
		q.After, more = page.Next, page.Next != ledger.Cursor{}
		for _, n := range []int{len(got), 11 + 2*len(got), 51 + len(got)} {
			e := Accepted(n)
			e.Record.StartTime = after(time.Duration(n/8) * time.Second)
			added[id(n)] = !slices.Contains(was, id(n))
			save(t, store, e)
		}
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(got))), len(got), "an entry came twice")
	require.Equal(t, was, slices.DeleteFunc(got, func(id string) bool { return added[id] }), "an entry is missing")
}

func limits(t *testing.T, store Store) {
	for n := range 4 {
		save(t, store, Accepted(n))
	}
	for limit, want := range map[int]int{1: 1, 3: 3, 4: 4, 5: 4} {
		page := list(t, store, ledger.Query{Merchants: identity.AllMerchants(), Limit: limit})
		require.Len(t, page.Entries, want)
		require.Equal(t, limit < 4, page.Next != ledger.Cursor{}, "limit %d: the next page begins at %v", limit, page.Next)
	}
	for _, limit := range []int{0, -1} {
		_, err := store.List(patience(t), ledger.Query{Merchants: identity.AllMerchants(), Limit: limit})
		require.ErrorContains(t, err, "must be at least 1")
	}
}

// brief lists the same entry whole and in brief.
func brief(t *testing.T, store Store) {
	want := Whole()
	save(t, store, want)
	q := ledger.Query{Merchants: identity.AllMerchants(), Limit: 1}
	whole := list(t, store, q)
	require.Empty(t, cmp.Diff(want.Record, whole.Entries[0].Record))
	q.Brief = true
	want.Record.Explanation = nil
	short := list(t, store, q)
	require.Empty(t, cmp.Diff(ledger.Entry{Record: want.Record, Mark: want.Mark}, short.Entries[0]))
	text, err := json.Marshal(want.Record)
	require.NoError(t, err)
	require.GreaterOrEqual(t, short.Size, len(text))
	require.Greater(t, whole.Size, short.Size, "the explanation counts")
	q.Metadata = map[string]string{"currency": want.Record.Order.Currency} // which SQL finds in the order
	none := list(t, store, q)
	require.Empty(t, none.Entries)
	require.Zero(t, none.Size, "what the page lacks does not count")
}
