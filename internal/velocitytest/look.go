package velocitytest

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/velocity"
	"dummyorders/internal/ledgertest"
)

// edges tests uses a microsecond apart, with nanoseconds, which databases do not keep.
func edges(t *testing.T, store Store) {
	const apart = time.Microsecond
	base := start.Truncate(time.Microsecond)
	for n, at := range []time.Time{base.Add(-apart), base.Add(999), base.Add(apart)} {
		u := Use(n, "a")
		u.At = at
		decide(t, store, u, 1)
	}
	for _, c := range []struct {
		after time.Time
		want  []string
	}{
		{base.Add(-2 * apart), []string{id(2), id(1), id(0)}},
		{base.Add(-apart), []string{id(2), id(1)}},
		{base.Add(-1), []string{id(2), id(1)}},
		{base, []string{id(2)}},
		{base.Add(apart - 1), []string{id(2)}},
		{base.Add(apart), []string{}},
	} {
		found := look(t, store, velocity.Lookup{By: velocity.Card, Value: "a", Merchant: merchant, After: c.after})[velocity.Pool{By: velocity.Card}]
		require.Equal(t, c.want, ids(found), "after %s", c.after)
		for _, u := range found {
			require.Zero(t, u.At.Nanosecond()%1000, "a time is kept more exactly than others may keep it")
			require.Equal(t, time.UTC, u.At.Location())
		}
	}
}

func newestFirst(t *testing.T, store Store) {
	const more = velocity.MostUses + 3
	var deciding errgroup.Group
	deciding.SetLimit(8)
	for n := range more { // two at each time
		u := Use(n, "a")
		u.At = after(time.Duration(n/2) * time.Second)
		deciding.Go(func() error {
			_, err := store.Decide(patience(t), Check(u), u, nil, decideByCount)
			return err
		})
	}
	require.NoError(t, deciding.Wait())
	want := []string{}
	for n := more - 1; len(want) < velocity.MostUses; n-- {
		want = append(want, id(n))
	}
	require.Equal(t, want, ids(look(t, store, byCard("a")...)[velocity.Pool{By: velocity.Card}]))
	past, err := store.Look(patience(t), id(more-1), byCard("a"))
	require.NoError(t, err)
	require.Equal(t, append(want[1:], id(2)), ids(past[velocity.Pool{By: velocity.Card}]), "the transaction itself takes a place")
	require.Equal(t, velocity.MostUses, decide(t, store, Use(more, "a"), 1))
}

func onlyWhatIsAskedFor(t *testing.T, store Store) {
	u := Use(1, "a")
	u.Values[velocity.IP] = "192.0.2.1"
	decide(t, store, u, 1)
	labelled(t, store, 1, ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: start})
	u.At = u.At.Truncate(time.Microsecond)
	label := []velocity.Label{{Fraudulent: true, At: start.Truncate(time.Microsecond)}}
	card := velocity.Lookup{By: velocity.Card, Value: "a", Merchant: merchant}
	for name, c := range map[string]struct {
		values, labels bool
		want           velocity.Use
	}{
		"neither":     {want: velocity.Use{TransactionID: u.TransactionID, At: u.At, Amount: u.Amount}},
		"its values":  {values: true, want: u},
		"its labels":  {labels: true, want: velocity.Use{TransactionID: u.TransactionID, At: u.At, Amount: u.Amount, Labels: label}},
		"all of both": {values: true, labels: true, want: velocity.Use{TransactionID: u.TransactionID, Merchant: merchant, At: u.At, Amount: u.Amount, Values: u.Values, Labels: label}},
	} {
		card.Values, card.Labels = c.values, c.labels
		require.Empty(t, cmp.Diff(velocity.Past{{By: velocity.Card}: {c.want}}, look(t, store, card)), name)
	}
	card.Values, card.Labels = true, false
	ip := velocity.Lookup{By: velocity.IP, Value: "192.0.2.1", Merchant: merchant, Labels: true}
	for _, both := range [][]velocity.Lookup{{card, ip}, {ip, card}} {
		past := look(t, store, both...)
		require.Len(t, past[velocity.Pool{By: velocity.Card}][0].Values, 2)
		require.Empty(t, past[velocity.Pool{By: velocity.Card}][0].Labels)
		require.Empty(t, past[velocity.Pool{By: velocity.IP}][0].Values)
		require.Len(t, past[velocity.Pool{By: velocity.IP}][0].Labels, 1)
	}
	require.Empty(t, look(t, store))
}

