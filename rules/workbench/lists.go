package workbench

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/rules"
)

const (
	// readWithin bounds a reading of entries: the first one is of all.
	readWithin = 30 * time.Second
	// forgetEvery is how often entries are forgotten that were deleted. The worker deletes some every hour.
	forgetEvery = 24 * time.Hour
	// startUp is how long the worker may take to make the tables when everything is started together.
	startUp = 15 * time.Second
)

// Lists keeps the entries of lists in the database, for the rulesets in use.
type Lists struct {
	Store ruleset.Lists
	Log   *slog.Logger

	needed []func() bool                 // whether a ruleset in use needs entries, or is not known yet
	now    atomic.Pointer[rules.Entries] // nil until the store has answered
	forgot time.Time                     // when entries that were deleted were last forgotten
}

// Of returns a ruleset in use with the entries of its lists. As long as they are not known, the ruleset before it is current, or none.
// All calls must come before Run.
func (l *Lists) Of(s Source) Source {
	before := &atomic.Pointer[fraud.Evaluator]{} // the last one that needed no entries
	l.needed = append(l.needed, func() bool {
		now := s.Current()
		l.with(now, before)
		return now == nil || needing(now) != nil
	})
	return Source{Files: s.Files, Current: func() fraud.Evaluator { return l.with(s.Current(), before) }}
}

func (l *Lists) with(current fraud.Evaluator, before *atomic.Pointer[fraud.Evaluator]) fraud.Evaluator {
	entries := l.now.Load()
	switch set := needing(current); {
	case set != nil && entries != nil:
		return set.With(entries, entries.Last())
	case set == nil:
		if current != nil {
			before.Store(&current)
		}
		return current
	}
	if known := before.Load(); known != nil {
		return *known
	}
	return nil
}

// needing returns a ruleset that has lists in the database, or nil for another.
func needing(current fraud.Evaluator) *rules.Set {
	if set, is := current.(*rules.Set); is && set.NeedsEntries() {
		return set
	}
	return nil
}

// Run takes each change of lists until ctx ends, if a ruleset in use has lists in the database. While changes cannot be read, what was
// read before counts.
func (l *Lists) Run(ctx context.Context) error {
	began := time.Now()
	return follow(ctx, l.look, func(err error) {
		level := slog.LevelError
		if l.now.Load() == nil && time.Since(began) < startUp {
			level = slog.LevelInfo
		}
		l.Log.Log(ctx, level, "The lists in the database cannot be read; what was read before goes on counting, and until there is something the ruleset before decides, or none", "error", err)
	})
}

// look takes what has changed.
func (l *Lists) look(ctx context.Context) error {
	if !slices.ContainsFunc(l.needed, func(needed func() bool) bool { return needed() }) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	was := l.now.Load()
	changed, err := l.Store.EntryChanges(ctx, was.Last())
	if err != nil {
		return err
	}
	if was == nil {
		l.forgot = time.Now() // all that was deleted before
	}
	if was == nil || len(changed) > 0 {
		l.now.Store(was.With(changed))
	}
	if time.Since(l.forgot) < forgetEvery {
		return nil
	}
	numbers, err := l.Store.EntryNumbers(ctx)
	if err == nil {
		l.now.Store(l.now.Load().Only(numbers))
		l.forgot = time.Now()
	}
	return err
}

// WithEntries returns a set with the entries of its lists in the database, as they are now.
func WithEntries(ctx context.Context, set *rules.Set, store ruleset.Lists) (*rules.Set, error) {
	if !set.NeedsEntries() {
		return set, nil
	}
	all, err := store.EntryChanges(ctx, 0)
	if err != nil {
		return nil, err
	}
	entries := (*rules.Entries)(nil).With(all)
	return set.With(entries, entries.Last()), nil
}

// List returns a list of the rulesets in use, and its entries if it is a file.
func (w *Workbench) List(_ context.Context, name string) (ruleset.List, []string, error) {
	sources := []Source{w.Deciding}
	if w.Shadow != nil {
		sources = append(sources, *w.Shadow)
	}
	for _, source := range sources {
		set, err := source.set()
		if err != nil {
			return ruleset.List{}, nil, err
		}
		for _, l := range set.Lists() {
			if l.Name == name {
				l.Entries = set.Count(name, time.Now())
				return l, set.Written(name), nil
			}
		}
	}
	return ruleset.List{}, nil, ruleset.ErrNoList
}

// Spell returns an entry of lists of a value as they compare it, or an error that says what would be right.
func (w *Workbench) Spell(of, entry string) (string, error) { return rules.SpellEntry(of, entry) }

// ListValue returns what a list of that value looks up for a transaction, as an entry. It is empty if the transaction has none.
func (w *Workbench) ListValue(of string, t transaction.Transaction) string {
	return rules.EntryOf(of, t)
}

// described describes the lists of a set.
func described(set *rules.Set) []ruleset.List {
	all := []ruleset.List{}
	for _, l := range set.Lists() {
		l.Entries = set.Count(l.Name, time.Now())
		all = append(all, l)
	}
	return all
}
