package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"golang.org/x/text/unicode/norm"

	"dummyorders/domain/fraud"
	"dummyorders/domain/usage"
	"dummyorders/internal/yamlfile"
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
func matching(v *yamlfile.Value, look *regexp.Regexp, like string) string {
	text := v.Words()
	if text != "" && !look.MatchString(text) {
		v.Fault("%q must be of %s, and have at most 64 characters", text, like)
	}
	return text
}

func (r *reader) readRules(d *yamlfile.Document) {
	for _, v := range d.Root.Required("rules").List() {
		if v.Mapping() {
			r.readRule(v)
		}
	}
	d.Root.RefuseUnknown()
}

func (r *reader) readRule(v *yamlfile.Value) {
	id := v.Required("id")
	read := &rule{Rule: Rule{
		ID:      matching(id, ruleID, "small letters, digits and _, a letter first"),
		Name:    v.Required("name").Words(),
		Score:   v.Optional("score").Whole(-fraud.MaxScore, fraud.MaxScore),
		Reason:  matching(v.Required("reason"), reasonCode, "capitals, digits and _, a letter first"),
		Message: v.Required("message").Words(),
		Mode:    Live,
		File:    v.Document().File,
		Line:    v.Line(),
	}}
	if action := v.Optional("action"); action != nil {
		read.Action = fraud.Action(action.Choice(string(fraud.ActAllow), string(fraud.ActReview), string(fraud.ActBlock)))
	}
	if mode := v.Optional("mode"); mode != nil {
		read.Mode = Mode(mode.Choice(string(Live), string(Shadow)))
	}
	r.claim(read.ID, id)
	r.compile(read, v.Required("when"))
	r.written = append(r.written, &writtenCases{v.Optional("cases"), read})
	v.RefuseUnknown()
	r.set.rules = append(r.set.rules, read)
	r.oddRule(read, v)
}

// claim takes an id for a rule; each can be taken once in the whole set.
func (r *reader) claim(id string, v *yamlfile.Value) {
	if id == "" {
		return
	}
	if other, taken := r.ids[id]; taken {
		v.Fault("the id %q is taken: it stands at %s, and must stand once in the whole ruleset", id, other)
		return
	}
	r.ids[id] = fmt.Sprintf("%s:%d", v.Document().File, v.Line())
}

func (r *reader) compile(read *rule, when *yamlfile.Value) {
	if when == nil {
		return
	}
	if !when.IsScalar() {
		when.Fault("must be a condition in CEL: write it in quotes, or after a |")
		return
	}
	if read.When = when.Words(); read.When == "" {
		return
	}
	compiled, complaints := compile(norm.NFC.String(read.When), r.names)
	for _, c := range complaints {
		line, column := when.Place(c.line, c.column)
		when.Document().Fault(line, column, "%s", c.text)
	}
	if compiled == nil {
		return
	}
	read.condition = compiled
	for _, c := range compiled.odd {
		line, column := when.Place(c.line, c.column)
		r.warnings = append(r.warnings, Fault{File: when.Document().File, Line: line, Column: column, Text: c.text})
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
