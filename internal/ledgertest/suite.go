// Package ledgertest holds the tests that every database of the ledger must pass.
package ledgertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/internal/waittest"
)

// Store is a ledger that can be written, read, labelled and pruned.
type Store interface {
	ledger.Writer
	ledger.Searcher
	ledger.Labeler
	ledger.Pruner
}

// Conformance runs the whole suite. Each call of open must return a new, empty store.
func Conformance(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, Store){
		"an entry comes back as it was saved":                           comesBack,
		"what was not saved is not found":                               notFound,
		"what is another merchant's is not found":                       anothers,
		"an entry without what it is known by is refused":               refused,
		"the entry of the later mark counts":                            laterCounts,
		"in whatever order entries are saved, the latest counts":        latestCounts,
		"the labels of an entry replace those of the one before":        labelsReplaced,
		"a review without a label takes back the label of its reviewer": reviewWithoutLabel,
		"a label is kept beside those of other sources and words":       labels,
		"a label that is given again keeps the notes it had before":     labelledAgain,
		"a label keeps so many notes":                                   labelledTooOften,
		"only what is there can be labelled":                            notLabelled,
		"a label may hold any text":                                     labelText,
		"no save takes back a label that was given to the ledger":       labelsStay,
		"labels go with their transaction":                              labelsPruned,
		"many label at once while others save":                          labelledByMany,
		"the list begins with the newest":                               newestFirst,
		"every filter, and all together, choose what they name":         filters,
		"a search that goes on from where it ended finds all":           searchesOn,
		"pages neither repeat nor miss an entry while others arrive":    pages,
		"a page holds as many as were asked for":                        limits,
		"a brief entry has no explanation and nothing that was posted":  brief,
		"only what ended long ago is pruned, and in the portions asked": prunes,
		"an ended context ends the call":                                cancelled,
		"savers do not get into each other's way":                       concurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var patience = waittest.Patience

func save(t *testing.T, store Store, entries ...ledger.Entry) {
	t.Helper()
	for _, e := range entries {
		require.NoError(t, store.Save(patience(t), e))
	}
}

func find(t *testing.T, store Store, id string) ledger.Entry {
	t.Helper()
	found, err := store.Find(patience(t), identity.AllMerchants(), id)
	require.NoError(t, err)
	return found
}

func list(t *testing.T, store Store, q ledger.Query) ledger.Page {
	t.Helper()
	page, err := store.List(patience(t), q)
	require.NoError(t, err)
	return page
}

// ids returns the ids of the entries, in their order.
func ids(entries []ledger.Entry) []string {
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Record.TransactionID)
	}
	return all
}

// same requires that two entries are equal to the last digit and nanosecond.
func same(t rapid.TB, want, got ledger.Entry) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the entry (-saved +found):\n%s", diff)
	}
}
