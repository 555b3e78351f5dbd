package fraud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
)

// Detector decides about transactions. Asked the same again, after a retry or a crash, it gives the same answer. An error
// means that it could not decide now and may be asked again; it is never a verdict.
type Detector interface {
	Detect(ctx context.Context, c Check) (Decision, error)
}

// Check is a question to a detector: the transaction, and the time for which to decide.
type Check struct {
	transaction.Transaction

	// StartTime is when the transaction was accepted.
	StartTime time.Time `json:"startTime"`
	// AsOf is the time for which the check is made: StartTime for the first check, and a later time for a repeated one.
	AsOf time.Time `json:"asOf"`
	// Number tells the checks of a transaction apart: 1 is the first. A retry has the number of the check that it repeats.
	Number int `json:"number"`
}

// The scores that detectors without a ruleset give for a review and for a decline.
const (
	reviewScore  = 70
	declineScore = 90
)

// finding collects what a detector sees on its way to a decision.
type finding struct {
	outcome Outcome
	score   int
	reasons []Reason
}

// newFinding returns an approval, with the signals that are checked for every transaction.
func newFinding(t transaction.Transaction) *finding {
	f := &finding{outcome: Approve, reasons: []Reason{}}
	if t.Payment.Token == "" && !t.Payment.Card.LuhnValid {
		f.score = 5
		f.reasons = append(f.reasons, Reason{Code: "CARD_LUHN_INVALID", Message: "the card number fails the Luhn check"})
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

// VelocityStore remembers transactions, to compare later ones with, and the decision about each.
type VelocityStore interface {
	// Decide returns the earlier decision under the check's id and number, if there is one. Otherwise it passes the known
	// past to decide, counts the transaction if it is not counted yet, and keeps the decision: all of it or nothing. So a
	// transaction counts once, however often it is asked about, and of two that share a value one sees the other.
	//
	// The transaction is counted under the use's values, and lookups select what decide is given. decide may be called more
	// than once, and must return the same each time for the same past.
	Decide(ctx context.Context, c Check, use velocity.Use, lookups []velocity.Lookup, decide func(velocity.Past) Decision) (Decision, error)
}

// VelocityReader reads what a VelocityStore holds.
type VelocityReader interface {
	// Look returns the past of a transaction, which need not be in the store itself.
	Look(ctx context.Context, transactionID string, lookups []velocity.Lookup) (velocity.Past, error)
}

// VelocityPruner deletes what is too old to count.
type VelocityPruner interface {
	// PruneVelocity deletes at most limit uses, at most as many decisions and at most as many changes of labels, from before a time,
	// and returns how many it has deleted.
	PruneVelocity(ctx context.Context, before time.Time, limit int) (int, error)
}
