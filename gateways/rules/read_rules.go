package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"

	"dummyorders/domain/fraud"
	"dummyorders/domain/usage"
)

// What names look like.
var (
	setID      = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	ruleID     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	reasonCode = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
)

// rule is a rule ready to be evaluated.
type rule struct {
	Rule
	*condition
}

// matching is text of a given look.
func matching(v *value, look *regexp.Regexp, like string) string {
	text := v.words()
	if text != "" && !look.MatchString(text) {
		v.fault("%q must be of %s, and have at most 64 characters", text, like)
	}
	return text
}

func (r *reader) readRules(d *document) {
	for _, v := range d.root.required("rules").list() {
		if v.mapping() {
			r.readRule(v)
		}
	}
	d.root.refuseUnknown()
}

func (r *reader) readRule(v *value) {
	id := v.required("id")
	read := &rule{Rule: Rule{
		ID:      matching(id, ruleID, "small letters, digits and _, a letter first"),
		Name:    v.required("name").words(),
		Score:   v.optional("score").whole(-fraud.MaxScore, fraud.MaxScore),
		Reason:  matching(v.required("reason"), reasonCode, "capitals, digits and _, a letter first"),
		Message: v.required("message").words(),
		Mode:    Live,
		File:    v.doc.file,
		Line:    v.node.Line,
	}}
	if action := v.optional("action"); action != nil {
		read.Action = fraud.Action(action.choice(string(fraud.ActAllow), string(fraud.ActReview), string(fraud.ActBlock)))
	}
	if mode := v.optional("mode"); mode != nil {
		read.Mode = Mode(mode.choice(string(Live), string(Shadow)))
	}
	r.claim(read.ID, id)
	r.compile(read, v.required("when"))
	r.written = append(r.written, &writtenCases{v.optional("cases"), read})
	v.refuseUnknown()
	r.set.rules = append(r.set.rules, read)
	r.oddRule(read, v)
}

// claim takes an id for a rule; each can be taken once in the whole set.
func (r *reader) claim(id string, v *value) {
	if id == "" {
		return
	}
	if other, taken := r.ids[id]; taken {
		v.fault("the id %q is taken: it stands at %s, and must stand once in the whole ruleset", id, other)
		return
	}
	r.ids[id] = fmt.Sprintf("%s:%d", v.doc.file, v.node.Line)
}

func (r *reader) compile(read *rule, when *value) {
	if when == nil {
		return
	}
	if when.node.Kind != yaml.ScalarNode {
		when.fault("must be a condition in CEL: write it in quotes, or after a |")
		return
	}
	if when.words() == "" {
		return
	}
	read.When = when.node.Value
	compiled, complaints := compile(read.When, r.names)
	for _, c := range complaints {
		line, column := when.place(c.line, c.column)
		when.doc.fault(line, column, "%s", c.text)
	}
	if compiled == nil {
		return
	}
	read.condition = compiled
	for _, c := range compiled.odd {
		line, column := when.place(c.line, c.column)
		r.warnings = append(r.warnings, Fault{when.doc.file, line, column, c.text})
	}
	read.Cost, read.Lists = compiled.cost, slices.Compact(slices.Sorted(slices.Values(compiled.lists)))
	for _, f := range compiled.features {
		read.Features = append(read.Features, f.String())
	}
	slices.Sort(read.Features)
	read.Features = slices.Compact(read.Features)
}

// collect gathers what all rules count, each feature once, by name.
func (s *Set) collect() {
	byName := map[string]usage.Feature{}
	for _, r := range s.rules {
		s.shadow = s.shadow || r.Mode == Shadow
		if r.condition == nil {
			s.partial = true
			continue
		}
		for spelled, f := range r.features {
			s.names[spelled] = f.String()
			byName[f.String()] = f
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		s.features = append(s.features, byName[name])
	}
}