// labelled saves the n-th transaction in the ledger, with labels.
func labelled(t *testing.T, store Store, n int, labels ...ledger.Label) {
	t.Helper()
	e := ledgertest.Accepted(n)
	e.Record.Labels = labels
	require.Equal(t, id(n), e.Record.TransactionID)
	require.NoError(t, store.Save(patience(t), e))
}

func labels(t *testing.T, store Store) {
	for n := range 4 {
		decide(t, store, Use(n, "a"), 1)
	}
	labelled(t, store, 1)
	labelled(t, store, 2,
		ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: after(time.Hour)},
		ledger.Label{Label: ledger.Legitimate, Source: ledger.ByDispute, Time: after(2 * time.Hour)},
		ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByReviewer, Time: after(time.Minute)})
	labelled(t, store, 3, ledger.Label{Label: ledger.Legitimate, Source: ledger.ByReviewer, Time: start})
	asked := byCard("a")[0]
	asked.Labels = true
	found := look(t, store, asked)[velocity.Pool{By: velocity.Card}]
	require.Equal(t, []string{id(3), id(2), id(1), id(0)}, ids(found), "labels count as uses")
	require.ElementsMatch(t, []velocity.Label{
		{Fraudulent: true, At: after(time.Hour).Truncate(time.Microsecond)},
		{Fraudulent: false, At: after(2 * time.Hour).Truncate(time.Microsecond)},
		{Fraudulent: true, At: after(time.Minute).Truncate(time.Microsecond)},
	}, found[1].Labels)
	require.Equal(t, []velocity.Label{{Fraudulent: false, At: start.Truncate(time.Microsecond)}}, found[0].Labels)
	require.Empty(t, found[2].Labels)
	require.Empty(t, found[3].Labels)
}

func anyText(t *testing.T, store Store) {
	long := strings.Builder{}
	for n := range 500 { // as long as metadata may be, and with bytes that a database cannot compress
		long.WriteRune(rune(0x10000 + (n*n*7919)%0x4000))
	}
	texts := []string{
		"O'Neill; \"--\" \\ % _ ? $1 :x @y", "'; DROP TABLE uses --", "\n\t\u2028 ü 日本 🛒", "a\x00b", "a\xffb\xc3", " a", "a", "A", "ä", "a\u0308",
		"null", "{}", long.String(), long.String() + "x",
	}
	key := velocity.Metadata(`de"v'ice ?` + strings.Repeat("日", 30))
	for n, text := range texts {
		u := Use(n, text)
		u.Values[key] = text
		require.Equal(t, 0, decide(t, store, u, 1), "%q is taken for another", text)
	}
	for n, text := range texts {
		u := Use(100+n, text)
		u.Values[key] = text
		require.Equal(t, 1, decide(t, store, u, 1), "%q is not found again", text)
		found := look(t, store, velocity.Lookup{By: key, Value: text, Merchant: merchant, Values: true})[velocity.Pool{By: key}]
		require.Equal(t, []string{id(100 + n), id(n)}, ids(found), "%q", text)
		require.Equal(t, found[0].Values, found[1].Values)
		require.Len(t, found[0].Values, 2)
		require.Equal(t, found[0].Values[velocity.Card], found[0].Values[key])
	}
}

func amounts(t *testing.T, store Store) {
	all := []money.Money{
		{Minor: 1, Currency: "INR"}, {Minor: 1<<53 + 1, Currency: "JPY"}, {Minor: math.MaxInt64, Currency: "KWD"}, {Minor: 0, Currency: ""},
	}
	for n, amount := range all {
		u := Use(n, "a")
		u.Amount = amount
		decide(t, store, u, 1)
	}
	found := look(t, store, byCard("a")...)[velocity.Pool{By: velocity.Card}]
	require.Len(t, found, len(all))
	for n, amount := range all {
		require.Equal(t, amount, found[len(all)-1-n].Amount)
	}
}
