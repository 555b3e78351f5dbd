package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/gateways/rules"
)

// explained writes a decision for people, with everything that led to it. set is the ruleset that decided, for what a
// decision does not carry with it, or nil where that is not at hand.
func explained(to io.Writer, d fraud.Decision, set *rules.Set) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s, score %d (risk: %s), by the ruleset %s\n", d.Outcome, d.Score, d.RiskLevel, d.Ruleset)
	if set != nil {
		fmt.Fprintf(w, "review from score %d, decline from score %d\n", set.Thresholds().Review, set.Thresholds().Decline)
	}
	reasons(w, d.Reasons)
	if e := d.Explanation; e != nil {
		names := ruleNames(set)
		results(w, "Rules that hit", e.Rules, fraud.RuleHit, names)
		results(w, "Rules that failed", e.Rules, fraud.RuleFailed, names)
		features(w, e.Features)
		for _, trial := range e.Trials {
			if trial.Ruleset.Digest != d.Ruleset.Digest { // a ruleset of its own, whose rules may have the same ids
				tried(w, trial, nil)
			} else {
				tried(w, trial, names)
			}
		}
		if len(e.Passed) > 0 {
			fmt.Fprintf(w, "\nRules that did not hit\n%s\n", wrapped("", e.Passed))
		}
	}
	return w.Flush()
}

func reasons(w io.Writer, all []fraud.Reason) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(w, "\nReasons")
	for _, r := range all {
		fmt.Fprintf(w, "  %s\t%s\n", r.Code, r.Message)
	}
}

func results(w io.Writer, title string, all []fraud.RuleResult, outcome fraud.RuleOutcome, names map[string]string) {
	all = slices.DeleteFunc(slices.Clone(all), func(r fraud.RuleResult) bool { return r.Outcome != outcome })
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, r := range all {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", r.ID, worth(r), cmp.Or(r.Error, names[r.ID]))
	}
}

// worth is what a rule brought to the decision.
func worth(r fraud.RuleResult) string {
	parts := []string{fmt.Sprintf("%+d", r.Score)}
	if r.Action != "" {
		parts = append(parts, string(r.Action))
	}
	if r.Shadow {
		parts = append(parts, "in shadow")
	}
	return strings.Join(parts, ", ")
}

// features puts together those that were 0: mostly they are many, and say little.
func features(w io.Writer, values map[string]float64) {
	if len(values) == 0 {
		return
	}
	fmt.Fprintln(w, "\nWhat they saw")
	var zero []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == 0 {
			zero = append(zero, name)
			continue
		}
		fmt.Fprintf(w, "  %s\t%s\n", name, number(values[name]))
	}
	if len(zero) > 0 {
		fmt.Fprintf(w, "%s\n", wrapped("0: ", zero))
	}
}

// number has two decimals where it is no whole number: amounts on average have many more that say nothing.
func number(n float64) string {
	text := strconv.FormatFloat(n, 'f', 2, 64)
	return strings.TrimSuffix(text, ".00")
}

func tried(w io.Writer, t fraud.Trial, names map[string]string) {
	fmt.Fprintf(w, "\nIn trial, and without effect: %s says %s, score %d\n", t.Ruleset, t.Outcome, t.Score)
	for _, r := range t.Rules {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", r.ID, worth(r), cmp.Or(r.Error, names[r.ID]))
	}
}

// ruleNames are what a ruleset calls its rules, by their ids.
func ruleNames(set *rules.Set) map[string]string {
	names := map[string]string{}
	if set == nil {
		return names
	}
	for _, r := range set.Rules() {
		names[r.ID] = r.Name
	}
	return names
}

// wrapped is words with commas between them, on lines that are indented.
func wrapped(before string, words []string) string {
	const width = 100
	text, line := "", "  "+before
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		if len(line)+len(word) > width {
			text, line = text+strings.TrimRight(line, " ")+"\n", "  "
		}
		line += word + " "
	}
	return text + strings.TrimRight(line, " ")
}

// moments says when a decision was taken, and how long that took.
func moments(e *fraud.Explanation) string {
	const milliseconds = "2006-01-02T15:04:05.000Z07:00"
	return fmt.Sprintf("As of %s, decided at %s, which took %s", e.AsOf.UTC().Format(milliseconds), e.DecidedAt.UTC().Format(milliseconds),
		time.Duration(e.TookMicros)*time.Microsecond)
}
