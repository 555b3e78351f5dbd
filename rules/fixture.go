package rules

import (
	"dummyorders/domain/fraud"
	"dummyorders/domain/transaction"
	"dummyorders/internal/yamlfile"
	"dummyorders/rules/lang"
)

// fixture is the input of a case: a transaction, and what was counted before it.
type fixture struct {
	check    fraud.Check
	features map[string]float64
	listed   []string
}

// readFixture reads a case's given: the unremarkable transaction, with the parts that are written replaced.
func (s *Set) readFixture(v *yamlfile.Value, names []string) fixture {
	g := fixture{check: Unremarkable(), features: map[string]float64{}}
	if !v.Mapping() {
		return g
	}
	t := &g.check.Transaction
	if at := v.Optional("at"); at != nil {
		g.check.StartTime = at.Moment()
		g.check.AsOf = g.check.StartTime
	}
	lang.ReadGiven(v, t)
	for _, part := range v.Optional("malformed").List() {
		t.Malformed = append(t.Malformed, part.Choice(transaction.Malformable()...))
	}
	s.readFeatures(v.Optional("seen"), g.features)
	for _, name := range v.Optional("listed").List() {
		g.listed = append(g.listed, name.Choice(names...))
	}
	v.RefuseUnknown()
	return g
}
