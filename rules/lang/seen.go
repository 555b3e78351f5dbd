package lang

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"dummyorders/domain/ruleset"
)

// use is a value that a condition uses, as one transaction has it. Its name is empty if the value is not known.
type use func(*View) ruleset.Seen

// withheld lists the fields whose values are not shown: the API shows them nowhere.
var withheld = []string{"customer.email", "card.fingerprint"}

// Saw returns the values that the condition uses of one transaction, each once, in the order of its text.
func (c *Condition) Saw(v *View) []ruleset.Seen {
	all := []ruleset.Seen{}
	for _, of := range c.uses {
		if seen := of(v); seen.Name != "" && !slices.Contains(all, seen) {
			all = append(all, seen)
		}
	}
	return all
}

// visitValue records the transaction's time, its merchant, or a field of a subject.
func (a *analysis) visitValue(e ast.Expr) {
	if e.Kind() == ast.SelectKind {
		a.visitField(e.AsSelect())
	}
	if e.Kind() != ast.IdentKind || e.AsIdent() != timeName && e.AsIdent() != merchantName {
		return
	}
	a.uses = append(a.uses, func(v *View) ruleset.Seen {
		value, _ := v.ResolveName(e.AsIdent()) // a view always has both
		return ruleset.Seen{Name: e.AsIdent(), Value: textOf(types.DefaultTypeAdapter.NativeToValue(value))}
	})
}

func (a *analysis) visitField(e ast.SelectExpr) {
	_, of, key := a.subjectOf(e.Operand())
	s, known := subjectNamed[of]
	if !known || slices.Contains(withheld, of+"."+e.FieldName()) {
		return
	}
	f, known := s.field(e.FieldName())
	if !known {
		return
	}
	if s.keyed {
		of = fmt.Sprintf("%s(%q)", of, key)
	}
	a.uses = append(a.uses, func(v *View) ruleset.Seen {
		return ruleset.Seen{Name: of + "." + f.name, Value: textOf(f.of(&subjectValue{subject: s, view: v, key: key}))}
	})
}

// textOf writes a value as text. A time that was not given is an empty one.
func textOf(value ref.Val) string {
	switch value := value.(type) {
	case types.Double:
		return strconv.FormatFloat(float64(value), 'f', -1, 64)
	case types.Timestamp:
		if value.IsZero() {
			return ""
		}
		return value.Format(time.RFC3339)
	default:
		return fmt.Sprint(value.Value())
	}
}
