package rules

import (
	"math"
	"math/bits"
	"regexp/syntax"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

// stepsPerUnit is how many instructions a pattern may try at how many characters for one unit: such a step takes from
// one to ten nanoseconds.
const stepsPerUnit = 10

// matchCost prices a pattern by the program that it is compiled to, each of whose instructions may be tried at each
// character. CEL's own price goes by the pattern's length, and ((a?){1000})x is short.
func matchCost(target *cost.AstNode, arguments []cost.AstNode) *cost.CallEstimate {
	if target != nil {
		arguments = append([]cost.AstNode{*target}, arguments...)
	}
	if len(arguments) != 2 {
		return nil
	}
	size, known := instructions(arguments[1].Expr())
	if !known {
		return nil
	}
	over, steps := bits.Mul64(size, longest(arguments[0]))
	if over > 0 {
		steps = math.MaxUint64
	} else {
		steps = 1 + steps/stepsPerUnit
	}
	return cost.NewCallEstimate(cost.RangedCostEstimate(1, steps), nil)
}

// instructions is the length of a pattern's program, as Go's regexp makes it.
func instructions(pattern ast.Expr) (uint64, bool) {
	if pattern.Kind() != ast.LiteralKind {
		return 0, false
	}
	text, is := pattern.AsLiteral().(types.String)
	if !is {
		return 0, false
	}
	parsed, err := syntax.Parse(string(text), syntax.Perl)
	if err != nil {
		return 0, false
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, false
	}
	return uint64(len(program.Inst)), true
}

// longest is how many places a text has to look at, its end too.
func longest(text cost.AstNode) uint64 {
	size := text.ComputedSize()
	if size == nil {
		size = sizes{}.EstimateSize(text)
	}
	if size == nil || size.Max == math.MaxUint64 {
		return math.MaxUint64
	}
	return size.Max + 1
}
