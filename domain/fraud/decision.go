// Package fraud decides about transactions: a Detector looks at one and returns a Decision that explains itself.
package fraud

import (
	"cmp"
	"fmt"
	"time"

	"dummyorders/domain/usage"
)

// Outcome is what a decision means for the transaction.
type Outcome string

// NotEvaluated is no verdict: nobody decided within the deadline. It is never produced by a detector.
const (
	Approve      Outcome = "approve"
	Review       Outcome = "review"
	Decline      Outcome = "decline"
	NotEvaluated Outcome = "not_evaluated"
)

// RiskLevel is the score in words, see RiskOf.
type RiskLevel string

// The levels, from the least to the most risk; a transaction that nobody looked at is of unknown risk.
const (
	NormalRisk   RiskLevel = "normal"
	ElevatedRisk RiskLevel = "elevated"
	HighestRisk  RiskLevel = "highest"
	UnknownRisk  RiskLevel = "unknown"
)

// Source says who decided.
type Source string

// Nobody is the source of a decision that was not taken.
const (
	AutomatedRule Source = "automated_rule"
	Nobody        Source = "none"
)

// MaxScore is the most risk there is; scores go from 0 to it.
const MaxScore = 100

// Decision is what a detector found, whole: it can be shown to a person, and kept.
type Decision struct {
	Outcome   Outcome   `json:"outcome" enum:"approve,review,decline,not_evaluated"`
	Score     int       `json:"score" minimum:"0" maximum:"100"`
	RiskLevel RiskLevel `json:"riskLevel" enum:"normal,elevated,highest,unknown" doc:"The score in words: normal, elevated from the ruleset's review threshold on, highest from its decline threshold on; unknown where nobody decided"`
	Reasons   []Reason  `json:"reasons"`
	Ruleset   Ruleset   `json:"ruleset"`
	Source    Source    `json:"source" enum:"automated_rule,none"`

	// Explanation is how it was found. It is no part of what the caller is answered; nil where the detector has no more to
	// say.
	Explanation *Explanation `json:"explanation,omitempty"`
}

// Reason is one thing that was seen. Code is for programs, Message for people.
type Reason struct {
	Code    string `json:"code" example:"CARD_LUHN_INVALID"`
	Message string `json:"message"`
}

// Ruleset names exactly what decided. Digest covers everything that could change a decision.
type Ruleset struct {
	ID      string `json:"id" example:"dummy"`
	Version int    `json:"version"`
	Digest  string `json:"digest" example:"sha256:…"`
}

// digestShown is enough of a digest to tell rulesets apart by eye.
const digestShown = len("sha256:") + 12

// String is the ruleset for people: "default version 2 (sha256:3b83e76b8e76)".
func (r Ruleset) String() string {
	name := fmt.Sprintf("%s version %d", cmp.Or(r.ID, "unnamed"), r.Version)
	if r.Digest == "" {
		return name
	}
	return name + " (" + r.Digest[:min(len(r.Digest), digestShown)] + ")"
}

// Fraudulent says whether the decision is a verdict of fraud. Review is none: a person gives the verdict.
func (d Decision) Fraudulent() bool {
	return d.Outcome == Decline
}

// severity orders outcomes by what they ask of people. NotEvaluated stands above Review, since less is known.
var severity = map[Outcome]int{Approve: 0, Review: 1, NotEvaluated: 2, Decline: 3}

// WorseThan says whether d speaks more against the transaction than an earlier decision about it did.
func (d Decision) WorseThan(earlier Decision) bool {
	if d.Outcome != earlier.Outcome {
		return severity[d.Outcome] > severity[earlier.Outcome]
	}
	return d.Score > earlier.Score
}

// Undecided is the decision about a transaction that no detector answered for; why says what happened instead.
func Undecided(why string) Decision {
	return Decision{
		Outcome:   NotEvaluated,
		RiskLevel: UnknownRisk,
		Reasons:   []Reason{{Code: "NOT_EVALUATED", Message: why}},
		Source:    Nobody,
	}
}

// RiskOf is a score in words, by the scores from which on a transaction is for review, and declined.
func RiskOf(score, review, decline int) RiskLevel {
	switch {
	case score >= decline:
		return HighestRisk
	case score >= review:
		return ElevatedRisk
	default:
		return NormalRisk
	}
}

// Explanation is how a detector of rules came to its decision, whole enough to decide again from it.
type Explanation struct {
	// AsOf is the moment that the values are of, and DecidedAt when they were read. TookMicros is how long the decision
	// took, reading them included, in microseconds.
	AsOf       time.Time `json:"asOf"`
	DecidedAt  time.Time `json:"decidedAt"`
	TookMicros int64     `json:"tookMicros"`
	// Rules are those that hit or failed, as they stand in the ruleset, and Passed the ids of all others.
	Rules  []RuleResult `json:"rules"`
	Passed []string     `json:"passed"`
	// Features are the counted values that the rules saw, by the names that usage.Feature gives them.
	Features map[string]float64 `json:"features"`
	// Trials are what was decided beside it, for comparison: by rules that are in shadow, by a ruleset that is.
	Trials []Trial `json:"trials,omitempty"`
}

// RuleResult is a rule that has something to say about a transaction.
type RuleResult struct {
	ID      string      `json:"id"`
	Outcome RuleOutcome `json:"outcome" enum:"hit,error"`
	Score   int         `json:"score"`
	Action  Action      `json:"action,omitempty" enum:"allow,review,block"`
	Shadow  bool        `json:"shadow,omitempty"`
	Error   string      `json:"error,omitempty"`
}

// RuleOutcome is what became of a rule.
type RuleOutcome string

// The outcomes of rules.
const (
	RuleHit    RuleOutcome = "hit"
	RuleFailed RuleOutcome = "error"
)

// Action is what a rule demands, whatever the score.
type Action string

// The actions.
const (
	ActAllow  Action = "allow"
	ActReview Action = "review"
	ActBlock  Action = "block"
)

// Trial is a decision that never acts.
type Trial struct {
	Ruleset Ruleset      `json:"ruleset"`
	Outcome Outcome      `json:"outcome" enum:"approve,review,decline"`
	Score   int          `json:"score"`
	Rules   []RuleResult `json:"rules"`
}

// Evaluator is a ruleset that decides. It is pure: the same check with the same values is the same decision, and it reads
// no clock.
type Evaluator interface {
	Ruleset() Ruleset
	// Features are those that the rules look at, each once.
	Features() []usage.Feature
	// Evaluate decides from the values of Features, by their names. In the explanation it leaves to the caller what has to
	// do with time: AsOf, DecidedAt and TookMicros.
	Evaluate(c Check, values map[string]float64) Decision
}
