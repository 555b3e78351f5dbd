package workbench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/ruleset"
	"dummyorders/rules"
	"dummyorders/rules/backtest"
)

// These bound what backtests take: how many run at once, how long each may run, how many transactions it may read, which are most of
// its memory, and how many are kept to be looked at.
const (
	mostAtOnce   = 2
	backtestTime = 10 * time.Minute
	mostRead     = 50_000
	mostKept     = 20
)

// A backtest that runs is kept for other processes every few seconds. If its process has not done so for a while, it has ended.
const (
	keepEvery  = 2 * time.Second
	keepWithin = 5 * time.Second
	lostAfter  = 30 * time.Second
)

// changesListed is how many changed decisions a report lists.
const changesListed = 100

// backtests holds the backtests of this process, the oldest first.
type backtests struct {
	mu      sync.Mutex
	all     []*run
	ended   bool // with the process: no more are begun
	running sync.WaitGroup
}

// run is a backtest, who has begun it, and the merchants whose transactions it reads.
type run struct {
	ruleset.Backtest

	by   string
	of   identity.Merchants
	stop context.CancelFunc
}

// errTooMany says that a period has too many transactions.
var errTooMany = fmt.Errorf("there are more than %d transactions, which is the most that is read here: choose fewer days, or use orders rules backtest", mostRead)

// StartBacktest begins to decide again about the transactions of these merchants in the last days. It fails with a *ruleset.FaultyError if
// the files have faults, with ruleset.ErrBusy if enough backtests run, and with ruleset.ErrOneRuns if one of the same caller does.
func (w *Workbench) StartBacktest(by string, of identity.Merchants, files ruleset.Files, days int) (ruleset.Backtest, error) {
	set, found := check(files)
	if set == nil {
		return ruleset.Backtest{}, &ruleset.FaultyError{Findings: found}
	}
	until := time.Now().UTC()
	r := &run{by: by, of: of, Backtest: ruleset.Backtest{
		ID: uuid.NewString(), State: ruleset.Running, Candidate: set.Ruleset(), Since: until.AddDate(0, 0, -days), Until: until,
	}}
	begun := r.Backtest
	ctx, stop := context.WithTimeout(context.Background(), backtestTime) // it goes on after the request
	r.stop = stop
	if err := w.backtests.add(r); err != nil {
		stop()
		return ruleset.Backtest{}, err
	}
	w.keepOnce(r.ID) // before the answer: another process may be asked next
	go func() {
		defer w.backtests.running.Done()
		defer stop()
		over := make(chan struct{})
		var kept sync.WaitGroup
		kept.Go(func() { w.keep(r.ID, over) })
		w.run(ctx, r, set)
		close(over)
		kept.Wait()
	}()
	return begun, nil
}

// Backtest returns a backtest of these merchants, of this process or as another one has kept it. It fails with ruleset.ErrNoBacktest.
func (w *Workbench) Backtest(ctx context.Context, of identity.Merchants, id string) (ruleset.Backtest, error) {
	if own, is := w.backtests.find(id); is {
		return shownTo(of, own)
	}
	if w.Backtests == nil {
		return ruleset.Backtest{}, ruleset.ErrNoBacktest
	}
	kept, err := w.Backtests.KeptBacktest(ctx, id)
	if err != nil {
		return ruleset.Backtest{}, err
	}
	if kept.State == ruleset.Running && kept.Age > lostAfter {
		kept.State, kept.Why = ruleset.Failed, whyEnded
	}
	return shownTo(of, kept)
}

// whyEnded is why a backtest has failed that ended with its process.
const whyEnded = "the desk that ran it has ended: begin it again"

func shownTo(of identity.Merchants, k ruleset.KeptBacktest) (ruleset.Backtest, error) {
	if !of.Covers(k.Of) {
		return ruleset.Backtest{}, ruleset.ErrNoBacktest
	}
	return k.Backtest, nil
}

// find returns a backtest of this process as it is now.
func (b *backtests) find(id string) (ruleset.KeptBacktest, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.all {
		if r.ID == id {
			return ruleset.KeptBacktest{Backtest: r.Backtest, Of: r.of}, true
		}
	}
	return ruleset.KeptBacktest{}, false
}

// Run stops all backtests once ctx ends, and waits until they have ended.
func (w *Workbench) Run(ctx context.Context) error {
	<-ctx.Done()
	b := &w.backtests
	b.mu.Lock()
	b.ended = true
	for _, r := range b.all {
		r.stop()
	}
	b.mu.Unlock()
	b.running.Wait()
	return nil
}

