package inspect

import (
	"bytes"
	"cmp"
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

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
)

// Verifier compares the ledger with Temporal's histories, in both directions. It looks again after Grace at what looks
// wrong, and reports it only if it still does: both sides change during the comparison.
type Verifier struct {
	Ledger  ledger.Reader
	History History
	Span    Span          // when the transactions started
	Workers int           // how many transactions are compared at once
	Grace   time.Duration // longer than the ledger and Temporal's index lag behind

	Found    func(Finding)                 // called once for each transaction with a finding, never concurrently
	Progress func(n Counts, suspected int) // called from time to time; suspected transactions will be compared again
	Every    time.Duration                 // how often Progress is called
}

// comparison is one run of a Verifier.
type comparison struct {
	*Verifier

	retention time.Duration

	mu         sync.Mutex
	counts     Counts
	suspects   []string
	secondLook bool // the suspects are being compared again
	silent     int  // how many queries in a row were not answered
}

// Run compares. If it fails, the error says why it did not finish, and the counts up to then are valid.
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

// fromLedger compares every entry in the span with its workflow.
func (c *comparison) fromLedger(ctx context.Context) error {
	return c.concurrently(ctx, func(ctx context.Context, todo func(func() error)) error {
		q := ledger.Query{Merchants: identity.AllMerchants(), Since: c.Span.Since, Until: c.Span.Until}
		for e, err := range ledger.Entries(ctx, c.Ledger, q) {
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			todo(func() error { return c.first(ctx, e) })
		}
		return nil
	})
}

// fromHistory looks for workflows that the ledger does not hold. Those that it holds are compared already.
func (c *comparison) fromHistory(ctx context.Context) error {
	return c.concurrently(ctx, func(ctx context.Context, todo func(func() error)) error {
		return c.History.Started(ctx, c.Span, func(x Execution) error {
			todo(func() error {
				_, err := c.Ledger.Find(ctx, identity.AllMerchants(), x.TransactionID)
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

// again waits for Grace, then compares all suspects once more and reports those that still look wrong.
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

// concurrently runs the functions that feed passes to todo, at most Workers at once.
func (c *comparison) concurrently(ctx context.Context, feed func(ctx context.Context, todo func(func() error)) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.Workers + 1) // the extra one is the feed
	group.Go(func() error { return feed(ctx, group.Go) })
	return group.Wait()
}

// first counts a transaction if it is as it should be. Otherwise it adds it to the suspects.
func (c *comparison) first(ctx context.Context, e ledger.Entry) error {
	found, err := c.compare(ctx, e)
	if err != nil {
		return err
	}
	if found.finding != nil {
		c.suspect(e.Record.TransactionID)
		return nil
	}
	c.count(found)
	return nil
}

// second counts a transaction, and reports it if it is not as it should be.
func (c *comparison) second(ctx context.Context, id string) error {
	e, err := c.Ledger.Find(ctx, identity.AllMerchants(), id)
	var found look
	switch {
	case err == nil:
		found, err = c.compare(ctx, e)
	case errors.Is(err, ledger.ErrNotFound):
		found, err = c.unrecorded(ctx, id)
	}
	if err != nil {
		return err
	}
	c.count(found)
	return nil
}

func (c *comparison) suspect(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.suspects = append(c.suspects, id)
}

// count adds a result to the counts, and reports its finding if there is one.
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

// reportProgress starts calling Progress. The function that it returns ends that.
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

// look is the result of comparing a transaction: how it counts, and its finding if something is wrong.
type look struct {
	add     func(*Counts) // nil if it does not count
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

// compare compares an entry with its workflow. The entry must be read first: a workflow that is still running may then
// say more than the entry, but never less.
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

// compareEnded reads both sides again: the earlier reads may date from when the workflow was still running.
func (c *comparison) compareEnded(ctx context.Context, e ledger.Entry, x Execution) (look, error) {
	id := e.Record.TransactionID
	history, err := c.ask(ctx, id)
	if err != nil {
		return c.withoutHistory(e, err)
	}
	switch e, err = c.Ledger.Find(ctx, identity.AllMerchants(), id); {
	case errors.Is(err, ledger.ErrNotFound): // pruned just now
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

// withoutHistory returns the result for a workflow that gave no record.
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

// unrecorded returns the result for a workflow that was listed but that the ledger does not hold.
func (c *comparison) unrecorded(ctx context.Context, id string) (look, error) {
	execution, err := c.History.Execution(ctx, id)
	if errors.Is(err, ErrForgotten) { // Temporal removed it after the list was made
		return look{}, nil
	}
	if err != nil {
		return look{}, about(id, err)
	}
	return found(unrecorded(execution)), nil
}

// ask asks a workflow for its record. In the first round it fails with ErrNoWorker after as many unanswered queries in
// a row as there are workers: each of them waits for the whole timeout of a query, and so would the others.
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

// leaves holds the values of a JSON document by their path, such as steps[2].time. It leaves out null and empty values.
type leaves map[string]string

// differences returns every value that differs between two records.
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

// changing lists the paths whose values may change in a later record of the same transaction. Everything else is only
// added to.
var changing = []string{"message", "transactionStatus.", "review.recheck."}

// ahead returns what the ledger says and a running workflow does not. The workflow may know more than the ledger.
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

// longest is how much of a value is shown, in bytes. Notes and names may be longer.
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

// same reports whether two values are equal. Times are equal if they are the same instant, however they are written.
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

// known returns the labels of the history that the ledger has too. The ledger's other labels were posted to it
// directly. If someone posted a label to the ledger before the history added the same one, the ledger's time and note
// differ, so the history's label is used.
func known(inLedger, inHistory []ledger.Label) []ledger.Label {
	var all []ledger.Label
	for _, label := range inHistory {
		if slices.ContainsFunc(inLedger, label.Same) {
			all = append(all, label)
		}
	}
	return all
}

// leavesOf walks the JSON of a record, so that no field can be forgotten here.
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
