package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is one difference between two rulesets.
type Change struct {
	// What says what differs: "the rule card_velocity", "the list blocked_cards", "the ruleset".
	What string `json:"what"`
	// Field names the field that differs. It is empty if the whole thing was added or removed.
	Field string `json:"field,omitempty"`
	From  string `json:"from,omitempty"` // empty if there is no value
	To    string `json:"to,omitempty"`
}

// String returns the change in one line.
func (c Change) String() string {
	switch {
	case c.Field == "" && c.From == "":
		return c.What + " is new: " + c.To
	case c.Field == "" && c.To == "":
		return c.What + " is gone: " + c.From
	}
	return fmt.Sprintf("%s: %s was %s, is %s", c.What, c.Field, orNothing(c.From), orNothing(c.To))
}

func orNothing(text string) string {
	if text == "" {
		return "not given"
	}
	return text
}

// Diff returns the changes from a to b in the ruleset itself, its lists and its rules. It leaves out cases, which affect no
// decision, and the order of the rules.
func Diff(a, b *Set) []Change {
	var d differences
	d.compare("the ruleset", a.fields(), b.fields())
	d.all("the list ", a.listFields(), b.listFields())
	d.entries(a, b)
	d.all("the rule ", a.ruleFields(), b.ruleFields())
	return d
}

// attribute is the name of a field and its value as text.
type attribute struct{ name, text string }

func (s *Set) fields() []attribute {
	var across []string
	for _, by := range s.across {
		across = append(across, string(by))
	}
	slices.Sort(across)
	return []attribute{
		{"id", s.ruleset.ID},
		{"version", fmt.Sprint(s.ruleset.Version)},
		{"the threshold of review", fmt.Sprint(s.thresholds.Review)},
		{"the threshold of decline", fmt.Sprint(s.thresholds.Decline)},
		{"across_merchants", strings.Join(across, ", ")},
	}
}

func (s *Set) listFields() map[string][]attribute {
	all := map[string][]attribute{}
	for _, l := range s.lists {
		from := ""
		if l.InDatabase() {
			from = database
		}
		all[l.Name] = []attribute{{"of", l.Of}, {"effect", string(l.Effect)}, {"file", l.File}, {"from", from}}
	}
	return all
}

func (s *Set) ruleFields() map[string][]attribute {
	all := map[string][]attribute{}
	for _, r := range s.rules {
		all[r.ID] = []attribute{
			{"when", strings.TrimSpace(r.When)},
			{"score", fmt.Sprint(r.Score)},
			{"action", string(r.Action)},
			{"mode", string(r.Mode)},
			{"reason", r.Reason},
			{"message", r.Message},
			{"public_message", r.PublicMessage},
			{"name", r.Name},
		}
	}
	return all
}

type differences []Change

func (d *differences) compare(what string, from, to []attribute) {
	for i := range from {
		if from[i].text != to[i].text {
			*d = append(*d, Change{What: what, Field: from[i].name, From: from[i].text, To: to[i].text})
		}
	}
}

// all compares things by their names, in the order of the names.
func (d *differences) all(kind string, from, to map[string][]attribute) {
	names := slices.Sorted(maps.Keys(from))
	for name := range to {
		if _, both := from[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		was, before := from[name]
		is, after := to[name]
		switch {
		case !before:
			*d = append(*d, Change{What: kind + name, To: summary(is)})
		case !after:
			*d = append(*d, Change{What: kind + name, From: summary(was)})
		default:
			d.compare(kind+name, was, is)
		}
	}
}

// summary returns the fields that are not empty, in one line.
func summary(fields []attribute) string {
	var said []string
	for _, f := range fields {
		if f.text != "" {
			said = append(said, f.name+" "+f.text)
		}
	}
	return strings.Join(said, ", ")
}

// entries counts the entries added to and removed from each list that both sets have.
func (d *differences) entries(a, b *Set) {
	for _, l := range a.lists {
		i := slices.IndexFunc(b.lists, func(other *list) bool { return other.Name == l.Name })
		if i < 0 {
			continue
		}
		from, to := l.written(), b.lists[i].written()
		added, removed := missing(to, from), missing(from, to)
		if added+removed > 0 {
			*d = append(*d, Change{
				What: "the list " + l.Name, Field: "entries",
				From: fmt.Sprint(len(from)), To: fmt.Sprintf("%d (%d added, %d removed)", len(to), added, removed),
			})
		}
	}
}

// missing returns how many entries of the first set are not in the second.
func missing(of, among map[string]bool) int {
	number := 0
	for entry := range of {
		if !among[entry] {
			number++
		}
	}
	return number
}
