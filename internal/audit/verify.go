package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/domain/ledger"
)

// Verifier compares the ledger with Temporal's histories, in both directions. What looks wrong is looked at again after
// Grace, and counts only if it still does: both sides move while they are compared.
type Verifier struct {
	Ledger  ledger.Reader
	History History
	Span    Span          // when the transactions started
	Workers int           // how many transactions are asked for at once
	Grace   time.Duration // more than the ledger and Temporal's index lag behind

	Found    func(Finding)                 // called once for a transaction, one at a time
	Progress func(n Counts, suspected int) // called now and then; those suspected are looked at again
	Every    time.Duration                 // how often Progress is called
}

// comparison is one run of a Verifier.
type comparison struct {
	*Verifier

	retention time.Duration

	mu         sync.Mutex
	counts     Counts
	suspects   []string
	secondLook bool // at the suspects
	silent     int  // how many queries in a row were not answered
}

// Run compares. The error says why it did not come to the end; what it has counted until then stands.
func (v *Verifier) Run(ctx context.Context) (Counts, error) {
	c := &comparison{Verifier: v}
	defer c.reportProgress(ctx)()
	err := c.run(ctx)
	counts, _ := c.snapshot()
	return counts, err
}

func (c *comparison) run(ctx context.Context) (err error) {
	if c.retention, err = c.History.Retention(ctx); err != nil {
		return fmt.Errorf("ask Temporal how long it keeps histories: %w", err)
	}
	if err := c.fromLedger(ctx); err != nil {
		return fmt.Errorf("compare the ledger's transactions with Temporal: %w", err)
	}
	if err := c.fromHistory(ctx); err != nil {
		return fmt.Errorf("look up Temporal's transactions in the ledger: %w", err)
	}
	if err := c.again(ctx); err != nil {
		return fmt.Errorf("look again at what differed: %w", err)
	}
	return nil
}

// fromLedger looks at every entry in the span.
func (c *comparison) fromLedger(ctx context.Context) error {
	return c.concurrently(ctx, func(ctx context.Context, todo func(func() error)) error {
		q := ledger.Query{Since: c.Span.Since, Until: c.Span.Until}
		return entries(ctx, c.Ledger, q, func(e ledger.Entry) error {
			todo(func() error { return c.first(ctx, e) })
			return ctx.Err()
		})
	})
}

// fromHistory looks for workflows that the ledger does not hold. Those that it does are compared already.
func (c *comparison) fromHistory(ctx context.Context) error {
	return c.concurrently(ctx, func(ctx context.Context, todo func(func() error)) error {
		return c.History.Started(ctx, c.Span, func(x Execution) error {
			todo(func() error {
				_, err := c.Ledger.Find(ctx, x.TransactionID)
				if errors.Is(err, ledger.ErrNotFound) {
					c.suspect(x.TransactionID)
					return nil
				}
				return err
			})
			return ctx.Err()
		})
	})
}

// again gives whatever looked wrong the time to come right, and reports what did not.
func (c *comparison) again(ctx context.Context) error {
	suspects := c.beginSecondLook()
	if len(suspects) == 0 {
		return nil
	}
	select {
	case <-time.After(c.Grace):
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.concurrently(ctx, func(ctx context.Context, todo func(func() error)) error {
		for _, id := range suspects {
			todo(func() error { return c.second(ctx, id) })
		}
		return nil
	})
}

func (c *comparison) beginSecondLook() (suspects []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secondLook = true
	slices.Sort(c.suspects)
	c.suspects = slices.Compact(c.suspects) // a reset workflow is listed once for each run
	return c.suspects
}

// concurrently runs what feed hands to todo, as many at once as there are workers.
func (c *comparison) concurrently(ctx context.Context, feed func(ctx context.Context, todo func(func() error)) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.Workers + 1) // one is the feed
	group.Go(func() error { return feed(ctx, group.Go) })
	return group.Wait()
}

// first counts a transaction that is as it should be, and suspects any other.
func (c *comparison) first(ctx context.Context, e ledger.Entry) error {
	seen, err := c.compare(ctx, e)
	if err != nil {
		return err
	}
	if seen.finding != nil {
		c.suspect(e.Record.TransactionID)
		return nil
	}
	c.count(seen)
	return nil
}

