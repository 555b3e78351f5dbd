// Package ruleset describes rulesets as people see, try and edit them. Package rules decides by them.
package ruleset

import (
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"dummyorders/domain/fraud"
)

// Files holds the texts of a ruleset's files by their paths, such as rules/cards.yaml.
type Files map[string]string

// These bound the files of a ruleset that is checked or published.
const (
	MaxSize  = 512 << 10 // bytes in all
	MaxFiles = 200
	maxPath  = 200
)

// Wrong returns what is wrong with the names or the size of the files, or an empty text. The files' contents may still have faults.
func (f Files) Wrong() string {
	size := 0
	for name, text := range f {
		if !fs.ValidPath(name) || name == "." || len(name) > maxPath {
			return "each file must have a path inside the ruleset's folder, such as rules/cards.yaml"
		}
		size += len(name) + len(text)
	}
	switch {
	case len(f) == 0:
		return "there must be files: ruleset.yaml, and rules/*.yaml"
	case len(f) > MaxFiles:
		return "there must be at most 200 files"
	case size > MaxSize:
		return "the files must have at most 512 KiB together"
	}
	return ""
}

// InUse holds the rulesets in use.
type InUse struct {
	Deciding Description  `json:"deciding"`
	From     string       `json:"from" enum:"files,database" doc:"Whether the ruleset is a folder of files, or what was published to the database (RULES_FROM)"`
	Shadow   *Description `json:"shadow,omitempty" doc:"The ruleset of FRAUD_SHADOW_RULESET, which decides nothing"`
}

// Description says what is in a ruleset.
type Description struct {
	fraud.Ruleset

	Since      time.Time  `json:"since,omitzero" doc:"Since when it is in use, as far as that is known"`
	OtherFiles bool       `json:"otherFiles,omitempty" doc:"The files in its folder are other ones: they were changed within the last seconds, or are refused, and then the log says why. Rules have no text meanwhile"`
	Thresholds Thresholds `json:"thresholds"`
	Rules      []Rule     `json:"rules" nullable:"false"`
	Lists      []List     `json:"lists" nullable:"false"`
}

// ErrOtherFiles says that the files of the ruleset that decides are not at hand.
var ErrOtherFiles = errors.New("the files in the folder of the ruleset are not those that decide: they were changed within the last seconds, or are refused, and then the log says why")

// Thresholds holds the lowest score that puts a transaction under review, and the lowest that declines it.
type Thresholds struct {
	Review  int `json:"review"`
	Decline int `json:"decline"`
}

// Rule is a rule as it is written.
type Rule struct {
	ID            string       `json:"id"`
	Name          string       `json:"name,omitempty" doc:"The rule in words"`
	When          string       `json:"when" doc:"Its condition, in CEL"`
	Score         int          `json:"score" doc:"What it adds to the score"`
	Action        fraud.Action `json:"action,omitempty" enum:"allow,review,block" doc:"What it demands, whatever the score"`
	Shadow        bool         `json:"shadow,omitempty" doc:"It is evaluated, and decides nothing"`
	Reason        string       `json:"reason,omitempty"`
	Message       string       `json:"message,omitempty"`
	PublicMessage string       `json:"publicMessage,omitempty" doc:"What merchants read instead of the message"`
	Features      []string     `json:"features,omitempty" doc:"The values that it counts"`
	Lists         []string     `json:"lists,omitempty" doc:"The lists that it looks in"`
	File          string       `json:"file"`
	Line          int          `json:"line"`
	Text          string       `json:"text" doc:"The rule as it stands in its file, with its cases"`
}

// List is a list of a ruleset.
type List struct {
	Name    string       `json:"name"`
	Of      string       `json:"of" doc:"Which value is looked up in it" example:"card.fingerprint"`
	Effect  fraud.Action `json:"effect,omitempty" enum:"allow,block" doc:"What it does by itself; absent if only rules look in it"`
	File    string       `json:"file,omitempty" doc:"Absent if its entries are kept in the database"`
	Entries int          `json:"entries"`
}

