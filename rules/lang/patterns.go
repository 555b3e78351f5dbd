package lang

import (
	"math"
	"math/bits"
	"regexp/syntax"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
)

// stepsPerUnit is the number of steps of a pattern that cost one of CEL's units. A step tries one instruction at one
// character, which takes from one to ten nanoseconds.
const stepsPerUnit = 10

// matchCost estimates the cost of a pattern from the program that it compiles to: each instruction may be tried at each
// character. CEL's own estimate uses the length of the pattern, but a short one such as ((a?){1000})x can be expensive. It counts if it is
// larger, because CEL stops an evaluation by it.
func matchCost(target *cost.AstNode, arguments []cost.AstNode) *cost.CallEstimate {
	if target != nil {
		arguments = append([]cost.AstNode{*target}, arguments...)
	}
	if len(arguments) != 2 {
		return nil
	}
	pattern := arguments[1].Expr()
	if pattern.Kind() != ast.LiteralKind {
		return nil
	}
	text, is := pattern.AsLiteral().(types.String)
	if !is {
		return nil
	}
	size, known := instructions(string(text))
	if !known {
		return nil
	}
	places := longest(arguments[0])
	over, steps := bits.Mul64(size, places)
	if over > 0 {
		steps = math.MaxUint64
	} else {
		steps = 1 + steps/stepsPerUnit
	}
	length := uint64(utf8.RuneCountInString(string(text))) //nolint:gosec // a length is not negative
	charged := cost.FixedSizeEstimate(places).MultiplyByCostFactor(cost.StringTraversalCostFactor).
		Multiply(cost.FixedSizeEstimate(length).MultiplyByCostFactor(cost.RegexStringLengthCostFactor))
	return cost.NewCallEstimate(cost.RangedCostEstimate(1, max(steps, charged.Max)), nil)
}

// instructions returns the number of instructions in the program that Go's regexp compiles a pattern to.
func instructions(pattern string) (uint64, bool) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, false
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, false
	}
	return uint64(len(program.Inst)), true
}

// longest returns the most places in a text at which a pattern can be tried, including its end.
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
