package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dummyorders/domain/fraud"
	"dummyorders/domain/velocity"
	"dummyorders/internal/yamlfile"
	"dummyorders/rules/lang"
)

// Case is a test of a rule, or of the whole ruleset.
type Case struct {
	Name string
	// Rule is the id of the rule that the case belongs to. If it is empty, the case tests the whole ruleset.
	Rule string
	File string
	Line int

	// Hits says whether the rule must hit; the fields below are for cases of the whole ruleset.
	Hits    bool
	Outcome fraud.Outcome
	Score   *int     // if nil, any score passes
	Rules   []string // the live rules and the lists that must hit, in any order; if nil, any pass
}

// testCase is a case together with its fixture.
type testCase struct {
	Case
	fixture fixture
}

// Cases returns the cases of the rules, in the order of the rules, and then those of the whole set.
func (s *Set) Cases() []Case {
	all := make([]Case, len(s.cases))
	for i, c := range s.cases {
		all[i] = c.Case
	}
	return all
}

// writtenCases holds cases to be read after all rules; rule is nil for cases of the whole set.
type writtenCases struct {
	cases *yamlfile.Value
	rule  *rule
}

func (r *reader) readWholeCases(d *yamlfile.Document) {
	r.written = append(r.written, &writtenCases{cases: d.Root.Required("cases")})
	d.Root.RefuseUnknown()
}

// readCases reads cases and records their faults. Their document was read before, so its earlier faults are dropped first.
func (r *reader) readCases(w *writtenCases) {
	if w.cases == nil {
		return
	}
	doc := w.cases.Document()
	doc.Faults = nil
	for _, v := range w.cases.List() {
		if v.Mapping() {
			r.set.cases = append(r.set.cases, r.readCase(v, w.rule))
		}
	}
	r.caseFaults = append(r.caseFaults, yamlfile.Bounded(doc.Faults)...)
}

func (r *reader) readCase(v *yamlfile.Value, of *rule) *testCase {
	c := &testCase{Case: Case{Name: v.Required("name").Words(), File: v.Document().File, Line: v.Line()}}
	written := v.Required("given")
	c.fixture = r.set.readFixture(written, r.names)
	if of != nil {
		c.Rule = of.ID
		c.Hits = v.Required("hits").Truth()
		r.checkFeaturesOf(written.Optional("seen"), of)
	} else {
		r.readExpected(v, c)
	}
	v.RefuseUnknown()
	return c
}

func (r *reader) readExpected(v *yamlfile.Value, c *testCase) {
	c.Outcome = fraud.Outcome(v.Required("outcome").Choice(string(fraud.Approve), string(fraud.Review), string(fraud.Decline)))
	if score := v.Optional("score"); score != nil {
		number := score.Whole(0, fraud.MaxScore)
		c.Score = &number
	}
	hit := v.Optional("rules")
	if hit != nil {
		c.Rules = []string{}
	}
	known := slices.Collect(maps.Keys(r.ids))
	for _, l := range r.set.lists {
		known = append(known, l.id())
	}
	slices.Sort(known)
	for _, id := range hit.List() {
		c.Rules = append(c.Rules, id.Choice(known...))
	}
}

// checkFeaturesOf refuses values of features that the rule does not ask for: a case that gives one does not test what it claims.
func (r *reader) checkFeaturesOf(features *yamlfile.Value, of *rule) {
	if features == nil || of.condition == nil {
		return
	}
	for _, key := range features.Keys() {
		f, err := lang.ParseFeature(key.Name)
		f = r.set.Counts(f)
		if err == nil && slices.Contains(velocity.Names(r.set.features), f.String()) && !slices.Contains(of.Features, f.String()) {
			key.Fault("the rule %s does not ask for %s: %s", of.ID, f, yamlfile.OneOf(f.String(), of.Features))
		}
	}
}

// Report holds the result of running a set's cases.
type Report struct {
	Cases    int // how many cases were run
	Failures []Failure
}

// Failure is a case whose result differs from what it demands.
type Failure struct {
	Case Case
	// Wrong says what was wanted and what came instead, one line per difference.
	Wrong []string
}

// String returns, on several lines, where the case is, its name and what is wrong.
func (f Failure) String() string {
	of := "the ruleset"
	if f.Case.Rule != "" {
		of = "the rule " + f.Case.Rule
	}
	return fmt.Sprintf("%s:%d: %s, case %q:\n\t%s", f.Case.File, f.Case.Line, of, f.Case.Name, strings.Join(f.Wrong, "\n\t"))
}

// RunCases runs all cases of a set.
func RunCases(s *Set) Report {
	report := Report{Cases: len(s.cases)}
	for _, c := range s.cases {
		wrong := c.wrong(s.evaluate(c.fixture.check, s.counted(c.fixture), c.fixture.listed))
		if len(wrong) > 0 {
			report.Failures = append(report.Failures, Failure{c.Case, append(wrong, s.inputsOf(c)...)})
		}
	}
	return report
}

// counted returns the values of all features: those that are not given are 0.
func (s *Set) counted(g fixture) map[string]float64 {
	values := make(map[string]float64, len(s.features))
	for _, f := range s.features {
		values[f.String()] = g.features[f.String()]
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

// acting returns the ids of the live rules and lists that hit, sorted.
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

// failing returns a line for each rule that could not be evaluated. If id is not empty, it looks at that rule only.
func failing(e *fraud.Explanation, id string) []string {
	var failed []string
	for _, r := range e.Rules {
		if r.Outcome == fraud.RuleFailed && (id == "" || id == r.ID) {
			failed = append(failed, fmt.Sprintf("the rule %s could not be evaluated: %s", r.ID, r.Error))
		}
	}
	return failed
}

// inputsOf returns the condition of the case's rule and the values that the rule looks at, one line each. For a case of the
// whole set, it returns the values of its fixture.
func (s *Set) inputsOf(c *testCase) []string {
	looked := slices.Sorted(maps.Keys(c.fixture.features))
	var when []string
	if i := slices.IndexFunc(s.rules, func(r *rule) bool { return r.ID == c.Rule }); i >= 0 {
		looked, when = s.rules[i].Features, []string{"when: " + strings.TrimSpace(s.rules[i].When)}
	}
	for _, name := range looked {
		when = append(when, fmt.Sprintf("%s was %g", name, c.fixture.features[name]))
	}
	return when
}

func listing(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
