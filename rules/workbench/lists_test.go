package workbench_test

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/rules"
	"dummyorders/rules/workbench"
)

// withList is a ruleset that blocks what is on a list in the database.
var withList = fstest.MapFS{
	"ruleset.yaml": {Data: []byte("id: mine\nversion: 1\nthresholds: {review: 40, decline: 80}\nlists:\n  blocked: {from: database, of: customer.id, effect: block}\n")},
	"rules/a.yaml": {Data: []byte("rules:\n  - {id: a, name: a, when: payment.amount > 100000, score: 80, reason: A, message: a}\n")},
}

var withoutList = fstest.MapFS{"rules/a.yaml": withList["rules/a.yaml"], "ruleset.yaml": {
	Data: []byte("id: mine\nversion: 1\nthresholds: {review: 40, decline: 80}\n"),
}}

// listStore is a store of entries that says how often it was asked.
type listStore struct {
	ruleset.Lists

	mu    sync.Mutex
	err   error
	all   []ruleset.ListEntry
	asked int

	unnumbered error // of the next EntryNumbers
}

func (s *listStore) set(err error, all ...ruleset.ListEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range all {
		all[i].List, all[i].Of, all[i].Value = "blocked", "customer.id", "c-1001"
	}
	s.err, s.all = err, all
}

func (s *listStore) EntryChanges(_ context.Context, after int64) (changed []ruleset.ListEntry, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	for _, e := range s.all {
		if e.Number > after || e.RemovedIn > after {
			changed = append(changed, e)
		}
	}
	return changed, s.err
}

func (s *listStore) EntryNumbers(context.Context) (numbers []int64, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.all {
		numbers = append(numbers, e.Number)
	}
	err := cmp.Or(s.unnumbered, s.err)
	s.unnumbered = nil
	return numbers, err
}

// A change counts within five seconds, nothing is decided before entries are known, and what is known counts while the database is away.
func TestListsPolled(t *testing.T) {
	set, err := rules.Read(withList, "test")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		s, log := &listStore{err: errors.New("the database is away")}, &strings.Builder{}
		lists := &workbench.Lists{Store: s, Log: slog.New(slog.NewTextHandler(log, nil))}
		source := lists.Of(workbench.Source{Current: func() fraud.Evaluator { return set }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- lists.Run(ctx) }()
		after := func() string {
			time.Sleep(5 * time.Second) // on the bubble's clock
			synctest.Wait()
			current := source.Current()
			if current == nil {
				return "nothing"
			}
			return string(current.Evaluate(rules.Unremarkable(), nil).Outcome)
		}
		first := ruleset.ListEntry{Number: 1}
		assert.Equal(t, "nothing", after(), "it is not known yet what is on the list")
		s.set(nil)
		assert.Equal(t, "approve", after(), "nothing is")
		s.set(nil, first)
		assert.Equal(t, "decline", after())
		s.set(errors.New("the database is away"))
		assert.Equal(t, "decline", after())
		first.RemovedIn = 2
		s.set(nil, first)
		assert.Equal(t, "approve", after())
		s.set(nil, first, ruleset.ListEntry{Number: 3})
		assert.Equal(t, "decline", after())
		cancel()
		require.NoError(t, <-done)
		assert.Equal(t, 2, strings.Count(log.String(), "The lists in the database cannot be read"), log.String())
	})
}

// Within a day, an entry that was deleted from the database is forgotten, also if a read fails, and those that are kept go on counting.
func TestListsForget(t *testing.T) {
	set, err := rules.Read(withList, "test")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		s := &listStore{unnumbered: errors.New("the database is away")}
		lists := &workbench.Lists{Store: s, Log: slog.New(slog.DiscardHandler)}
		source := lists.Of(workbench.Source{Current: func() fraud.Evaluator { return set }})
		ended, stands := ruleset.ListEntry{Number: 1, RemovedIn: 2, RemovedAt: time.Now()}, ruleset.ListEntry{Number: 3}
		s.set(nil, ended, stands)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- lists.Run(ctx) }()
		on := func(change int64) fraud.Outcome {
			synctest.Wait()
			decided := source.Current().(*rules.Set).AsDecided(&fraud.ListsUsed{Change: change}, time.Now())
			return decided.Evaluate(rules.Unremarkable(), nil).Outcome
		}
		assert.Equal(t, []fraud.Outcome{fraud.Decline, fraud.Decline}, []fraud.Outcome{on(1), on(3)})
		s.set(nil, stands)
		time.Sleep(25 * time.Hour) // on the bubble's clock
		assert.Equal(t, []fraud.Outcome{fraud.Approve, fraud.Decline}, []fraud.Outcome{on(1), on(3)})
		cancel()
		require.NoError(t, <-done)
	})
}

