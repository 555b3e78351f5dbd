package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dummyorders/domain/fraud"
)

// Report is what became of a set's cases.
type Report struct {
	Cases    int // how many there are
	Failures []Failure
}

// Failure is a case that came to something else than it says.
type Failure struct {
	Case Case
	// Wrong is what was wanted and what came instead, a line each.
	Wrong []string
}

// String says where the case is, what it is called and what is wrong, on several lines.
func (f Failure) String() string {
	of := "the ruleset"
	if f.Case.Rule != "" {
		of = "the rule " + f.Case.Rule
	}
	return fmt.Sprintf("%s:%d: %s, case %q:\n\t%s", f.Case.File, f.Case.Line, of, f.Case.Name, strings.Join(f.Wrong, "\n\t"))
}

// RunCases decides about all cases of a set.
func RunCases(s *Set) Report {
	report := Report{Cases: len(s.cases)}
	for _, c := range s.cases {
		wrong := c.wrong(s.evaluate(c.given.check, s.counted(c.given), c.given.listed))
		if len(wrong) > 0 {
			report.Failures = append(report.Failures, Failure{c.Case, append(wrong, s.seen(c)...)})
		}
	}
	return report
}

// counted are the values of all features: those that are not given are 0.
func (s *Set) counted(g given) map[string]float64 {
	values := make(map[string]float64, len(s.features))
	for _, f := range s.features {
		values[f.String()] = g.seen[f.String()]
	}
	return values
}

func (c *testCase) wrong(d fraud.Decision) []string {
	if c.Rule != "" {
		return c.wrongRule(d)
	}
	var wrong []string
	if d.Outcome != c.Outcome {
		wrong = append(wrong, fmt.Sprintf("the outcome must be %s, and is %s with a score of %d", c.Outcome, d.Outcome, d.Score))
	}
	if c.Score != nil && d.Score != *c.Score {
		wrong = append(wrong, fmt.Sprintf("the score must be %d, and is %d", *c.Score, d.Score))
	}
	hit := acting(d.Explanation)
	if want := slices.Sorted(slices.Values(c.Rules)); c.Rules != nil && !slices.Equal(want, hit) {
		wrong = append(wrong, fmt.Sprintf("the rules that hit must be %s, and are %s", listing(want), listing(hit)))
	}
	if len(wrong) > 0 {
		wrong = append(wrong, failing(d.Explanation, "")...)
	}
	return wrong
}

func (c *testCase) wrongRule(d fraud.Decision) []string {
	if failed := failing(d.Explanation, c.Rule); len(failed) > 0 {
		return failed
	}
	hit := slices.ContainsFunc(d.Explanation.Rules, func(r fraud.RuleResult) bool { return r.ID == c.Rule })
	switch {
	case c.Hits && !hit:
		return []string{"it must hit, and does not"}
	case !c.Hits && hit:
		return []string{"it must not hit, and does"}
	}
	return nil
}

// acting are the ids of the live rules and lists that hit, sorted.
func acting(e *fraud.Explanation) []string {
	ids := []string{}
	for _, r := range e.Rules {
		if !r.Shadow && r.Outcome == fraud.RuleHit {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// failing says which rules could not be evaluated; an id asks for that rule alone.
func failing(e *fraud.Explanation, id string) []string {
	var failed []string
	for _, r := range e.Rules {
		if r.Outcome == fraud.RuleFailed && (id == "" || id == r.ID) {
			failed = append(failed, fmt.Sprintf("the rule %s could not be evaluated: %s", r.ID, r.Error))
		}
	}
	return failed
}

// seen are the values that the case's rule looked at, or for the whole set those that were given.
func (s *Set) seen(c *testCase) []string {
	looked := slices.Sorted(maps.Keys(c.given.seen))
	var when []string
	if i := slices.IndexFunc(s.rules, func(r *rule) bool { return r.ID == c.Rule }); i >= 0 {
		looked, when = s.rules[i].Features, []string{"when: " + strings.TrimSpace(s.rules[i].When)}
	}
	for _, name := range looked {
		when = append(when, fmt.Sprintf("%s was %g", name, c.given.seen[name]))
	}
	return when
}

func listing(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
