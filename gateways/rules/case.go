package rules

import (
	"maps"
	"slices"

	"dummyorders/domain/fraud"
	"dummyorders/internal/yamlfile"
)

// Case is a test of a rule, or of the whole ruleset.
type Case struct {
	Name string
	// Rule is the rule beside which the case stands; empty, it is one of the whole ruleset.
	Rule string
	File string
	Line int

	// Hits is what a rule must do; the rest is for cases of the whole ruleset.
	Hits    bool
	Outcome fraud.Outcome
	Score   *int     // nil, any will do
	Rules   []string // the live rules and the lists that hit, in any order; nil, any will do
}

// testCase is a case with what is given.
type testCase struct {
	Case
	given given
}

// Cases are those of the rules, in their order, and then those of the whole set.
func (s *Set) Cases() []Case {
	all := make([]Case, len(s.cases))
	for i, c := range s.cases {
		all[i] = c.Case
	}
	return all
}

// writtenCases are cases to be read once all rules are; rule is nil for those of the whole set.
type writtenCases struct {
	cases *yamlfile.Value
	rule  *rule
}

func (r *reader) readWholeCases(d *yamlfile.Document) {
	r.written = append(r.written, &writtenCases{cases: d.Root.Required("cases")})
	d.Root.RefuseUnknown()
}

// readCases notes the faults of a document that was read before.
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
	c.given = r.set.readGiven(written, r.names)
	if of != nil {
		c.Rule = of.ID
		c.Hits = v.Required("hits").Truth()
		r.seenByRule(written.Optional("seen"), of)
	} else {
		r.readWanted(v, c)
	}
	v.RefuseUnknown()
	return c
}

func (r *reader) readWanted(v *yamlfile.Value, c *testCase) {
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

// seenByRule refuses values that the rule does not look at: a case that gives one tests something else than it says.
func (r *reader) seenByRule(seen *yamlfile.Value, of *rule) {
	if seen == nil || of.condition == nil {
		return
	}
	for _, key := range seen.Keys() {
		f, err := ParseFeature(key.Name)
		if err == nil && slices.Contains(names(r.set.features), f.String()) && !slices.Contains(of.Features, f.String()) {
			key.Fault("the rule %s does not ask for %s: %s", of.ID, f, yamlfile.OneOf(f.String(), of.Features))
		}
	}
}