// second counts a transaction, and reports it where it is not as it should be.
func (c *comparison) second(ctx context.Context, id string) error {
	e, err := c.Ledger.Find(ctx, id)
	var seen look
	switch {
	case err == nil:
		seen, err = c.compare(ctx, e)
	case errors.Is(err, ledger.ErrNotFound):
		seen, err = c.unrecorded(ctx, id)
	}
	if err != nil {
		return err
	}
	c.count(seen)
	return nil
}

func (c *comparison) suspect(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.suspects = append(c.suspects, id)
}

// count adds what was seen, and tells what is wrong.
func (c *comparison) count(l look) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.add != nil {
		c.counts.Compared++
		l.add(&c.counts)
	}
	if l.finding != nil {
		c.Found(*l.finding)
	}
}

func (c *comparison) snapshot() (n Counts, suspected int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts, len(c.suspects)
}

// reportProgress begins to; the function it returns ends it.
func (c *comparison) reportProgress(ctx context.Context) (stop func()) {
	if c.Progress == nil || c.Every <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var reporting sync.WaitGroup
	reporting.Go(func() {
		ticker := time.NewTicker(c.Every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.Progress(c.snapshot())
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		reporting.Wait()
	}
}

// look is what a look at a transaction came to: how it counts, and what is wrong where something is.
type look struct {
	add     func(*Counts) // nil: it does not count
	finding *Finding
}

func equal(n *Counts)         { n.Equal++ }
func running(n *Counts)       { n.Running++ }
func pastRetention(n *Counts) { n.PastRetention++ }

func found(f *Finding) look {
	if f.Kind == Unanswered {
		return look{func(n *Counts) { n.Unanswered++ }, f}
	}
	return look{func(n *Counts) { n.Disagreeing++ }, f}
}

// compare looks at an entry and its workflow. The order of reading matters while the workflow runs: it may say more
// than the entry that was read before it, never less.
func (c *comparison) compare(ctx context.Context, e ledger.Entry) (look, error) {
	id := e.Record.TransactionID
	history, err := c.ask(ctx, id)
	if err != nil {
		return c.withoutHistory(e, err)
	}
	if history.EndTime != nil {
		if diff, err := differences(e.Record, history); err != nil || len(diff) == 0 {
			return look{add: equal}, about(id, err)
		}
	}
	execution, err := c.History.Execution(ctx, id)
	if err != nil {
		return c.withoutHistory(e, err)
	}
	if !execution.Closed.IsZero() {
		return c.compareEnded(ctx, e, execution)
	}
	more, err := ahead(e.Record, history)
	if len(more) > 0 {
		return found(differing(id, Ahead, more)), nil
	}
	return look{add: running}, about(id, err)
}

// compareEnded reads both sides anew: what was read before may be of a time when the workflow still ran.
func (c *comparison) compareEnded(ctx context.Context, e ledger.Entry, x Execution) (look, error) {
	id := e.Record.TransactionID
	history, err := c.ask(ctx, id)
	if err != nil {
		return c.withoutHistory(e, err)
	}
	switch e, err = c.Ledger.Find(ctx, id); {
	case errors.Is(err, ledger.ErrNotFound): // aged out this very moment
		return look{}, nil
	case err != nil:
		return look{}, about(id, err)
	}
	if history.EndTime == nil {
		return found(unfinished(e, x)), nil
	}
	diff, err := differences(e.Record, history)
	if len(diff) > 0 {
		return found(differing(id, Differs, diff)), nil
	}
	return look{add: equal}, about(id, err)
}

// withoutHistory is what it means that a workflow did not speak.
func (c *comparison) withoutHistory(e ledger.Entry, err error) (look, error) {
	id := e.Record.TransactionID
	switch {
	case errors.Is(err, ErrUnanswered):
		return found(&Finding{id, Unanswered, err.Error()}), nil
	case errors.Is(err, ErrForgotten):
		if f := unknown(e, c.retention, time.Now()); f != nil {
			return found(f), nil
		}
		return look{add: pastRetention}, nil
	}
	return look{}, about(id, err)
}

// unrecorded is for a workflow that was listed, and that the ledger does not hold.
func (c *comparison) unrecorded(ctx context.Context, id string) (look, error) {
	execution, err := c.History.Execution(ctx, id)
	if errors.Is(err, ErrForgotten) { // the list was older than Temporal's last clean-up
		return look{}, nil
	}
	if err != nil {
		return look{}, about(id, err)
	}
	return found(unrecorded(execution)), nil
}

// ask asks a workflow. The first time round it gives up on all of them once as many as there are workers have kept silent
// in a row: each takes the whole patience of a query, and they would all.
func (c *comparison) ask(ctx context.Context, id string) (ledger.Record, error) {
	record, err := c.History.Record(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !errors.Is(err, ErrUnanswered) {
		c.silent = 0
		return record, err
	}
	if c.silent++; c.silent >= max(c.Workers, 2) && !c.secondLook {
		return record, fmt.Errorf("%w (%s)", ErrNoWorker, err.Error())
	}
	return record, err
}

func about(id string, err error) error {
	if err != nil {
		return fmt.Errorf("transaction %s: %w", id, err)
	}
	return nil
}

// leaves are the values of a JSON document by their path, such as steps[2].time. What is null or empty has none.
type leaves map[string]string

// differences names every value that two records do not share.
func differences(inLedger, inHistory ledger.Record) ([]string, error) {
	a, b, err := bothLeaves(inLedger, inHistory)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(a)
	maps.Copy(all, b)
	var found []string
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if !same(a[path], b[path]) {
			found = append(found, difference(path, a, b))
		}
	}
	return found, nil
}

// changing is what may stand otherwise in a later record of the same transaction. All else is added to, and stays.
var changing = []string{"message", "transactionStatus.", "review.recheck."}

// ahead names what the ledger says and a running workflow does not. That the workflow knows more is as it should be.
func ahead(inLedger, inHistory ledger.Record) ([]string, error) {
	a, b, err := bothLeaves(inLedger, inHistory)
	if err != nil {
		return nil, err
	}
	atSameStep := len(inLedger.Steps) == len(inHistory.Steps)
	var found []string
	for _, path := range slices.Sorted(maps.Keys(a)) {
		mayChange := slices.ContainsFunc(changing, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
		if same(a[path], b[path]) || mayChange && (!atSameStep || path != "transactionStatus.code") {
			continue
		}
		found = append(found, difference(path, a, b))
	}
	return found, nil
}

func difference(path string, inLedger, inHistory leaves) string {
	return fmt.Sprintf("%s: ledger says %s, history says %s", path, orNothing(inLedger[path]), orNothing(inHistory[path]))
}

// longest is how much of a value is shown, in bytes. Notes and names may be long.
const longest = 120

func orNothing(value string) string {
	switch {
	case value == "":
		return "nothing"
	case len(value) > longest:
		return strings.ToValidUTF8(value[:longest], "") + "…"
	}
	return value
}

// same takes one instant for itself, however it is written.
func same(a, b string) bool {
	if a == b {
		return true
	}
	one, errA := time.Parse(`"`+time.RFC3339Nano+`"`, a)
	other, errB := time.Parse(`"`+time.RFC3339Nano+`"`, b)
	return errA == nil && errB == nil && one.Equal(other)
}

func bothLeaves(inLedger, inHistory ledger.Record) (a, b leaves, err error) {
	inLedger.Labels = known(inLedger.Labels, inHistory.Labels)
	if a, err = leavesOf(inLedger); err != nil {
		return nil, nil, fmt.Errorf("take apart the ledger's record: %w", err)
	}
	if b, err = leavesOf(inHistory); err != nil {
		return nil, nil, fmt.Errorf("take apart the history's record: %w", err)
	}
	return a, b, nil
}

// known are the labels of history that the ledger has, too. Others were posted to the ledger alone; and whoever posted one
// before history gave the same has given it its time and its note.
func known(inLedger, inHistory []ledger.Label) []ledger.Label {
	var all []ledger.Label
	for _, label := range inHistory {
		if slices.ContainsFunc(inLedger, label.Same) {
			all = append(all, label)
		}
	}
	return all
}

// leavesOf goes by the JSON of a record, so that no field can be forgotten here.
func leavesOf(r ledger.Record) (leaves, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.UseNumber() // amounts are compared to the last digit
	var document any
	if err := reader.Decode(&document); err != nil {
		return nil, err
	}
	all := leaves{}
	all.add("", document)
	return all, nil
}

func (l leaves) add(path string, value any) {
	switch value := value.(type) {
	case nil:
	case map[string]any:
		for key, member := range value {
			l.add(strings.TrimPrefix(path+"."+key, "."), member)
		}
	case []any:
		for i, element := range value {
			l.add(fmt.Sprintf("%s[%d]", path, i), element)
		}
	case string:
		if value != "" {
			l[path] = fmt.Sprintf("%q", value)
		}
	default:
		l[path] = fmt.Sprint(value)
	}
}
