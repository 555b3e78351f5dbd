package fraud

import (
	"time"

	"dummyorders/domain/usage"
)

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