// keep keeps a backtest for other processes every few seconds, and once more when it is over.
func (w *Workbench) keep(id string, over <-chan struct{}) {
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for last := false; !last; {
		select {
		case <-ticker.C:
		case <-over:
			last = true
		}
		w.keepOnce(id)
	}
}

// keepOnce goes on while the process ends, so that the end of the backtest is kept too.
func (w *Workbench) keepOnce(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), keepWithin)
	defer cancel()
	now, is := w.backtests.find(id)
	if !is || w.Backtests == nil {
		return
	}
	if err := w.Backtests.KeepBacktest(ctx, now); err != nil {
		w.Log.WarnContext(ctx, "Backtest not kept for other processes: only this one shows it", "error", err)
	}
}

// add keeps a backtest, unless too many run, or one of the same caller does. If there are too many, it forgets the oldest one of the
// caller that has ended, or else of anybody.
func (b *backtests) add(r *run) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	running := 0
	for _, other := range b.all {
		if other.State != ruleset.Running {
			continue
		}
		if running++; other.by == r.by {
			return ruleset.ErrOneRuns
		}
	}
	if b.ended || running >= mostAtOnce {
		return ruleset.ErrBusy
	}
	b.running.Add(1)
	if len(b.all) >= mostKept {
		old := slices.IndexFunc(b.all, func(o *run) bool { return o.by == r.by })
		if old < 0 {
			old = slices.IndexFunc(b.all, func(o *run) bool { return o.State != ruleset.Running })
		}
		b.all = slices.Delete(b.all, old, old+1)
	}
	b.all = append(b.all, r)
	return nil
}

func (b *backtests) change(r *run, change func(*ruleset.Backtest)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&r.Backtest)
}

func (w *Workbench) run(ctx context.Context, r *run, set *rules.Set) {
	report, err := w.report(ctx, r, set)
	var text []byte
	if err == nil {
		text, err = json.Marshal(report)
	}
	w.backtests.change(r, func(b *ruleset.Backtest) {
		switch {
		case err == nil:
			b.State, b.Report = ruleset.Done, text
		case errors.Is(err, context.DeadlineExceeded):
			b.State, b.Why = ruleset.Failed, fmt.Sprintf("it took more than %d minutes", int(backtestTime.Minutes()))+": choose fewer days, or use orders rules backtest"
		case errors.Is(ctx.Err(), context.Canceled): // by Run
			b.State, b.Why = ruleset.Failed, whyEnded
		case errors.Is(err, errTooMany):
			b.State, b.Why = ruleset.Failed, errTooMany.Error()
		default:
			b.State, b.Why = ruleset.Failed, "the ledger cannot be read now: try again later"
		}
	})
}

func (w *Workbench) report(ctx context.Context, r *run, set *rules.Set) (*backtest.Report, error) {
	set, err := WithEntries(ctx, set, w.Lists)
	if err != nil {
		return nil, err
	}
	test := &backtest.Backtest{
		Ledger: &bounded{Reader: w.Ledger, of: r.of}, Candidate: set, Then: set.Then(), Since: r.Since, Until: r.Until, Changes: changesListed, Rules: KnownRules(set), Settle: set.Settle,
		Progress: func(now backtest.Progress) {
			w.backtests.change(r, func(b *ruleset.Backtest) { b.Progress = ruleset.Progress(now) })
		},
	}
	return test.Run(ctx)
}

// bounded reads a ledger of some merchants only, and fails once it has read too much.
type bounded struct {
	ledger.Reader

	of   identity.Merchants
	read int
}

// List implements ledger.Reader.
func (b *bounded) List(ctx context.Context, q ledger.Query) (ledger.Page, error) {
	q.Merchants = b.of
	page, err := b.Reader.List(ctx, q)
	if b.read += len(page.Entries); err == nil && b.read > mostRead {
		return page, errTooMany
	}
	return page, err
}

// KnownRules returns the rules and the lists that act, under the names that decisions use.
func KnownRules(set *rules.Set) []backtest.KnownRule {
	var all []backtest.KnownRule
	for _, list := range set.Lists() {
		if list.Effect != "" {
			all = append(all, backtest.KnownRule{ID: "list:" + list.Name, Action: list.Effect})
		}
	}
	for _, rule := range set.Rules() {
		all = append(all, backtest.KnownRule{
			ID: rule.ID, Name: rule.Name, Score: rule.Score, Action: rule.Action, Shadow: rule.Mode == rules.Shadow,
		})
	}
	return all
}
