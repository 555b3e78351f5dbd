package rules_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/rules"
)

// kept returns a ruleset with one block list in the database.
func kept(of string) folder {
	return plain.with(folder{"ruleset.yaml": plain["ruleset.yaml"] + "lists:\n  l: {from: database, of: " + of + ", effect: block}\n"})
}

// entries returns the entries with these changes.
func entries(all ...ruleset.ListEntry) *rules.Entries {
	for i := range all {
		if all[i].List == "" {
			all[i].List, all[i].Of = "l", "customer.id"
		}
	}
	return (*rules.Entries)(nil).With(all)
}

// A list in the database holds what the file with the same entries holds: see TestLists.
func alike(t *testing.T, of string, written []string, check fraud.Check, listed bool) {
	t.Helper()
	var all []ruleset.ListEntry
	for i, entry := range written {
		spelled, err := rules.SpellEntry(of, entry)
		require.NoError(t, err)
		all = append(all, ruleset.ListEntry{Number: int64(i + 1), List: "l", Of: of, Value: spelled})
	}
	e := entries(all...)
	set := kept(of).read(t).With(e, e.Last())
	d := set.Evaluate(check, withZeros(set, nil))
	require.Equal(t, listed, d.Outcome == fraud.Decline, "in the database")
	require.Len(t, d.Explanation.Lists.Hits, len(d.Reasons))
}

// An entry counts from the change that added it until the one that removed it, for transactions from before it expires.
func TestEntries(t *testing.T) {
	at := rules.Unremarkable().AsOf
	e := entries(
		ruleset.ListEntry{Number: 1, Value: "c-1"},
		ruleset.ListEntry{Number: 2, Value: "c-1001", At: at.Add(-3 * time.Hour), RemovedIn: 4, RemovedAt: at.Add(-time.Hour)},
		ruleset.ListEntry{Number: 3, Value: "c-1001", List: "l", Of: "metadata.c", At: at.Add(-150 * time.Minute)},
		ruleset.ListEntry{Number: 5, Value: "c-1001", At: at.Add(time.Hour), Expires: at},
		ruleset.ListEntry{Number: 6, Value: "c-1001", At: at.Add(time.Hour), Expires: at.Add(time.Microsecond)},
	)
	set := kept("customer.id").read(t)
	assert.True(t, set.NeedsEntries())
	assert.Equal(t, int64(6), e.Last())
	for change, entry := range map[int64]int64{1: 0, 2: 2, 3: 2, 4: 0, 5: 0, 6: 6} {
		with := set.With(e, change)
		d := evaluate(with, nil)
		want := &fraud.ListsUsed{Change: change, Hits: []fraud.ListHit{}}
		if entry > 0 {
			want.Hits = append(want.Hits, fraud.ListHit{List: "l", Entry: entry})
		}
		assert.Equal(t, want, d.Explanation.Lists, "after change %d", change)
		assert.Equal(t, entry > 0, d.Outcome == fraud.Decline, "after change %d", change)
		assert.Equal(t, set.Ruleset(), d.Ruleset, "entries change no digest")
	}
	assert.Equal(t, 2, set.With(e, 6).Count("l", at))
	assert.Equal(t, 1, set.With(e, 6).Count("l", at.Add(time.Hour)))

	for _, c := range []struct {
		used *fraud.ListsUsed
		at   time.Time
		hit  bool
	}{
		{nil, at.Add(-4 * time.Hour), false},
		{nil, at.Add(-3 * time.Hour), true},
		{nil, at.Add(-2 * time.Hour), true},
		{nil, at.Add(-time.Hour), false},
		{nil, at.Add(2 * time.Hour), true},
		{&fraud.ListsUsed{Change: 2}, at, true},
		{&fraud.ListsUsed{Change: 4}, at.Add(-2 * time.Hour), false},
	} {
		d := set.With(e, 6).Then()(c.used, c.at).Evaluate(rules.Unremarkable(), withZeros(set, nil))
		assert.Equal(t, c.hit, d.Outcome == fraud.Decline, "%v, %s", c.used, c.at)
	}
	assert.Nil(t, plain.read(t).Then())
}

// What has changed is added to what is known, which stays as it is.
func TestEntriesWith(t *testing.T) {
	set := kept("customer.id").read(t)
	first := entries(ruleset.ListEntry{Number: 1, Value: "c-1001"})
	second := first.With([]ruleset.ListEntry{{Number: 1, List: "l", Of: "customer.id", Value: "c-1001", RemovedIn: 2}})
	assert.Equal(t, fraud.Decline, evaluate(set.With(first, first.Last()), nil).Outcome)
	assert.Equal(t, fraud.Approve, evaluate(set.With(second, second.Last()), nil).Outcome)
	assert.Equal(t, int64(2), second.Last())
	assert.Equal(t, fraud.Approve, evaluate(set, nil).Outcome, "without entries")
	assert.Nil(t, evaluate(set, nil).Explanation.Lists)
}

