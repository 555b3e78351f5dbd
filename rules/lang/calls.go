package lang

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/internal/spelling"
	"dummyorders/internal/yamlfile"
)

// analysis holds what a condition asks for apart from the transaction itself, and the faults found in it.
type analysis struct {
	checked  *ast.AST
	features map[Call]velocity.Feature
	lists    []string
	uses     []use
	faults   []exprFault
}

// exprFault is a fault in a condition. id is that of the expression where the fault is.
type exprFault struct {
	id   int64
	text string
}

func (a *analysis) fault(id int64, format string, arguments ...any) {
	a.faults = append(a.faults, exprFault{id, fmt.Sprintf(format, arguments...)})
}

// analyze walks over a checked condition. All arguments of features must be literals, so that what has to be looked up is known
// before a transaction comes.
func analyze(checked *ast.AST, lists []string) *analysis {
	a := &analysis{checked: checked, features: map[Call]velocity.Feature{}}
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind {
			a.visit(e, lists)
		}
		a.visitValue(e)
		if e.Kind() == ast.ComprehensionKind {
			a.visitLoop(e.AsComprehension())
		}
		if e.Kind() == ast.StructKind {
			a.fault(e.ID(), "a rule can make no values of a type of its own: ask those of the transaction")
		}
	}))
	return a
}

func (a *analysis) visit(e ast.Expr, lists []string) {
	c := e.AsCall()
	name := c.FunctionName()
	if m, is := measureNamed(name); is && c.IsMemberFunction() {
		a.visitFeature(e, m)
		return
	}
	switch name {
	case listedFunction:
		a.visitListed(e, lists)
	case metadataFunction:
		if key, ok := a.literal(e, 0, "the key of the metadata"); ok {
			if err := checkMetadataKey(key); err != nil {
				a.fault(c.Args()[0].ID(), "%v", err)
			}
		}
	case matchesFunction:
		a.literal(e, len(e.AsCall().Args())-1, "the pattern")
	case "dyn":
		a.fault(e.ID(), "dyn would keep faults from being found before a transaction comes: leave it out")
	default:
		a.visitZone(e)
	}
}

// checkMetadataKey fails if no transaction is kept with metadata of this key.
func checkMetadataKey(key string) error {
	spelled := spelling.ID(key)
	switch {
	case spelled == "" || utf8.RuneCountInString(spelled) > transaction.MaxMetadataKey:
		return fmt.Errorf("%q is not a key of metadata: a key has from 1 to %d characters", key, transaction.MaxMetadataKey)
	case spelled != key:
		return fmt.Errorf("%q is not a key of metadata as it is kept: write %q", key, spelled)
	}
	return nil
}

// matchesFunction can be written in two ways: text.matches(pattern) and matches(text, pattern).
const matchesFunction = "matches"

func (a *analysis) visitListed(e ast.Expr, lists []string) {
	name, ok := a.literal(e, 0, "the name of a list")
	if !ok {
		return
	}
	if slices.Contains(lists, name) {
		a.lists = append(a.lists, name)
		a.uses = append(a.uses, func(v *View) ruleset.Seen {
			return ruleset.Seen{Name: fmt.Sprintf("%s(%q)", listedFunction, name), Value: strconv.FormatBool(v.listed[name])}
		})
		return
	}
	a.fault(e.AsCall().Args()[0].ID(), "no list is called %q: %s", name, yamlfile.OneOf(name, lists))
}

// visitLoop refuses loops over maps: a map has no order, so a condition that depends on the order would not decide the same
// each time.
func (a *analysis) visitLoop(loop ast.ComprehensionExpr) {
	over := loop.IterRange()
	if a.checked.GetType(over.ID()).Kind() != types.ListKind {
		a.fault(over.ID(), "only lists can be gone through: a map has no order, write a list such as [\"a\", \"b\"]")
	}
}

