// Package fraud decides about transactions: a Detector looks at one and returns a Decision that explains itself.
package fraud

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"dummyorders/domain/velocity"
)

// Outcome says what a decision means for the transaction.
type Outcome string

// The outcomes of a decision. NotEvaluated is not a verdict: no decision came within the deadline. A detector never returns
// it.
const (
	Approve      Outcome = "approve"
	Review       Outcome = "review"
	Decline      Outcome = "decline"
	NotEvaluated Outcome = "not_evaluated"
)

// Outcomes lists all outcomes.
var Outcomes = []Outcome{Approve, Review, Decline, NotEvaluated}

// RiskLevel is the score in words, see RiskOf.
type RiskLevel string

// The levels, from the least to the most risk. A transaction that was not evaluated is of unknown risk.
const (
	NormalRisk   RiskLevel = "normal"
	ElevatedRisk RiskLevel = "elevated"
	HighestRisk  RiskLevel = "highest"
	UnknownRisk  RiskLevel = "unknown"
)

// Source says who decided.
type Source string

// The sources of a decision. NoSource is the source of a decision that was not taken.
const (
	AutomatedRule Source = "automated_rule"
	NoSource      Source = "none"
)

// MaxScore is the score of the highest risk; scores go from 0 to MaxScore.
const MaxScore = 100

// Decision is a detector's complete result: it can be shown to a person, and kept.
type Decision struct {
	Outcome   Outcome   `json:"outcome" enum:"approve,review,decline,not_evaluated"`
	Score     int       `json:"score" minimum:"0" maximum:"100"`
	RiskLevel RiskLevel `json:"riskLevel" enum:"normal,elevated,highest,unknown" doc:"The score in words: normal, elevated from the ruleset's review threshold on, highest from its decline threshold on; unknown if it was not evaluated"`
	Reasons   []Reason  `json:"reasons"`
	Ruleset   Ruleset   `json:"ruleset"`
	Source    Source    `json:"source" enum:"automated_rule,none"`

	// Explanation says how the decision was found. It is not part of the caller's answer; nil if the detector has no more to
	// say.
	Explanation *Explanation `json:"explanation,omitempty"`
}

// Reason is one observation behind a decision. Code is for programs, Message for analysts. PublicMessage is what merchants
// read instead; if it is empty, they read Message too.
type Reason struct {
	Code          string `json:"code" example:"CARD_LUHN_INVALID"`
	Message       string `json:"message,omitempty" doc:"Absent where merchants are shown codes only"`
	PublicMessage string `json:"publicMessage,omitempty" doc:"What merchants read instead of the message; only analysts see both"`
}

// Ruleset identifies exactly the ruleset that decided. Digest covers everything that could change a decision.
type Ruleset struct {
	ID      string `json:"id" example:"dummy"`
	Version int    `json:"version"`
	Digest  string `json:"digest" example:"sha256:…"`
}

// digestShown is how many bytes of a digest are shown, enough to tell rulesets apart by eye.
const digestShown = len("sha256:") + 12

// String returns the ruleset's name for people: "default version 2 (sha256:3b83e76b8e76)".
func (r Ruleset) String() string {
	name := fmt.Sprintf("%s version %d", cmp.Or(r.ID, "unnamed"), r.Version)
	if r.Digest == "" {
		return name
	}
	return name + " (" + r.Digest[:min(len(r.Digest), digestShown)] + ")"
}

// Fraudulent reports whether the decision is a verdict of fraud. Review is not: a person gives the verdict.
func (d Decision) Fraudulent() bool {
	return d.Outcome == Decline
}

// severity orders outcomes by what they ask of people. NotEvaluated ranks above Review, because less is known.
var severity = map[Outcome]int{Approve: 0, Review: 1, NotEvaluated: 2, Decline: 3}

// WorseThan reports whether d speaks more against the transaction than an earlier decision about it.
func (d Decision) WorseThan(earlier Decision) bool {
	if d.Outcome != earlier.Outcome {
		return severity[d.Outcome] > severity[earlier.Outcome]
	}
	return d.Score > earlier.Score
}

