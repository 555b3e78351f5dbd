package backtest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
)

// Report is what a backtest found. Times are UTC, and "before" is always what was decided, "after" what the candidate
// decides.
type Report struct {
	Candidate fraud.Ruleset `json:"candidate"`
	Since     time.Time     `json:"since"`
	Until     time.Time     `json:"until"`
	// GoodBefore is Backtest.GoodBefore.
	GoodBefore time.Time   `json:"goodBefore,omitzero"`
	Decisions  int         `json:"decisions"` // that were compared
	Skipped    Skipped     `json:"skipped"`
	DecidedBy  []DecidedBy `json:"decidedBy"`
	Folded     *Folded     `json:"folded,omitempty"` // absent where every value was recorded
	Outcomes   Matrix      `json:"outcomes"`
	Days       []Day       `json:"days"` // from the first to the last that have a decision
	Scores     Scores      `json:"scores"`
	Rules      []Rule      `json:"rules"` // of the candidate, live ones and lists, those that hit most first
	Labels     Labels      `json:"labels"`
	Changed    Changed     `json:"changed"`
	Shadow     *Shadow     `json:"shadow,omitempty"` // absent where the candidate has no shadow rules
}

// Skipped are transactions of the period that nobody decided about.
type Skipped struct {
	NoDecision   int `json:"noDecision"`
	NotEvaluated int `json:"notEvaluated"`
}

// DecidedBy is a ruleset that decided before.
type DecidedBy struct {
	Ruleset   fraud.Ruleset `json:"ruleset"`
	Decisions int           `json:"decisions"`
}

// Folded says which values were not recorded with the decisions, and were computed from the ledger instead.
type Folded struct {
	From       time.Time       `json:"from"`       // how far back they look
	Oldest     time.Time       `json:"oldest"`     // start of the oldest transaction that was read for them
	Reached    bool            `json:"reached"`    // whether the ledger holds anything from before From, and so all from then on
	Decisions  int             `json:"decisions"`  // that lacked any
	Unrecorded int             `json:"unrecorded"` // of those, how many had no values recorded at all
	Features   []FoldedFeature `json:"features"`
}

// FoldedFeature is a feature, and how many decisions lacked it.
type FoldedFeature struct {
	Feature   string `json:"feature"`
	Decisions int    `json:"decisions"`
}

// Outcomes are all that are compared, from the mildest to the gravest.
var Outcomes = []fraud.Outcome{fraud.Approve, fraud.Review, fraud.Decline}

// Matrix has a cell for each outcome before and after.
type Matrix []Cell

// Cell are the decisions that had one outcome and now have another, or the same.
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

// Sum adds up the cells of an outcome before and an outcome after; where one is empty, those of all.
func (m Matrix) Sum(before, after fraud.Outcome) Cell {
	sum := Cell{Before: before, After: after, Amounts: Amounts{}}
	for _, cell := range m {
		if (before == "" || cell.Before == before) && (after == "" || cell.After == after) {
			sum.Decisions += cell.Decisions
			for currency, minor := range cell.Amounts {
				sum.Amounts[currency] += minor
			}
		}
	}
	return sum
}

// Amounts are sums of payments in minor units, by currency.
type Amounts map[money.Currency]int64

func (a Amounts) add(m money.Money) {
	a[m.Currency] += m.Minor
}

// Currencies are those that there are amounts of, in order.
func (a Amounts) Currencies() []money.Currency {
	return slices.Sorted(maps.Keys(a))
}

// Of is the amount in a currency.
func (a Amounts) Of(currency money.Currency) money.Money {
	return money.Money{Minor: a[currency], Currency: currency}
}

// MarshalJSON writes decimals, such as {"INR": 123.00}.
func (a Amounts) MarshalJSON() ([]byte, error) {
	decimals := map[money.Currency]json.Number{}
	for currency := range a {
		decimals[currency] = a.Of(currency).Decimal()
	}
	return json.Marshal(decimals)
}

// Day is how many transactions of a day, in UTC, had each outcome.
type Day struct {
	Date   string                `json:"date"`
	Before map[fraud.Outcome]int `json:"before"`
	After  map[fraud.Outcome]int `json:"after"`
}

// Scores are how many decisions had a score of 0 to 9, of 10 to 19, and so on; 100 belongs to the last.
type Scores struct {
	Before [scoreBands]int `json:"before"`
	After  [scoreBands]int `json:"after"`
}

const scoreBands = 10

func band(score int) int {
	return max(0, min(score*scoreBands/fraud.MaxScore, scoreBands-1))
}

// Rule is what a rule or a list did in all decisions.
type Rule struct {
	ID       string       `json:"id"`
	Name     string       `json:"name,omitempty"`
	Score    int          `json:"score"`
	Action   fraud.Action `json:"action,omitempty"`
	Hits     int          `json:"hits"`
	New      int          `json:"new"`                // hits where no rule of this id had hit
	Decisive *int         `json:"decisive,omitempty"` // hits without which the outcome would be another; absent where unknown
	Failed   int          `json:"failed"`             // decisions that it could not be evaluated for
	Amounts  Amounts      `json:"amounts"`            // of the transactions that it hit
	// Of those that it hit, how many have a label or count as legitimate without one, how many of these are fraudulent, and
	// the share of those; absent where it is not known, see Detection.
	Labelled   int      `json:"labelled"`
	Fraudulent int      `json:"fraudulent"`
	Precision  *float64 `json:"precision"`
}

// Shadow is what the candidate's shadow rules did, and what would become of the candidate's decisions with them.
type Shadow struct {
	Rules []Rule `json:"rules"`
	// Outcomes are before: as the candidate decides, and after: as it would if its shadow rules were live. It is absent
	// where the candidate does not say.
	Outcomes Matrix `json:"outcomes,omitempty"`
}

// Changed are the decisions whose outcome is another.
type Changed struct {
	Decisions int `json:"decisions"`
	// OnlyScore counts those that have the same outcome with another score; they are not listed.
	OnlyScore int      `json:"onlyScore"`
	Latest    []Change `json:"latest"` // the newest first
}

// Change is a transaction that would have another outcome.
type Change struct {
	TransactionID string      `json:"transactionID"`
	StartTime     time.Time   `json:"startTime"`
	Amount        json.Number `json:"amount"`
	Currency      string      `json:"currency"`
	Label         string      `json:"label,omitempty"`
	Before        Verdict     `json:"before"`
	After         Verdict     `json:"after"`
}

// Verdict is a decision in short. Reasons are their codes.
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
