package fraud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"dummyorders/domain/transaction"
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