// literal returns an argument that must be a literal text. what describes the argument in a fault.
func (a *analysis) literal(e ast.Expr, i int, what string) (string, bool) {
	arguments := e.AsCall().Args()
	if i >= len(arguments) {
		a.fault(e.ID(), "%s is missing", what)
		return "", false
	}
	argument := arguments[i]
	if argument.Kind() == ast.LiteralKind {
		if text, ok := argument.AsLiteral().(types.String); ok {
			return string(text), true
		}
	}
	a.fault(argument.ID(), "%s must be written out in quotes: it must be known before a transaction comes", what)
	return "", false
}

func (a *analysis) visitFeature(e ast.Expr, m measure) {
	c := e.AsCall()
	spelled := Call{measure: string(m.Measure)}
	var by velocity.Dimension
	if by, spelled.subject, spelled.key = a.subjectOf(c.Target()); by == "" {
		a.fault(e.ID(), "%s must be asked of card, customer, ip, order or metadata(\"…\") itself", m.Measure)
		return
	}
	f := velocity.Feature{Measure: m.Measure, By: by}
	for i, argument := range m.shape(len(c.Args())) {
		text, ok := a.literal(e, i, "the argument "+argument)
		if !ok {
			return
		}
		if err := setArgument(&f, argument, text); err != nil {
			a.fault(c.Args()[i].ID(), "%v", err)
			return
		}
		spelled.arguments[i] = text
	}
	a.features[spelled] = f
	a.uses = append(a.uses, func(v *View) ruleset.Seen {
		value, has := v.values[v.names[spelled]]
		if !has {
			return ruleset.Seen{}
		}
		return ruleset.Seen{Name: v.names[spelled], Value: textOf(types.Double(value))}
	})
}

// subjectOf returns the subject that a feature is asked of. The dimension is empty if features cannot be asked of target.
func (a *analysis) subjectOf(target ast.Expr) (by velocity.Dimension, name, key string) {
	s, known := subjectNamed[a.checked.GetType(target.ID()).TypeName()]
	if !known {
		return "", "", ""
	}
	if !s.keyed {
		return s.by, s.name, ""
	}
	if target.Kind() == ast.CallKind && len(target.AsCall().Args()) == 1 {
		if literal := target.AsCall().Args()[0]; literal.Kind() == ast.LiteralKind {
			if text, ok := literal.AsLiteral().(types.String); ok {
				return velocity.Metadata(string(text)), s.name, string(text)
			}
		}
	}
	return "", s.name, ""
}

func setArgument(f *velocity.Feature, argument, text string) (err error) {
	switch argument {
	case ofArgument:
		f.Of, err = dimension(text)
	case windowArgument:
		f.Window, err = spanWithin(text, velocity.MaxWindow)
	case delayArgument:
		f.Delay, err = spanWithin(text, velocity.MaxDelay)
	}
	return err
}

func spanWithin(text string, most time.Duration) (time.Duration, error) {
	span, err := velocity.ParseSpan(text)
	if err != nil {
		return 0, err
	}
	if span < velocity.MinWindow || span > most {
		return 0, fmt.Errorf("%q must be from %q to %q", text, velocity.FormatSpan(velocity.MinWindow), velocity.FormatSpan(most))
	}
	return span, nil
}

// dimension parses the dimension whose different values a feature counts.
func dimension(text string) (velocity.Dimension, error) {
	if key, is := velocity.Dimension(text).MetadataKey(); is && key != "" {
		return velocity.Dimension(text), checkMetadataKey(key)
	}
	var known []string
	for _, s := range subjects {
		if s.by != "" {
			known = append(known, s.name)
			if s.name == text {
				return s.by, nil
			}
		}
	}
	if strings.HasPrefix(text, metadataFunction) {
		return "", errors.New("must be written \"metadata.\" and a key, such as \"metadata.device\"")
	}
	return "", fmt.Errorf("%q cannot be counted: %s", text, yamlfile.OneOf(text, append(known, "metadata.<key>")))
}
