package lang

import (
	"fmt"
	"math"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"golang.org/x/text/unicode/norm"

	"dummyorders/domain/velocity"
)

// Condition is a compiled when.
type Condition struct {
	program cel.Program
	uses    []use
	// Features holds the features that the condition asks for, by their calls, and Lists the names of the lists.
	Features map[Call]velocity.Feature
	Lists    []string
	// Warnings are about what the condition probably does not mean.
	Warnings []Fault
	// Cost is the most that evaluating the condition can cost, in CEL's units.
	Cost uint64
}

// Fault is a fault in a condition. Line and column count from 1, in characters of the condition's own text.
type Fault struct {
	Line, Column int
	Text         string
}

// Compile compiles a rule's when, or returns everything that is wrong with it. lists holds the names of the set's lists.
func Compile(when string, lists []string) (*Condition, []Fault) {
	when = norm.NFC.String(when)
	if len([]rune(when)) > maxWhen {
		return nil, []Fault{{1, 1, fmt.Sprintf("must have at most %d characters: make several rules of it", maxWhen)}}
	}
	env, err := environment()
	if err != nil {
		return nil, []Fault{{1, 1, "cannot be compiled: " + err.Error()}}
	}
	checked, issues := env.Compile(when)
	if issues.Err() != nil {
		return nil, explain(env, when, issues)
	}
	if t := checked.OutputType(); !t.IsExactType(cel.BoolType) {
		return nil, []Fault{{1, 1, fmt.Sprintf("is of type %s, and must be true or false: compare it with something", typeName(t))}}
	}
	a := analyze(checked.NativeRep(), lists)
	if len(a.faults) > 0 {
		return nil, located(checked, a.faults)
	}
	return plan(env, checked, a)
}

// located returns the faults with the places of the expressions that they are about.
func located(checked *cel.Ast, faults []exprFault) []Fault {
	all := make([]Fault, len(faults))
	for i, f := range faults {
		at := checked.NativeRep().SourceInfo().GetStartLocation(f.id)
		all[i] = Fault{max(1, at.Line()), max(1, at.Column()+1), f.text}
	}
	return all
}

func plan(env *cel.Env, checked *cel.Ast, a *analysis) (*Condition, []Fault) {
	estimate, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, []Fault{{1, 1, "its cost cannot be estimated: " + err.Error()}}
	}
	if estimate.Max > maxCost {
		return nil, []Fault{{1, 1, tooDear(estimate.Max)}}
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CustomDecoratorV2(loadZones), cel.CustomDecoratorV2(boundTimes), cel.CostLimit(maxCost))
	if err != nil {
		return nil, []Fault{{1, 1, "cannot be planned: " + err.Error()}}
	}
	return &Condition{program: program, uses: a.uses, Features: a.features, Lists: a.lists, Warnings: located(checked, lint(checked.NativeRep())), Cost: estimate.Max}, nil
}

func tooDear(most uint64) string {
	much := fmt.Sprintf("up to %d units", most)
	switch {
	case most == math.MaxUint64:
		much = "any number of units"
	case most > math.MaxUint32:
		much = fmt.Sprintf("more than %d units", math.MaxUint32)
	}
	return fmt.Sprintf("may cost %s, and %d is the limit: compare shorter texts, go through fewer values, or make several rules of it", much, maxCost)
}

// sizes gives CEL's cost estimate the greatest lengths of a transaction's texts.
type sizes struct{}

// longestMerchant is the most characters that a merchant's name has.
const longestMerchant = 64

// EstimateSize returns the size of the merchant's name and of a text field of a subject, and nil for anything else.
func (sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	e := node.Expr()
	if e.Kind() == ast.IdentKind && e.AsIdent() == merchantName {
		size := cost.RangedSizeEstimate(0, longestMerchant)
		return &size
	}
	if e.Kind() != ast.SelectKind {
		return nil
	}
	s := namedBy(e.AsSelect().Operand())
	if s == nil {
		return nil
	}
	f, has := s.field(e.AsSelect().FieldName())
	if !has || f.longest == 0 {
		return nil
	}
	size := cost.RangedSizeEstimate(0, f.longest)
	return &size
}

// EstimateCallCost returns the cost of patterns, and of this package's own functions, each of which is one table lookup. It
// returns nil for anything else.
func (sizes) EstimateCallCost(function, _ string, target *cost.AstNode, arguments []cost.AstNode) *cost.CallEstimate {
	if function == matchesFunction {
		return matchCost(target, arguments)
	}
	if _, is := measureNamed(function); !is && function != listedFunction && function != metadataFunction {
		return nil
	}
	return cost.NewCallEstimate(cost.FixedCostEstimate(1), nil)
}

// Hits evaluates the condition for one transaction.
func (c *Condition) Hits(v *View) (bool, error) {
	result, _, err := c.program.Eval(v)
	if err != nil {
		return false, err
	}
	hit, ok := result.Value().(bool)
	if !ok {
		return false, fmt.Errorf("came to %v, which is neither true nor false", result.Type())
	}
	return hit, nil
}

func typeName(t *cel.Type) string {
	return strings.TrimPrefix(cel.FormatCELType(t), "google.protobuf.")
}
