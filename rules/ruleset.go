// Package rules decides by rulesets that analysts write: YAML files of rules in CEL, with thresholds, lists and test
// cases. A ruleset is read, checked and compiled once. After that it decides from the transaction and the values that
// were counted for it, and from nothing else.
package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/velocity"
	"dummyorders/rules/lang"
)

// Set is a compiled ruleset. Any number of goroutines may use it at once.
type Set struct {
	ruleset    fraud.Ruleset
	thresholds Thresholds
	across     []velocity.Dimension // what is counted across merchants
	lists      []*list              // sorted by name
	rules      []*rule              // ordered by file and by place in the file
	cases      []*testCase
	warnings   []Fault
	// unreachable holds the thresholds that no score reaches.
	unreachable []Fault

	features []velocity.Feature
	names    map[lang.Call]string // the names of the features, by the call as rules spell it
	shadow   bool                 // some rule is in shadow
	partial  bool                 // some rule has no condition: the set has faults and is not returned to callers
}

var _ fraud.Evaluator = (*Set)(nil)

// Thresholds holds the lowest score that puts a transaction under review, and the lowest that declines it.
type Thresholds = ruleset.Thresholds

// Mode says whether a rule affects decisions.
type Mode string

// The modes of a rule. Rules in shadow are evaluated and recorded, but change no decision.
const (
	Live   Mode = "live"
	Shadow Mode = "shadow"
)

// Rule describes a rule as it is written.
type Rule struct {
	ID, Name, When  string
	Score           int          // from -100 to 100
	Action          fraud.Action // if empty, the rule only adds its score
	Reason, Message string
	PublicMessage   string // what merchants read instead of Message; empty if they read that
	Mode            Mode
	// Features holds the names of the features that the rule counts, Lists those of the lists that it asks for.
	Features, Lists []string
	// Cost is the most that evaluating the rule can cost, in CEL's units.
	Cost uint64
	File string
	Line int
}

// List describes a list of a ruleset.
type List struct {
	Name, File string
	Of         string       // which value is looked up, such as card.fingerprint
	Effect     fraud.Action // ActBlock, ActAllow, or empty: then only rules use the list
	Entries    int
}

// Load reads the ruleset in a folder. If the ruleset has faults, the error is Faults.
func Load(folder string) (*Set, error) {
	read, err := load(folder)
	if err != nil {
		return nil, err
	}
	return read.whole()
}

// load reads the ruleset in a folder. Faults in cases are no error: they are in the result. Links that lead out of the
// folder are not followed.
func load(folder string) (reading, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return reading{}, fmt.Errorf("read ruleset: %w", err)
	}
	defer func() { _ = root.Close() }()
	return readSet(root.FS(), folder)
}

//go:embed default
var embedded embed.FS

// Files returns the files of the built-in ruleset, as a starting point for a ruleset of one's own.
func Files() fs.FS {
	files, err := fs.Sub(embedded, "default")
	if err != nil {
		panic(err) // the path is invalid: only a change of this file can cause that
	}
	return files
}

var builtIn = sync.OnceValues(func() (*Set, error) { return Read(Files(), "default") })

// Default returns the built-in ruleset. It panics if that has faults; tests check that it has none.
func Default() *Set {
	s, err := builtIn()
	if err != nil {
		panic(err)
	}
	return s
}

// Ruleset returns the set's id, version and digest. The digest covers everything that affects decisions, so not the cases.
func (s *Set) Ruleset() fraud.Ruleset { return s.ruleset }

// Features returns the features that the rules count, each once, including those of rules in shadow.
func (s *Set) Features() []velocity.Feature { return slices.Clone(s.features) }

// Counts returns a feature as the set counts it: across merchants if the set says so of its dimension.
func (s *Set) Counts(f velocity.Feature) velocity.Feature {
	if slices.Contains(s.across, f.By) {
		return f.AcrossMerchants()
	}
	return f
}

// Thresholds returns the set's thresholds.
func (s *Set) Thresholds() Thresholds { return s.thresholds }

// Warnings returns faults of the set that do not keep it from deciding.
func (s *Set) Warnings() []Fault { return slices.Clone(s.warnings) }

// Unreachable returns the thresholds that no score can reach. Checking a set reports them as faults; they do not prevent
// the set from deciding.
func (s *Set) Unreachable() []Fault { return slices.Clone(s.unreachable) }

// Rules returns the set's rules, ordered by file and by their place in the file.
func (s *Set) Rules() []Rule {
	all := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		all[i] = r.Rule
	}
	return all
}

// Lists returns the set's lists, sorted by name.
func (s *Set) Lists() []List {
	all := make([]List, len(s.lists))
	for i, l := range s.lists {
		all[i] = l.List
	}
	return all
}
