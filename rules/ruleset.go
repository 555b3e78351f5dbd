// Package rules decides by rulesets that analysts write: YAML files of rules in CEL, with thresholds, lists and test
// cases. A ruleset is read, checked and compiled once. After that it decides from the transaction and the values that
// were counted for it, and from nothing else.
package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"sync"
	"time"

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
	entries    *Entries             // of the lists in the database; nil if they are not known
	change     int64                // the last change of these that counts
	rules      []*rule              // ordered by file and by place in the file
	files      []string             // that decide, in the order of the digest
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

// With returns the set with the entries of its lists in the database, as they were after a change.
func (s *Set) With(e *Entries, change int64) *Set {
	with := *s
	with.entries, with.change = e, change
	return &with
}

// IsOf reports whether these files are those of the set, as far as they decide: cases are not compared.
func (s *Set) IsOf(files ruleset.Files) bool {
	digest := newDigest()
	for _, name := range s.files {
		digest.Add([]byte(name), []byte(files[name]))
	}
	for name := range files {
		if path.Dir(name) == rulesFolder && isOfRules(path.Base(name)) && !slices.Contains(s.files, name) {
			return false
		}
	}
	return digest.Sum() == s.ruleset.Digest
}

// AsOf returns the set with the entries of its lists in the database as they were at a time.
func (s *Set) AsOf(at time.Time) *Set { return s.With(s.entries, s.entries.change(at)) }

// NeedsEntries reports whether the set has lists in the database.
func (s *Set) NeedsEntries() bool {
	return slices.ContainsFunc(s.lists, func(l *list) bool { return l.InDatabase() })
}

// Count returns how many entries the list of a name has for transactions of a time.
func (s *Set) Count(name string, at time.Time) int {
	number := 0
	for _, l := range s.lists {
		switch {
		case l.Name != name:
		case l.InDatabase():
			number = s.entries.count(l, s.change, at)
		default:
			number = l.Entries
		}
	}
	return number
}

// Written returns the entries in the file of the list of a name, in the spelling in which they are compared, sorted.
func (s *Set) Written(name string) []string {
	for _, l := range s.lists {
		if l.Name == name {
			return slices.Sorted(maps.Keys(l.written()))
		}
	}
	return nil
}

// Lists returns the set's lists, sorted by name. Entries in the database are not counted.
func (s *Set) Lists() []ruleset.List {
	all := make([]ruleset.List, len(s.lists))
	for i, l := range s.lists {
		all[i] = l.List
	}
	return all
}
