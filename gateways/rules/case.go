package rules

import (
	"maps"
	"slices"

	"dummyorders/domain/fraud"
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
	cases *value
	rule  *rule
}

func (r *reader) readWholeCases(d *document) {
	r.written = append(r.written, &writtenCases{cases: d.root.required("cases")})
	d.root.refuseUnknown()
}

// readCases notes the faults of a document that was read before.
func (r *reader) readCases(w *writtenCases) {
	if w.cases == nil {
		return
	}
	doc := w.cases.doc
	doc.faults = nil
	for _, v := range w.cases.list() {
		if v.mapping() {
			r.set.cases = append(r.set.cases, r.readCase(v, w.rule))
		}
	}
	r.caseFaults = append(r.caseFaults, bounded(doc.faults)...)
}

func (r *reader) readCase(v *value, of *rule) *testCase {
	c := &testCase{Case: Case{Name: v.required("name").words(), File: v.doc.file, Line: v.node.Line}}
	written := v.required("given")
	c.given = r.set.readGiven(written, r.names)
	if of != nil {
		c.Rule = of.ID
		c.Hits = v.required("hits").truth()
		r.seenByRule(written.optional("seen"), of)
	} else {
		r.readWanted(v, c)
	}
	v.refuseUnknown()
	return c
}

func (r *reader) readWanted(v *value, c *testCase) {
	c.Outcome = fraud.Outcome(v.required("outcome").choice(string(fraud.Approve), string(fraud.Review), string(fraud.Decline)))
	if score := v.optional("score"); score != nil {
		number := score.whole(0, fraud.MaxScore)
		c.Score = &number
	}
	hit := v.optional("rules")
	if hit != nil {
		c.Rules = []string{}
	}
	known := slices.Collect(maps.Keys(r.ids))
	for _, l := range r.set.lists {
		known = append(known, l.id())
	}
	slices.Sort(known)
	for _, id := range hit.list() {
		c.Rules = append(c.Rules, id.choice(known...))
	}
}

// seenByRule refuses values that the rule does not look at: a case that gives one tests something else than it says.
func (r *reader) seenByRule(seen *value, of *rule) {
	if seen == nil || of.condition == nil {
		return
	}
	for _, key := range seen.keys {
		f, err := ParseFeature(key.Value)
		if err == nil && slices.Contains(names(r.set.features), f.String()) && !slices.Contains(of.Features, f.String()) {
			seen.doc.fault(key.Line, key.Column, "the rule %s does not ask for %s: %s", of.ID, f, oneOf(f.String(), of.Features))
		}
	}
}
