package fraud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"dummyorders/domain/transaction"
	"dummyorders/domain/usage"
)

// Detector decides about transactions. Asked the same again, after a retry or a crash, it answers the same. An error
// means that it could not decide now and may be asked again; it is never a verdict.
type Detector interface {
	Detect(ctx context.Context, c Check) (Decision, error)
}

// Check is a question to a detector: about which transaction, and as of when.
type Check struct {
	transaction.Transaction

	// StartTime is the transaction's own time: when it was accepted.
	StartTime time.Time `json:"startTime"`
	// AsOf is the moment that the check is made for: StartTime at first, and later when the check is asked again.
	AsOf time.Time `json:"asOf"`
	// Number tells the checks of a transaction apart: 1 is the first. A retry has the number of what it repeats.
	Number int `json:"number"`
}

// What detectors without a ruleset score for a review and a decline.
const (
	reviewScore  = 70
	declineScore = 90
)

// finding gathers what a detector sees on its way to a decision.
type finding struct {
	outcome Outcome
	score   int
	reasons []Reason
}

// newFinding starts from an approval and the signals that every transaction is looked at for.
func newFinding(t transaction.Transaction) *finding {
	f := &finding{outcome: Approve, reasons: []Reason{}}
	if t.Payment.Token == "" && !t.Payment.Card.LuhnValid {
		f.score = 5
		f.reasons = append(f.reasons, Reason{"CARD_LUHN_INVALID", "the card number fails the Luhn check"})
	}
	return f
}

func (f *finding) add(outcome Outcome, score int, reason Reason) {
	f.outcome, f.score = outcome, min(MaxScore, f.score+score)
	f.reasons = append(f.reasons, reason)
}

func (f *finding) decision(ruleset Ruleset) Decision {
	return Decision{
		Outcome:   f.outcome,
		Score:     f.score,
		RiskLevel: RiskOf(f.score, reviewScore, declineScore),
		Reasons:   f.reasons,
		Ruleset:   ruleset,
		Source:    AutomatedRule,
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// History is what is remembered of transactions, for later ones to be compared with, and what was decided about each.
type History interface {
	// Decide answers what was decided before under the check's id and number. Where nothing was, it hands decide what is
	// known, counts the transaction if it is not counted yet, and keeps the decision: all of it or nothing. So a
	// transaction counts once, however often it is asked about, and of two that share a value one sees the other.
	//
	// The use's values are what the transaction is counted under, and lookups what decide is given. decide may be called
	// more than once, and must come to the same each time for the same past.
	Decide(ctx context.Context, c Check, use usage.Use, lookups []usage.Lookup, decide func(usage.Past) Decision) (Decision, error)
}

// HistoryReader is for those who only look.
type HistoryReader interface {
	// Look is the past of a transaction that need not be in the history itself.
	Look(ctx context.Context, transactionID string, lookups []usage.Lookup) (usage.Past, error)
}

// HistoryPruner lets go of what is old.
type HistoryPruner interface {
	// PruneHistory deletes at most limit uses, and at most as many decisions, from before a time, and says how many it has
	// deleted.
	PruneHistory(ctx context.Context, before time.Time, limit int) (int, error)
}