// Undecided returns the decision about a transaction for which no detector answered; why says what happened instead.
func Undecided(why string) Decision {
	return Decision{
		Outcome:   NotEvaluated,
		RiskLevel: UnknownRisk,
		Reasons:   []Reason{{Code: "NOT_EVALUATED", Message: why}},
		Source:    NoSource,
	}
}

// RiskOf returns the risk level of a score. review and decline are the lowest scores at which a transaction is reviewed and
// declined.
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

// Explanation says how a detector with rules came to its decision, in enough detail to repeat the decision.
type Explanation struct {
	// AsOf is the time for which the values were counted, and DecidedAt is when they were read. TookMicros is how long the
	// decision took, including the reading, in microseconds.
	AsOf       time.Time `json:"asOf"`
	DecidedAt  time.Time `json:"decidedAt"`
	TookMicros int64     `json:"tookMicros"`
	// Rules lists the rules that hit or failed, in the order of the ruleset, and Passed the ids of all others.
	Rules  []RuleResult `json:"rules"`
	Passed []string     `json:"passed"`
	// Features holds the counted values that the rules saw, by the names that velocity.Feature gives them.
	Features map[string]float64 `json:"features"`
	// Lists says which entries of lists in the database counted. It is nil if the ruleset has no such lists. With the ruleset's digest,
	// the transaction and the counted values it determines the decision.
	Lists *ListsUsed `json:"lists,omitempty"`
	// Trials holds further decisions, taken for comparison by rules in shadow or by a ruleset in shadow.
	Trials []Trial `json:"trials,omitempty"`
}

// ListsUsed says which entries of lists in the database counted in a decision.
type ListsUsed struct {
	Change int64     `json:"change" doc:"The number of the last change of any list before the decision"`
	Hits   []ListHit `json:"hits" nullable:"false"`
}

// ListHit is an entry by which a transaction was on a list.
type ListHit struct {
	List  string `json:"list"`
	Entry int64  `json:"entry" doc:"The entry's number"`
}

// RuleResult is the result of a rule that hit or failed.
type RuleResult struct {
	ID      string      `json:"id"`
	Outcome RuleOutcome `json:"outcome" enum:"hit,error"`
	Score   int         `json:"score"`
	Action  Action      `json:"action,omitempty" enum:"allow,review,block"`
	Shadow  bool        `json:"shadow,omitempty"`
	Error   string      `json:"error,omitempty"`
}

// RuleOutcome says whether a rule hit or failed.
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

// Trial is a decision that never takes effect.
type Trial struct {
	Ruleset Ruleset      `json:"ruleset"`
	Outcome Outcome      `json:"outcome" enum:"approve,review,decline"`
	Score   int          `json:"score"`
	Rules   []RuleResult `json:"rules"`
	// Lists is that of the Explanation of a ruleset in shadow. The members before it keep their order: searches rely on it.
	Lists *ListsUsed `json:"lists,omitempty"`
}

// Shadow says what is tried beside the ruleset that decides.
type Shadow string

// ShadowRules are the rules in shadow of the ruleset that decides, which is tried with them; ShadowRuleset is another ruleset.
const (
	ShadowRules   Shadow = "rules"
	ShadowRuleset Shadow = "ruleset"
)

// WithShadow is added to the id of a ruleset that is tried with its rules in shadow. No ruleset's own id ends so.
const WithShadow = "+shadow"

// Of says whose trial it is.
func (t Trial) Of() Shadow {
	if strings.HasSuffix(t.Ruleset.ID, WithShadow) {
		return ShadowRules
	}
	return ShadowRuleset
}

// Evaluator is a ruleset that decides. It is pure: the same check with the same values gives the same decision, and it reads
// no clock.
type Evaluator interface {
	Ruleset() Ruleset
	// Features returns the features that the rules use, each once.
	Features() []velocity.Feature
	// Evaluate decides from the values of Features, by their names. It leaves the times in the explanation to the caller:
	// AsOf, DecidedAt and TookMicros.
	Evaluate(c Check, values map[string]float64) Decision
}