// InDatabase reports whether the entries are kept in the database, and not in a file.
func (l List) InDatabase() bool { return l.File == "" }

// Findings says what is wrong with a ruleset's files.
type Findings struct {
	Ruleset  *fraud.Ruleset `json:"ruleset,omitempty" doc:"Absent if the files have faults that keep them from deciding"`
	Faults   []Fault        `json:"faults" nullable:"false"`
	Warnings []Fault        `json:"warnings" nullable:"false" doc:"What is odd, and keeps no ruleset from deciding"`
	Cases    int            `json:"cases" doc:"How many cases were run: none if there are faults"`
	Failed   []FailedCase   `json:"failed" nullable:"false"`
}

// Sound reports whether the ruleset may decide: it has no faults, and its cases pass.
func (f Findings) Sound() bool {
	return f.Ruleset != nil && len(f.Faults) == 0 && len(f.Failed) == 0
}

// Fault is one thing that is wrong, and where.
type Fault struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty" doc:"From 1 on; absent for a whole file"`
	Column int    `json:"column,omitempty" doc:"From 1 on, in characters; absent for a whole line"`
	Text   string `json:"text"`
}

// FailedCase is a case whose result is not the one that it demands.
type FailedCase struct {
	Case  string   `json:"case"`
	Rule  string   `json:"rule,omitempty" doc:"Absent for a case of the whole ruleset"`
	File  string   `json:"file"`
	Line  int      `json:"line"`
	Wrong []string `json:"wrong" nullable:"false" doc:"What was wanted, and what came instead"`
}

// Trial is a decision that was made to look at it, without any effect.
type Trial struct {
	Decision    fraud.Decision     `json:"decision"`
	Explanation *fraud.Explanation `json:"explanation"`
	Thresholds  Thresholds         `json:"thresholds"`
	RuleNames   map[string]string  `json:"ruleNames" doc:"The rules in words, by their ids"`
	Saw         map[string][]Seen  `json:"saw" doc:"The values that the conditions of the rules that hit use, by the rules' ids. Of a transaction of the ledger, for those who may read or review it"`
}

// Seen is a value that a rule's condition uses.
type Seen struct {
	Name  string `json:"name" doc:"As rules write it" example:"payment.amount"`
	Value string `json:"value" doc:"As the rule saw it, as text; empty if it was not given" example:"123.45"`
}

// Backtest is a backtest of a ruleset against past transactions.
type Backtest struct {
	ID        string          `json:"id"`
	State     State           `json:"state" enum:"running,done,failed"`
	Why       string          `json:"why,omitempty" doc:"Why it failed"`
	Candidate fraud.Ruleset   `json:"candidate"`
	Since     time.Time       `json:"since"`
	Until     time.Time       `json:"until"`
	Progress  Progress        `json:"progress"`
	Report    json.RawMessage `json:"report,omitempty" doc:"Once it is done: what orders rules backtest --json prints"`
}

// State says how far a backtest is.
type State string

// The states of a backtest.
const (
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Progress counts what a backtest has done so far.
type Progress struct {
	Read    int `json:"read" doc:"Transactions that were read"`
	Decided int `json:"decided" doc:"Decisions that were repeated"`
	ToFold  int `json:"toFold" doc:"Decisions whose values were not recorded, and are computed first"`

	ReadTo time.Time `json:"readTo,omitzero" doc:"Back to when it has read: it begins at until, and ends at since"`
}

// ErrBusy says that enough backtests run, and ErrOneRuns that one of the same caller does.
var (
	ErrBusy    = errors.New("enough backtests run at the moment")
	ErrOneRuns = errors.New("another backtest of yours runs")
)

// FaultyError says that a ruleset cannot be used as it is.
type FaultyError struct {
	Findings Findings
}

// Error says so without the faults.
func (e *FaultyError) Error() string { return "the ruleset has faults, or cases that fail" }
