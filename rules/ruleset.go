// Package rules decides by rulesets that analysts write: YAML files of rules in CEL, with thresholds, lists and test
// cases. A ruleset is read, checked and compiled once, and decides then without looking at anything but the transaction
// and the values that were counted for it.
package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"dummyorders/domain/fraud"
	"dummyorders/domain/usage"
)

// Set is a compiled ruleset. Any number of goroutines may use it at once.
type Set struct {
	ruleset    fraud.Ruleset
	thresholds Thresholds
	lists      []*list // by name
	rules      []*rule // in the order of the files and in them
	cases      []*testCase
	warnings   []Fault
	// unreachable are thresholds that no score reaches.
	unreachable []Fault

	features []usage.Feature
	names    map[call]string // of the features that rules call, however they spell them
	shadow   bool            // some rule is in shadow
	partial  bool            // some rule has no condition: the set has faults, and is handed to nobody
}

var _ fraud.Evaluator = (*Set)(nil)

// Thresholds are the scores from which on a transaction is for review, and declined.
type Thresholds struct {
	Review, Decline int
}

// Mode says whether a rule acts.
type Mode string

// Rules in shadow are evaluated and recorded, and change nothing.
const (
	Live   Mode = "live"
	Shadow Mode = "shadow"
)

// Rule is a rule as it is written.
type Rule struct {
	ID, Name, When  string
	Score           int          // from -100 to 100
	Action          fraud.Action // empty, the rule only scores
	Reason, Message string
	Mode            Mode
	// Features are what it counts, by their names, and Lists what it asks for.
	Features, Lists []string
	// Cost is the most that evaluating it can cost, in CEL's units.
	Cost uint64
	File string
	Line int
}

// List is a list of a ruleset.
type List struct {
	Name, File string
	Of         string       // which value is looked up: card.fingerprint, say
	Effect     fraud.Action // ActBlock, ActAllow, or empty: then only rules ask it
	Entries    int
}

// Load reads the ruleset in a folder. The error is Faults where something is wrong with it.
func Load(folder string) (*Set, error) {
	read, err := load(folder)
	if err != nil {
		return nil, err
	}
	return read.whole()
}

// load takes faults in cases. Links that lead out of the folder are not followed.
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

// Files are those of the ruleset that is built in, for somebody to start from.
func Files() fs.FS {
	files, err := fs.Sub(embedded, "default")
	if err != nil {
		panic(err) // the path is no path: only a change of this file can bring that about
	}
	return files
}

var builtIn = sync.OnceValues(func() (*Set, error) { return Read(Files(), "default") })

// Default is the ruleset that is built in. Its tests hold that it has no faults.
func Default() *Set {
	s, err := builtIn()
	if err != nil {
		panic(err)
	}
	return s
}

// Ruleset names the set. Its digest covers all that decides: cases do not.
func (s *Set) Ruleset() fraud.Ruleset { return s.ruleset }

// Features are those that the rules count, each once, those of rules in shadow too.
func (s *Set) Features() []usage.Feature { return slices.Clone(s.features) }

// Thresholds are the set's.
func (s *Set) Thresholds() Thresholds { return s.thresholds }

// Warnings are what is odd about the set and does not keep it from deciding.
func (s *Set) Warnings() []Fault { return slices.Clone(s.warnings) }

// Unreachable are thresholds that no score can reach. Whoever checks a set refuses them; they do not keep it from deciding.
func (s *Set) Unreachable() []Fault { return slices.Clone(s.unreachable) }

// Rules are the set's, in the order of the files and in them.
func (s *Set) Rules() []Rule {
	all := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		all[i] = r.Rule
	}
	return all
}

// Lists are the set's, by name.
func (s *Set) Lists() []List {
	all := make([]List, len(s.lists))
	for i, l := range s.lists {
		all[i] = l.List
	}
	return all
}