// Entries that are taken one change after the other are those that are taken at once.
func TestEntriesInSteps(t *testing.T) {
	at, set := rules.Unremarkable().AsOf, kept("customer.id").read(t)
	in := func(hours int) time.Time { return at.Add(time.Duration(hours) * time.Hour) }
	entry := func(number, removed int64, hours int) ruleset.ListEntry {
		return ruleset.ListEntry{
			Number: number, List: "l", Of: "customer.id", Value: "c-1001", At: in(hours), Expires: in(1),
			RemovedIn: removed, RemovedAt: in(hours + 1),
		}
	}
	steps := entries(entry(1, 0, -9)).With([]ruleset.ListEntry{entry(1, 2, -9), entry(3, 0, -5)}).With([]ruleset.ListEntry{entry(4, 0, -6)}).
		With([]ruleset.ListEntry{entry(3, 5, -5)}).With(nil)
	whole := entries(entry(1, 2, -9), entry(3, 5, -5), entry(4, 0, -6))
	assert.Equal(t, whole.Last(), steps.Last())
	for change := range whole.Last() + 1 {
		assert.Equal(t, evaluate(set.With(whole, change), nil), evaluate(set.With(steps, change), nil), "after change %d", change)
	}
	for hours := -10; hours < 1; hours++ {
		assert.Equal(t, evaluate(set.With(whole, 0).AsOf(in(hours)), nil), evaluate(set.With(steps, 0).AsOf(in(hours)), nil), "%d hours", hours)
	}
}

// Entries that were deleted are forgotten, and those that ended and are kept decide as before, at each time and after each change.
func TestEntriesOnly(t *testing.T) {
	at, set := rules.Unremarkable().AsOf, kept("customer.id").read(t)
	entry := func(number, removed int64, hours int) ruleset.ListEntry {
		return ruleset.ListEntry{
			Number: number, List: "l", Of: "customer.id", Value: "c-1001", At: at.Add(time.Duration(hours) * time.Hour),
			RemovedIn: removed, RemovedAt: at.Add(time.Duration(hours+1) * time.Hour),
		}
	}
	all, rest := entries(entry(1, 2, -9), entry(3, 4, -6), entry(5, 0, -3)), entries(entry(3, 4, -6), entry(5, 0, -3))
	got := all.Only([]int64{3, 5})
	assert.Empty(t, cmp.Diff(rest, got, cmp.Exporter(func(reflect.Type) bool { return true })))
	assert.Same(t, got, got.Only([]int64{5, 3, 7}), "nothing was deleted")
	for change := int64(3); change <= all.Last(); change++ {
		assert.Equal(t, evaluate(set.With(all, change), nil), evaluate(set.With(got, change), nil), "after change %d", change)
	}
	for hours := -6; hours < 1; hours++ {
		then := at.Add(time.Duration(hours) * time.Hour)
		assert.Equal(t, evaluate(set.With(all, 0).AsOf(then), nil), evaluate(set.With(got, 0).AsOf(then), nil), "%d hours", hours)
	}
	assert.Zero(t, all.Only(nil).Last())
}

// Cases say which lists a transaction is on, and rules ask lists in the database as others.
func TestCasesOfLists(t *testing.T) {
	set := kept("customer.id").with(folder{
		"rules/b.yaml": "rules:\n" + written("asks", `listed("l")`, "score: 5", "cases: [{name: a, given: {listed: [l]}, hits: true}, {name: b, given: {}, hits: false}]"),
		"cases/a.yaml": "cases:\n  - {name: a, given: {listed: [l]}, outcome: decline, rules: ['list:l', asks]}\n",
	}).read(t)
	assert.Empty(t, rules.RunCases(set).Failures)
	e := entries(ruleset.ListEntry{Number: 1, Value: "c-1001"})
	assert.Equal(t, 80, evaluate(set.With(e, 1), nil).Score)
}

func TestEntryOf(t *testing.T) {
	check := rules.Unremarkable()
	check.Metadata = map[string]string{"device": " D-1"}
	for of, want := range map[string]string{
		"card.fingerprint": check.Payment.Card.Fingerprint, "customer.id": "c-1001", "customer.emailDomain": "example.com", "ip.address": "8.8.8.8/32",
		"billing.country": "IN", "metadata.device": "D-1", "metadata.other": "", "card.number": "",
	} {
		assert.Equal(t, want, rules.EntryOf(of, check.Transaction), of)
	}
}

func TestSpellEntry(t *testing.T) {
	for of, c := range map[string][2]string{
		"ip.address":           {"::ffff:203.0.113.7", "203.0.113.7/32"},
		"customer.emailDomain": {"Bücher.example.", "xn--bcher-kva.example"},
		"customer.id":          {" c-7 ", "c-7"},
	} {
		spelled, err := rules.SpellEntry(of, c[0])
		require.NoError(t, err)
		assert.Equal(t, c[1], spelled)
		_, err = rules.SpellEntry(of, " ")
		require.Error(t, err, of)
	}
	_, err := rules.SpellEntry("card.fingerprint", "4111111111111111")
	assert.EqualError(t, err, "this cannot be a card.fingerprint: it must be 64 digits and letters from a to f, as `orders rules explain` shows")
}

func TestListsFromFaults(t *testing.T) {
	for line, want := range map[string]string{
		"{of: customer.id}":                              `ruleset.yaml:5:6: "file" is missing: it must be given`,
		"{from: databse, of: customer.id}":               `ruleset.yaml:5:13: "databse" is not known here: did you mean "database"?`,
		"{from: database, file: l.txt, of: customer.id}": `ruleset.yaml:5:29: must be left out, or from: the entries of the list l are kept in the database or in a file`,
	} {
		assert.Equal(t, []string{want}, plain.with(folder{"ruleset.yaml": plain["ruleset.yaml"] + "lists:\n  l: " + line + "\n"}).faults(t))
	}
}
