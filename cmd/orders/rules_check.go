package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"dummyorders/domain/fraud"
	"dummyorders/rules"
	"dummyorders/rules/lang"
)

type checkRulesCommand struct {
	Ruleset string `arg:"" help:"The ruleset's folder, or default for the built-in one."`
	jsonFlag
}

// checkedRules is what a check found, as JSON shows it.
type checkedRules struct {
	*rulesSize // nil if the ruleset cannot be used

	Warnings []rules.Fault `json:"warnings"`
	Faults   []rules.Fault `json:"faults"`
}

// rulesSize says how much there is in a ruleset.
type rulesSize struct {
	Ruleset  fraud.Ruleset `json:"ruleset"`
	Rules    int           `json:"rules"`
	Shadow   int           `json:"shadow"` // of the rules
	Features int           `json:"features"`
	Lists    int           `json:"lists"`
	Cost     uint64        `json:"cost"` // at most
}

// Run checks the ruleset and fails with all its faults: each says where it is and what would be right.
func (c checkRulesCommand) Run() error {
	return c.check(standard())
}

func (c checkRulesCommand) check(out output) error {
	found, err := c.find()
	if err != nil && len(found.Faults) == 0 {
		return err
	}
	if c.JSON {
		return errors.Join(printJSON(out.results, found), err)
	}
	for _, warning := range found.Warnings {
		fmt.Fprintf(out.results, "warning: %s\n", warning)
	}
	if err == nil {
		fmt.Fprintln(out.results, found.rulesSize)
	}
	return err
}

// find returns what there is to say about the ruleset, and an error if it has faults or cannot be read.
func (c checkRulesCommand) find() (checkedRules, error) {
	set, err := loadRuleset(c.Ruleset)
	if err != nil {
		faults, _ := errors.AsType[rules.Faults](err)
		return checkedRules{Warnings: []rules.Fault{}, Faults: faults}, err
	}
	found := checkedRules{sizeOf(set), array(set.Warnings()), array(set.Unreachable())}
	for _, all := range [][]rules.Fault{found.Warnings, found.Faults} {
		for i := range all {
			all[i].File = placed(c.Ruleset, all[i].File)
		}
	}
	if len(found.Faults) > 0 {
		err = fmt.Errorf("the ruleset %s can be used, but has rules that never apply:\n%w", c.Ruleset, rules.Faults(found.Faults))
	}
	return found, err
}

func sizeOf(set *rules.Set) *rulesSize {
	size := &rulesSize{Ruleset: set.Ruleset(), Features: len(set.Features()), Lists: len(set.Lists())}
	for _, r := range set.Rules() {
		size.Rules++
		if r.Mode == rules.Shadow {
			size.Shadow++
		}
		size.Cost += r.Cost
	}
	return size
}

// String returns the size in one line.
func (s rulesSize) String() string {
	return fmt.Sprintf("%s version %d: %s (%d in shadow), %s, %s, a cost of %d at most, %s", s.Ruleset.ID, s.Ruleset.Version,
		many(s.Rules, "rule"), s.Shadow, many(s.Features, "feature"), many(s.Lists, "list"), s.Cost, s.Ruleset.Digest)
}

func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

type testRulesCommand struct {
	Ruleset string `arg:"" help:"The ruleset's folder, or default for the built-in one."`
	jsonFlag
}

// testedRules is the result of a ruleset's cases, as JSON shows it.
type testedRules struct {
	Cases    int          `json:"cases"`
	Rules    int          `json:"rules"` // that have cases
	Failures []failedCase `json:"failures"`
}

type failedCase struct {
	Case  string   `json:"case"`
	Rule  string   `json:"rule,omitempty"` // absent for a case of the whole ruleset
	File  string   `json:"file"`
	Line  int      `json:"line"`
	Wrong []string `json:"wrong"`
}

// Run runs the ruleset's cases and fails if one of them fails.
func (c testRulesCommand) Run() error {
	return c.test(standard())
}

func (c testRulesCommand) test(out output) error {
	set, err := loadRuleset(c.Ruleset)
	if err != nil {
		return err
	}
	report := rules.RunCases(set)
	tested := testedRules{report.Cases, rulesWithCases(set), []failedCase{}}
	for i := range report.Failures {
		of := &report.Failures[i].Case
		of.File = placed(c.Ruleset, of.File)
		tested.Failures = append(tested.Failures, failedCase{of.Name, of.Rule, of.File, of.Line, report.Failures[i].Wrong})
	}
	if len(report.Failures) > 0 {
		err = fmt.Errorf("%d of %s failed", len(report.Failures), many(report.Cases, "case"))
	}
	if c.JSON {
		return errors.Join(printJSON(out.results, tested), err)
	}
	for _, failure := range report.Failures {
		fmt.Fprintf(out.results, "%s\n\n", failure)
	}
	if err == nil {
		fmt.Fprintf(out.results, "%s passed, of %s and of the whole ruleset\n", many(report.Cases, "case"), many(tested.Rules, "rule"))
	}
	return err
}

// rulesWithCases returns the number of rules that have cases.
func rulesWithCases(set *rules.Set) int {
	var ids []string
	for _, c := range set.Cases() {
		if c.Rule != "" {
			ids = append(ids, c.Rule)
		}
	}
	slices.Sort(ids)
	return len(slices.Compact(ids))
}

type vocabularyRulesCommand struct {
	jsonFlag
}

// Run prints what rules can ask.
func (c vocabularyRulesCommand) Run() error {
	if c.JSON {
		return printJSON(standard().results, lang.Vocabulary())
	}
	return printVocabulary(standard().results)
}

func printVocabulary(to io.Writer) error {
	for _, part := range lang.Vocabulary() {
		fmt.Fprintf(to, "%s: %s\n", part.Name, part.Doc)
		w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
		for _, word := range part.Words {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", word.Name, word.Type, word.Example, word.Doc)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(to)
	}
	return nil
}
