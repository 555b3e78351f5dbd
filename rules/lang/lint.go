package lang

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	operator "cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/parser"

	"dummyorders/domain/address"
	"dummyorders/domain/card"
	"dummyorders/domain/money"
	"dummyorders/internal/yamlfile"
)

// lint returns warnings about a condition that compiles but probably does not mean what it says: parts that fail for some
// transactions, divisions by what can be 0, and comparisons with the same result for all transactions.
func lint(checked *ast.AST) []exprFault {
	a := &analysis{checked: checked}
	a.lintDivisions()
	a.mayFail(checked.Expr(), nil)
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		c := e.AsCall()
		switch name := c.FunctionName(); {
		case slices.Contains(partly, name) && c.IsMemberFunction():
			a.lintText(c.Target(), name, c.Args()[0])
		case len(c.Args()) == 2:
			a.lintComparison(c)
		}
	}))
	return a.faults
}

// partly holds the functions that test whether a text has a part.
var partly = []string{"startsWith", "endsWith", "contains"}

// mirrored maps each comparison to the one that means the same with the sides exchanged.
var mirrored = map[string]string{
	operator.Equals: operator.Equals, operator.NotEquals: operator.NotEquals,
	operator.Less: operator.Greater, operator.LessEquals: operator.GreaterEquals,
	operator.Greater: operator.Less, operator.GreaterEquals: operator.LessEquals,
}

// lintComparison checks a comparison in both directions.
func (a *analysis) lintComparison(c ast.CallExpr) {
	left, right := c.Args()[0], c.Args()[1]
	if c.FunctionName() == operator.In {
		a.lintMembership(left, right)
		return
	}
	if _, is := mirrored[c.FunctionName()]; !is {
		return
	}
	if !a.lintSelfComparison(left, c.FunctionName(), right) {
		a.lintText(left, "", right)
		a.lintText(right, "", left)
		a.lintRange(left, c.FunctionName(), right)
	}
}

// lintMembership checks what is looked for in a list or among the keys of a map.
func (a *analysis) lintMembership(e, in ast.Expr) {
	if e.Kind() == ast.LiteralKind || in.Kind() != ast.ListKind && in.Kind() != ast.MapKind {
		return
	}
	among := members(in)
	if len(among) == 0 {
		a.fault(in.ID(), "this is never true: the list is empty")
	}
	for _, one := range among {
		a.lintText(e, "", one)
		a.lintRange(e, operator.Equals, one)
	}
}

// lintSelfComparison warns of an expression that is compared with itself, and reports whether it did.
func (a *analysis) lintSelfComparison(left ast.Expr, compares string, right ast.Expr) bool {
	if left.Kind() == ast.LiteralKind || a.spelling(left) != a.spelling(right) {
		return false
	}
	a.fault(right.ID(), "this %s: both sides are %s", outcome(strings.Contains(compares, "=") && compares != operator.NotEquals), a.spelling(right))
	return true
}

// brands holds the brands that domain/card recognizes.
var brands = card.Brands()

func neverCurrency(text string, part bool) string {
	if part {
		return neverCapitals(text)
	}
	if _, err := money.ParseCurrency(text); err != nil {
		return "it " + err.Error()
	}
	return ""
}

func neverCapitals(text string) string {
	if strings.ToUpper(text) != text {
		return "it is written in capitals"
	}
	return ""
}

func neverBrand(text string, part bool) string {
	if part || text == "" || slices.Contains(brands, text) {
		return ""
	}
	return yamlfile.OneOf(text, brands)
}

// neverLike returns a never function for a field whose values look like the entries of kind.
func neverLike(kind entryKind) func(string, bool) string {
	return func(text string, part bool) string {
		switch {
		case part && kind.looks == country.looks:
			return neverCapitals(text)
		case part || kind.looks.MatchString(text):
			return ""
		}
		return "it must be " + kind.like
	}
}

// neverCountry is the never function of countries. It rejects texts that are not a country, and codes of a country other
// than the one that transactions use.
func neverCountry(text string, part bool) string {
	switch spelled := spellCountry(text); {
	case part:
		return neverLike(country)(text, part)
	case text == "" || text == spelled:
		return ""
	case spelled == "":
		return "it must be " + country.like
	default:
		return fmt.Sprintf("it is written %q", spelled)
	}
}

// neverSpelled returns a never function for a field whose values are in the spelling that spell returns.
func neverSpelled(spell func(string) string) func(string, bool) string {
	return func(text string, part bool) string {
		switch spelled := spell(text); {
		case part && spell("x"+text+"x") == "x"+text+"x", spelled == text:
			return ""
		default:
			return fmt.Sprintf("it is written %q", spelled)
		}
	}
}

func neverAddress(text string, part bool) string {
	_, counts, err := address.Parse(text)
	switch {
	case part && text != strings.ToLower(text):
		return "it is in small letters"
	case part:
		return ""
	case err != nil && strings.Contains(text, "/"):
		return "it is an address: networks stand in lists"
	case err != nil:
		return "it must be an address, such as 192.0.2.1"
	case counts.String() != text:
		return fmt.Sprintf("it is written %q", counts)
	}
	return ""
}

// lintDivisions warns of divisions by what can be 0. It takes a divisor as guarded if the condition compares it anywhere.
func (a *analysis) lintDivisions() {
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
		if name == operator.Divide || name == operator.Modulo {
			divisors = append(divisors, arguments[1])
		}
	}))
	for _, divisor := range divisors {
		for _, zero := range a.zeros(divisor) {
			if spelled := a.spelling(zero); !guarded[spelled] {
				a.fault(zero.ID(), "a division by 0 %s: guard it with %s > 0%s && …", a.byZero(divisor), spelled, a.decimal(zero))
			}
		}
	}
}

// byZero returns what a division by 0 results in.
func (a *analysis) byZero(divisor ast.Expr) string {
	if a.checked.GetType(divisor.ID()).IsExactType(cel.DoubleType) {
		return "is infinite, and more than any limit"
	}
	return "fails, and a rule that fails asks for a review"
}

// decimal returns what must follow a literal 0 that is compared with e: ".0" for a double.
func (a *analysis) decimal(e ast.Expr) string {
	if a.checked.GetType(e.ID()).IsExactType(cel.DoubleType) {
		return ".0"
	}
	return ""
}

// zeros returns the parts of a number that make it 0 if they are 0: features, fields and differences of anything.
func (a *analysis) zeros(e ast.Expr) []ast.Expr {
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

// spelling returns a part of a condition as text in a uniform layout, so that equal parts have equal spellings. It drops a
// conversion with double(…).
func (a *analysis) spelling(e ast.Expr) string {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "double" && len(e.AsCall().Args()) == 1 {
		return a.spelling(e.AsCall().Args()[0])
	}
	text, err := parser.Unparse(e, a.checked.SourceInfo())
	if err != nil {
		return fmt.Sprintf("expression %d", e.ID())
	}
	return strings.NewReplacer("\n", " ", wholeName+".", "").Replace(text)
}
