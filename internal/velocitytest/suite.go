// Package velocitytest holds the tests that every velocity store must pass, and a store in memory for other tests.
package velocitytest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/internal/waittest"
)

// Store is a velocity store beside its ledger, which holds the labels.
type Store interface {
	fraud.VelocityStore
	fraud.VelocityReader
	fraud.VelocityPruner
	ledger.Writer
}

// Place opens one store. Each call opens it as another process would.
type Place func(t *testing.T) Store

// Conformance runs the whole suite. Each call of another must return a new, empty place.
func Conformance(t *testing.T, another func(t *testing.T) Place) {
	for name, test := range map[string]func(*testing.T, Store){
		"a transaction counts once, however often it is asked about": countsOnce,
		"a check that is asked again is answered as before":          keeps,
		"a later check sees what came since, and counts nothing":     laterChecks,
		"a decision comes back whole":                                comesBackWhole,
		"what fails in between leaves nothing":                       failures,
		"a check without what it is known by is refused":             refused,
		"an ended context ends the call":                             cancelled,
		"a window ends to the microsecond":                           edges,
		"the newest come first, and no more than are looked at":      newestFirst,
		"values and labels are read where they are asked for":        onlyWhatIsAskedFor,
		"labels are those of the ledger":                             labels,
		"merchants do not see each other's transactions":             func(t *testing.T, store Store) { MerchantsApart(t, store) },
		"values may be any text":                                     anyText,
		"amounts are exact, each in its currency":                    amounts,
		"only what is old is pruned, and in the portions asked":      prunes,
		"a past is what came before, whatever came":                  likeAModel,
	} {
		t.Run(name, func(t *testing.T) { test(t, another(t)(t)) })
	}
	for name, test := range map[string]func(*testing.T, Place){
		"of two transactions that share a value, one sees the other": oneSeesTheOther,
		"of two merchants' that share a card, one sees the other":    oneSeesTheOthers,
		"the same check asked by many at once is decided once":       decidedOnce,
		"readers see what is whole":                                  readersSeeWhatIsWhole,
	} {
		t.Run(name, func(t *testing.T) { test(t, another(t)) })
	}
}

// merchant is whose transactions are used where a test needs only one merchant.
const merchant = identity.DefaultMerchant

// start has more digits than a database column can hold.
var start = time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)

func after(d time.Duration) time.Time {
	return start.Add(d)
}

// id returns the id of the n-th transaction. The ids sort by n.
func id(n int) string {
	return fmt.Sprintf("01990000-0000-7000-8000-%012d", n)
}

// Use returns a use of a card by the n-th transaction, n seconds after the first.
func Use(n int, card string) velocity.Use {
	return velocity.Use{
		TransactionID: id(n), Merchant: merchant, At: after(time.Duration(n) * time.Second), Amount: money.Money{Minor: 12300, Currency: "INR"},
		Values: map[velocity.Dimension]string{velocity.Card: card},
	}
}

// Check returns the first check of the transaction.
func Check(u velocity.Use) fraud.Check {
	return fraud.Check{Transaction: transaction.Transaction{ID: u.TransactionID}, StartTime: u.At, AsOf: u.At, Number: 1}
}

// byCard looks up all uses of a card.
func byCard(card string) []velocity.Lookup {
	return []velocity.Lookup{{By: velocity.Card, Value: card, Merchant: merchant, After: after(-velocity.Horizon)}}
}

// decideByCount decides by how many uses of the same card came before: their number is the score.
func decideByCount(past velocity.Past) fraud.Decision {
	return fraud.Decision{Outcome: fraud.Approve, Score: len(past[velocity.Pool{By: velocity.Card}])}
}

var patience = waittest.Patience

// decide checks a transaction under the given number, and returns how many uses it saw of the same card.
func decide(t testing.TB, store Store, u velocity.Use, number int) int {
	t.Helper()
	c := Check(u)
	c.Number = number
	d, err := store.Decide(patience(t), c, u, byCard(u.Values[velocity.Card]), decideByCount)
	require.NoError(t, err)
	return d.Score
}

func look(t testing.TB, store Store, lookups ...velocity.Lookup) velocity.Past {
	t.Helper()
	past, err := store.Look(patience(t), "", lookups)
	require.NoError(t, err)
	return past
}

// ids returns the ids of the uses, in their order.
func ids(uses []velocity.Use) []string {
	all := []string{}
	for _, u := range uses {
		all = append(all, u.TransactionID)
	}
	return all
}
