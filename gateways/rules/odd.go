package rules

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	operator "cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/domain/usage"
	"dummyorders/internal/yamlfile"
)

// odd is what a condition can be compiled with and hardly means: divisions by what can be 0, and comparisons with what
// no transaction has.
func odd(checked *ast.AST) []misuse {
	a := &asked{checked: checked}
	a.oddDivisions()
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && len(e.AsCall().Args()) == 2 {
			a.oddComparison(e.AsCall())
		}
	}))
	return a.faults
}

// mirrored are the comparisons with their sides exchanged.
var mirrored = map[string]string{
	operator.Equals: operator.Equals, operator.NotEquals: operator.NotEquals,
	operator.Less: operator.Greater, operator.LessEquals: operator.GreaterEquals,
	operator.Greater: operator.Less, operator.GreaterEquals: operator.LessEquals,
}

// oddComparison looks at a comparison either way round.
func (a *asked) oddComparison(c ast.CallExpr) {
	left, right := c.Args()[0], c.Args()[1]
	if c.FunctionName() == operator.In && right.Kind() == ast.ListKind {
		for _, one := range right.AsList().Elements() {
			a.oddText(left, one)
		}
	}
	turned, is := mirrored[c.FunctionName()]
	if !is {
		return
	}
	a.oddText(left, right)
	a.oddText(right, left)
	a.oddCount(left, c.FunctionName(), right)
	a.oddCount(right, turned, left)
}

// oddText warns where a field is compared with a text that it never is.
func (a *asked) oddText(e, with ast.Expr) {
	if e.Kind() != ast.SelectKind || with.Kind() != ast.LiteralKind {
		return
	}
	text, is := with.AsLiteral().(types.String)
	s := namedBy(e.AsSelect().Operand())
	if s == nil || !is || text == "" {
		return
	}
	name := s.name + "." + e.AsSelect().FieldName()
	switch name {
	case "payment.currency", "order.currency":
		if _, err := money.ParseCurrency(string(text)); err != nil {
			a.fault(with.ID(), "%s is never %q: it %v", name, string(text), err)
		}
	case "billing.country", "shipping.country":
		if !country.looks.MatchString(string(text)) {
			a.fault(with.ID(), "%s is never %q: it must be %s", name, string(text), country.like)
		}
	case "card.brand":
		if !slices.Contains(brands, string(text)) {
			a.fault(with.ID(), "%s is never %q: %s", name, string(text), yamlfile.OneOf(string(text), brands))
		}
	}
}

// brands are those that domain/card tells; a test compares them.
var brands = []string{"amex", "diners", "discover", "jcb", "maestro", "mastercard", "rupay", "unionpay", "visa", card.UnknownBrand}

// oddCount warns where a count is compared with more than is ever counted.
func (a *asked) oddCount(e ast.Expr, compares string, with ast.Expr) {
	if e.Kind() != ast.CallKind || with.Kind() != ast.LiteralKind {
		return
	}
	m, is := measureNamed(e.AsCall().FunctionName())
	number, ok := literalNumber(with)
	if !is || m.result != cel.IntType || !ok {
		return
	}
	bound := float64(usage.MostUses)
	if number > bound || number == bound && (compares == operator.Greater || compares == operator.LessEquals) {
		a.fault(with.ID(), "%s never comes to more than %d, the latest that are looked at: compare it with less", m.Measure, usage.MostUses)
	}
}

// literalNumber is a number that is written out.
func literalNumber(e ast.Expr) (float64, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	switch number := e.AsLiteral().(type) {
	case types.Int:
		return float64(number), true
	case types.Double:
		return float64(number), true
	}
	return 0, false
}

// oddDivisions warns of doubles divided by what can be 0: that is no failure but infinite, and more than any limit. What
// the condition compares somewhere is taken to be guarded.
func (a *asked) oddDivisions() {
	var divisors []ast.Expr
	guarded := map[string]bool{}
	ast.PostOrderVisit(a.checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		name, arguments := e.AsCall().FunctionName(), e.AsCall().Args()
		if _, is := mirrored[name]; is {
			guarded[a.spelling(arguments[0])], guarded[a.spelling(arguments[1])] = true, true
		}
		if name == operator.Divide && a.checked.GetType(e.ID()).IsExactType(cel.DoubleType) {
			divisors = append(divisors, arguments[1])
		}
	}))
	for _, divisor := range divisors {
		for _, zero := range a.zeros(divisor) {
			if spelled := a.spelling(zero); !guarded[spelled] {
				a.fault(zero.ID(), "a division by 0 is infinite, and more than any limit: guard it with %s > 0%s && …", spelled, a.decimal(zero))
			}
		}
	}
}

// decimal is what a double's 0 is written with.
func (a *asked) decimal(e ast.Expr) string {
	if a.checked.GetType(e.ID()).IsExactType(cel.DoubleType) {
		return ".0"
	}
	return ""
}

// zeros are the parts of a number any of which makes it 0 where it is 0: features, fields, and differences of anything.
func (a *asked) zeros(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.SelectKind {
		return []ast.Expr{e}
	}
	if e.Kind() != ast.CallKind {
		return nil
	}
	name, arguments := e.AsCall().FunctionName(), e.AsCall().Args()
	if _, is := measureNamed(name); is {
		return []ast.Expr{e}
	}
	switch name {
	case operator.Subtract:
		return []ast.Expr{e}
	case operator.Add:
		left, right := a.zeros(arguments[0]), a.zeros(arguments[1])
		if len(left) == 0 || len(right) == 0 {
			return nil
		}
		return append(left, right...)
	case "double", operator.Multiply, operator.Divide, operator.Negate:
		var all []ast.Expr
		for _, part := range arguments {
			all = append(all, a.zeros(part)...)
		}
		return all
	case operator.Conditional:
		return append(a.zeros(arguments[1]), a.zeros(arguments[2])...)
	}
	return nil
}

// spelling is a part of a condition as somebody writes it who puts one space between words.
func (a *asked) spelling(e ast.Expr) string {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "double" && len(e.AsCall().Args()) == 1 {
		return a.spelling(e.AsCall().Args()[0])
	}
	text, err := parser.Unparse(e, a.checked.SourceInfo())
	if err != nil {
		return fmt.Sprintf("expression %d", e.ID())
	}
	return strings.NewReplacer("\n", " ", seenName+".", "").Replace(text)
}
