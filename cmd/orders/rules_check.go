package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"dummyorders/rules"
	"dummyorders/rules/lang"
)

type checkRulesCommand struct {
	Ruleset string `arg:"" help:"The ruleset's folder, or default for the built-in one."`
}

// Run checks the ruleset and fails with all its faults: each says where it is and what would be right.
func (c checkRulesCommand) Run() error {
	return c.check(standard())
}

func (c checkRulesCommand) check(out output) error {
	set, err := loadRuleset(c.Ruleset)
	if err != nil {
		return err
	}
	for _, warning := range set.Warnings() {
		warning.File = placed(c.Ruleset, warning.File)
		fmt.Fprintf(out.results, "warning: %s\n", warning)
	}
	if faults := rules.Faults(set.Unreachable()); len(faults) > 0 {
		for i := range faults {
			faults[i].File = placed(c.Ruleset, faults[i].File)
		}
		return fmt.Errorf("the ruleset %s can be used, but has rules that never apply:\n%w", c.Ruleset, faults)
	}
	fmt.Fprintln(out.results, summaryOf(set))
	return nil
}

// summaryOf returns a one-line summary of a ruleset.
func summaryOf(set *rules.Set) string {
	all := set.Rules()
	shadow, cost := 0, uint64(0)
	for _, r := range all {
		if r.Mode == rules.Shadow {
			shadow++
		}
		cost += r.Cost
	}
	r := set.Ruleset()
	return fmt.Sprintf("%s version %d: %s (%d in shadow), %s, %s, a cost of %d at most, %s", r.ID, r.Version,
		many(len(all), "rule"), shadow, many(len(set.Features()), "feature"), many(len(set.Lists()), "list"), cost, r.Digest)
}

func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

type testRulesCommand struct {
	Ruleset string `arg:"" help:"The ruleset's folder, or default for the built-in one."`
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
	for _, failure := range report.Failures {
		failure.Case.File = placed(c.Ruleset, failure.Case.File)
		fmt.Fprintf(out.results, "%s\n\n", failure)
	}
	passed := report.Cases - len(report.Failures)
	if len(report.Failures) > 0 {
		return fmt.Errorf("%d of %s failed", len(report.Failures), many(report.Cases, "case"))
	}
	fmt.Fprintf(out.results, "%s passed, of %s and of the whole ruleset\n", many(passed, "case"), many(rulesWithCases(set), "rule"))
	return nil
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

type vocabularyRulesCommand struct{}

// Run prints what rules can ask.
func (vocabularyRulesCommand) Run() error {
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
