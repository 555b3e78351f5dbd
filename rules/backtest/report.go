package backtest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
)

// Report holds the results of a backtest. Times are UTC. "Before" always means what was decided in the past, "after" what
// the candidate decides.
type Report struct {
	Candidate fraud.Ruleset `json:"candidate"`
	Since     time.Time     `json:"since"`
	Until     time.Time     `json:"until"`
	// GoodBefore is Backtest.GoodBefore.
	GoodBefore time.Time   `json:"goodBefore,omitzero"`
	Decisions  int         `json:"decisions"` // how many were compared
	Skipped    Skipped     `json:"skipped"`
	DecidedBy  []DecidedBy `json:"decidedBy"`
	Folded     *Folded     `json:"folded,omitempty"` // absent if all values were recorded
	Outcomes   Matrix      `json:"outcomes"`
	Days       []Day       `json:"days"` // all from the first to the last with a decision
	Scores     Scores      `json:"scores"`
	Rules      []Rule      `json:"rules"` // the candidate's live rules and lists, those with the most hits first
	Labels     Labels      `json:"labels"`
	Changed    Changed     `json:"changed"`
	Shadow     *Shadow     `json:"shadow,omitempty"` // absent if the candidate has no shadow rules
}

// Skipped counts the transactions of the period that no detector has decided about.
type Skipped struct {
	NoDecision   int `json:"noDecision"`
	NotEvaluated int `json:"notEvaluated"`
}

// DecidedBy is a ruleset that made some of the past decisions, and how many.
type DecidedBy struct {
	Ruleset   fraud.Ruleset `json:"ruleset"`
	Decisions int           `json:"decisions"`
}

// Folded says which values were not recorded with the decisions and were computed from the ledger instead.
type Folded struct {
	From       time.Time       `json:"from"`       // the earliest time that they look back to
	Oldest     time.Time       `json:"oldest"`     // start of the oldest transaction that was read for them
	Reached    bool            `json:"reached"`    // whether the ledger holds anything from before From, so all since
	Decisions  int             `json:"decisions"`  // how many lacked a value
	Unrecorded int             `json:"unrecorded"` // of those, how many had no values recorded at all
	Features   []FoldedFeature `json:"features"`
}

// FoldedFeature is a feature and the number of decisions that lacked its value.
type FoldedFeature struct {
	Feature   string `json:"feature"`
	Decisions int    `json:"decisions"`
}

// Outcomes holds all outcomes that are compared, from the mildest to the gravest.
var Outcomes = []fraud.Outcome{fraud.Approve, fraud.Review, fraud.Decline}

// Matrix has a cell for each pair of an outcome before and an outcome after.
type Matrix []Cell

// Cell counts the decisions that had the outcome Before and now have the outcome After, which may be the same.
type Cell struct {
	Before    fraud.Outcome `json:"before"`
	After     fraud.Outcome `json:"after"`
	Decisions int           `json:"decisions"`
	Amounts   Amounts       `json:"amounts"`
}

func newMatrix() Matrix {
	var m Matrix
	for _, before := range Outcomes {
		for _, after := range Outcomes {
			m = append(m, Cell{Before: before, After: after, Amounts: Amounts{}})
		}
	}
	return m
}

func (m Matrix) add(before, after fraud.Outcome, amount money.Money) {
	for i := range m {
		if m[i].Before == before && m[i].After == after {
			m[i].Decisions++
			m[i].Amounts.add(amount)
		}
	}
}

// Sum adds up the cells of an outcome before and an outcome after. An empty outcome stands for all outcomes.
func (m Matrix) Sum(before, after fraud.Outcome) Cell {
	sum := Cell{Before: before, After: after, Amounts: Amounts{}}
	for _, cell := range m {
		if (before == "" || cell.Before == before) && (after == "" || cell.After == after) {
			sum.Decisions += cell.Decisions
			for currency, minor := range cell.Amounts {
				sum.Amounts.add(money.Money{Minor: minor, Currency: currency})
			}
		}
	}
	return sum
}

