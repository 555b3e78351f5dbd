// Package backtest decides again what was decided already: by another ruleset, and from what was known at the time. Its
// report says what would have become of the transactions.
package backtest

import (
	"context"
	"fmt"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
)

// Backtest is what is to be decided again, and by whom. It is for one Run.
type Backtest struct {
	Ledger    ledger.Reader
	Candidate fraud.Evaluator
	// Since and Until choose decisions by the start of their transactions: then or later, and before. Neither is zero.
	Since, Until time.Time
	// GoodBefore has transactions that began before it, and have no label, counted as legitimate: a fraud would be known by then.
	// Where it is zero they do not count.
	GoodBefore time.Time
	// Changes is how many changed decisions the report lists: the latest.
	Changes int
	// Rules are the candidate's rules and lists, so that the report names those that never hit, too. It may be nil.
	Rules []KnownRule
	// Settle is the candidate's outcome if, of its live rules, those hit or failed and no others: what a rule was decisive
	// for is found with it. Where it is nil, or once disagrees with the candidate, the report does not say.
	Settle func([]fraud.RuleResult) fraud.Outcome
	// Progress is told now and then how far it has got. It may be nil.
	Progress func(Progress)

	tally   *tally
	history *history
	count   Progress
}

// KnownRule is a rule as it stands in a ruleset.
type KnownRule struct {
	ID, Name string
	Score    int
	Action   fraud.Action
	Shadow   bool
}

// Progress is how far a backtest has got. Reading comes first, and decides what it can on the way; what is left is
// folded and decided after it.
type Progress struct {
	Read, Decided, ToFold int
}

// Run reads the ledger and decides. In memory it takes about 1 KB for each transaction that it reads, and 6 KB for each
// whose features were not all recorded: a million of the first kind fit a laptop, those of the second a server.
func (b *Backtest) Run(ctx context.Context) (*Report, error) {
	b.tally, b.history = newTally(b), newHistory(b.Candidate.Features())
	if err := b.read(ctx); err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	if err := b.fold(ctx); err != nil {
		return nil, fmt.Errorf("fold what was not recorded: %w", err)
	}
	return b.tally.report(), nil
}

// decide asks the candidate, which must have all values by now.
func (b *Backtest) decide(d decision) {
	values := make(map[string]float64, len(d.values))
	for i, name := range b.history.names {
		values[name] = d.values[i]
	}
	check := fraud.Check{Transaction: d.posted, StartTime: d.startTime, AsOf: d.asOf, Number: 1}
	b.tally.add(d, b.Candidate.Evaluate(check, values))
	b.count.Decided++
}

// stride is how many decisions are folded between two words of progress.
const stride = 500

func (b *Backtest) tell() {
	if b.Progress != nil {
		b.Progress(b.count)
	}
}