// A ruleset with the first lists in the database decides once their entries are read, and until then the one before.
func TestListsSwitch(t *testing.T) {
	plain, err := rules.Read(withoutList, "test")
	require.NoError(t, err)
	listed, err := rules.Read(withList, "test")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		s := &listStore{err: errors.New("the database is away")}
		lists := &workbench.Lists{Store: s, Log: slog.New(slog.DiscardHandler)}
		var current atomic.Pointer[rules.Set]
		current.Store(plain)
		source := lists.Of(workbench.Source{Current: func() fraud.Evaluator { return current.Load() }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- lists.Run(ctx) }()
		synctest.Wait()
		assert.Zero(t, s.asked)
		current.Store(listed)
		assert.Same(t, plain, source.Current(), "nothing decides until the next look")
		time.Sleep(5 * time.Second) // on the bubble's clock
		synctest.Wait()
		assert.Same(t, plain, source.Current(), "nothing decides while the entries cannot be read")
		s.set(nil, ruleset.ListEntry{Number: 1})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Equal(t, fraud.Decline, source.Current().Evaluate(rules.Unremarkable(), nil).Outcome)
		cancel()
		require.NoError(t, <-done)
	})
}

// Where no ruleset in use has lists in the database, it is not asked: its tables may be older.
func TestListsNotNeeded(t *testing.T) {
	set, err := rules.Read(withoutList, "test")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		s := &listStore{}
		lists := &workbench.Lists{Store: s, Log: slog.New(slog.DiscardHandler)}
		source := lists.Of(workbench.Source{Current: func() fraud.Evaluator { return set }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- lists.Run(ctx) }()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Same(t, set, source.Current())
		assert.Zero(t, s.asked)
		cancel()
		require.NoError(t, <-done)
	})
}

// A transaction is tried with the entries that counted when it was decided, or else with those of its time.
func TestTryAsOf(t *testing.T) {
	set, err := rules.Read(withList, "test")
	require.NoError(t, err)
	at := rules.Unremarkable().AsOf
	entries := (*rules.Entries)(nil).With([]ruleset.ListEntry{{Number: 1, List: "blocked", Of: "customer.id", Value: "c-1001", At: at}})
	bench := &workbench.Workbench{Deciding: workbench.Source{
		Current: func() fraud.Evaluator { return set.With(entries, entries.Last()) },
		Files:   func() (fs.FS, error) { return withList, nil },
	}}
	before := at.Add(-time.Second)
	for name, c := range map[string]struct {
		when    time.Time
		decided *fraud.Explanation
		want    fraud.Outcome
	}{
		"not decided, before the entry": {before, nil, fraud.Approve},
		"not decided, after it":         {at, nil, fraud.Decline},
		"decided after it":              {before, &fraud.Explanation{DecidedAt: at.Add(time.Second)}, fraud.Decline},
		"decided by it":                 {before, &fraud.Explanation{DecidedAt: at.Add(time.Second), Lists: &fraud.ListsUsed{Change: 1}}, fraud.Decline},
		"decided before it was read":    {before, &fraud.Explanation{DecidedAt: at.Add(time.Second), Lists: &fraud.ListsUsed{}}, fraud.Approve},
	} {
		tried, err := bench.Try(t.Context(), rules.Unremarkable().Transaction, c.when, c.decided, false)
		require.NoError(t, err)
		assert.Equal(t, c.want, tried.Decision.Outcome, name)
	}
	used, err := bench.InUse(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []ruleset.List{{Name: "blocked", Of: "customer.id", Effect: fraud.ActBlock, Entries: 1}}, used.Deciding.Lists)
}