// Amounts holds sums of payments in minor units, by currency.
type Amounts map[money.Currency]int64

func (a Amounts) add(m money.Money) {
	a[m.Currency] = money.Add(a[m.Currency], m.Minor)
}

// Currencies returns the currencies of the amounts, sorted.
func (a Amounts) Currencies() []money.Currency {
	return slices.Sorted(maps.Keys(a))
}

// Of returns the amount in a currency.
func (a Amounts) Of(currency money.Currency) money.Money {
	return money.Money{Minor: a[currency], Currency: currency}
}

// MarshalJSON writes the amounts as decimals, such as {"INR": 123.00}.
func (a Amounts) MarshalJSON() ([]byte, error) {
	decimals := map[money.Currency]json.Number{}
	for currency := range a {
		decimals[currency] = a.Of(currency).Decimal()
	}
	return json.Marshal(decimals)
}

// Day counts the transactions of a day, in UTC, by outcome.
type Day struct {
	Date   string                `json:"date"`
	Before map[fraud.Outcome]int `json:"before"`
	After  map[fraud.Outcome]int `json:"after"`
}

// Scores counts the decisions with a score of 0 to 9, of 10 to 19, and so on. A score of 100 belongs to the last band.
type Scores struct {
	Before [scoreBands]int `json:"before"`
	After  [scoreBands]int `json:"after"`
}

const scoreBands = 10

func band(score int) int {
	return max(0, min(score*scoreBands/fraud.MaxScore, scoreBands-1))
}

// Rule says what a rule or a list did in all decisions.
type Rule struct {
	ID       string       `json:"id"`
	Name     string       `json:"name,omitempty"`
	Score    int          `json:"score"`
	Action   fraud.Action `json:"action,omitempty"`
	Hits     int          `json:"hits"`
	New      int          `json:"new"`                // hits in decisions where no rule of this id had hit before
	Decisive *int         `json:"decisive,omitempty"` // hits without which the outcome would be different; absent if unknown
	Failed   int          `json:"failed"`             // decisions for which it could not be evaluated
	Amounts  Amounts      `json:"amounts"`            // of the transactions that it hit
	// Labelled counts the transactions it hit that have a label or count as legitimate without one. Fraudulent counts those
	// of them that are fraudulent, and Precision is their share; null if it is not known, see Detection.
	Labelled   int      `json:"labelled"`
	Fraudulent int      `json:"fraudulent"`
	Precision  *float64 `json:"precision"`
}

// Shadow says what the candidate's shadow rules did, and how they would change the candidate's decisions.
type Shadow struct {
	Rules []Rule `json:"rules"`
	// Outcomes compares the candidate's decisions (before) with those that it would make if its shadow rules were live
	// (after). It is absent if the candidate does not report the latter.
	Outcomes Matrix `json:"outcomes,omitempty"`
}

// Changed counts and lists the decisions whose outcome changes.
type Changed struct {
	Decisions int `json:"decisions"`
	// OnlyScore counts the decisions with the same outcome but another score. They are not listed.
	OnlyScore int      `json:"onlyScore"`
	Latest    []Change `json:"latest"` // the newest first
}

// Change is a transaction whose outcome would change.
type Change struct {
	TransactionID string    `json:"transactionID"`
	StartTime     time.Time `json:"startTime"`
	money.Wire
	Label  string  `json:"label,omitempty"`
	Before Verdict `json:"before"`
	After  Verdict `json:"after"`
}

// Verdict is the short form of a decision. Reasons holds the codes of its reasons.
type Verdict struct {
	Outcome fraud.Outcome `json:"outcome"`
	Score   int           `json:"score"`
	Reasons []string      `json:"reasons"`
}

func verdict(d fraud.Decision) Verdict {
	v := Verdict{Outcome: d.Outcome, Score: d.Score, Reasons: []string{}}
	for _, reason := range d.Reasons {
		v.Reasons = append(v.Reasons, reason.Code)
	}
	return v
}
