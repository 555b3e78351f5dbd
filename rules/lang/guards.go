package lang

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	operator "cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// fact is something known when a part of a condition is evaluated, because another part of it is true or false.
type fact struct {
	of string // the expression that the fact is about, as spelled
	// in is a map or a list that contains the expression, as spelled. among holds the only values that the expression can
	// have, as spelled.
	in    string
	among []string
	// tested means only that a comparison or a pattern tests the expression.
	tested bool
}

// learned returns the facts that follow if e is true (holds) or false (not holds).
func (a *analysis) learned(e ast.Expr, holds bool) []fact {
	if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() && holds {
		return []fact{{of: quoted(e.AsSelect().FieldName()), in: a.spelling(e.AsSelect().Operand())}}
	}
	if e.Kind() != ast.CallKind {
		return nil
	}
	c := e.AsCall()
	name, arguments := c.FunctionName(), c.Args()
	switch {
	case name == operator.LogicalNot:
		return a.learned(arguments[0], !holds)
	case name == operator.LogicalAnd && holds || name == operator.LogicalOr && !holds:
		return append(a.learned(arguments[0], holds), a.learned(arguments[1], holds)...)
	case name == operator.LogicalAnd || name == operator.LogicalOr:
		return either(a.learned(arguments[0], holds), a.learned(arguments[1], holds))
	case name == operator.In && holds:
		return []fact{{of: a.spelling(arguments[0]), in: a.spelling(arguments[1]), among: a.elements(arguments[1])}}
	case name == matchesFunction && holds:
		return []fact{{of: a.spelling(receiver(c)), tested: true}}
	}
	return a.compared(c, holds)
}

// compared returns the facts that follow if a comparison is true (holds) or false.
func (a *analysis) compared(c ast.CallExpr, holds bool) []fact {
	if _, is := mirrored[c.FunctionName()]; !is {
		return nil
	}
	var all []fact
	for i, side := range c.Args() {
		f := fact{of: a.spelling(side), tested: true}
		if equal := c.FunctionName() == operator.Equals; equal == holds && (equal || c.FunctionName() == operator.NotEquals) {
			f.among = []string{a.spelling(c.Args()[1-i])}
		}
		all = append(all, f)
		if side.Kind() == ast.CallKind && side.AsCall().FunctionName() == "size" {
			all = append(all, fact{of: a.spelling(receiver(side.AsCall())), tested: true})
		}
	}
	return all
}

// receiver returns the operand of a function, whether it is written as a method, as in text.size(), or as size(text).
func receiver(c ast.CallExpr) ast.Expr {
	if c.IsMemberFunction() {
		return c.Target()
	}
	return c.Args()[0]
}

// either returns the facts that follow from each of two sides, and so hold whichever of them is true.
func either(left, right []fact) []fact {
	var both []fact
	for _, l := range left {
		for _, r := range right {
			switch {
			case l.of != r.of:
			case l.in != "" && l.in == r.in:
				both = append(both, fact{of: l.of, in: l.in})
			case len(l.among) > 0 && len(r.among) > 0:
				both = append(both, fact{of: l.of, among: slices.Concat(l.among, r.among)})
			}
		}
	}
	return both
}

// elements returns the spelling of each element of a list literal, or of each key of a map literal. It returns nil for any
// other expression.
func (a *analysis) elements(e ast.Expr) []string {
	var all []string
	for _, element := range members(e) {
		all = append(all, a.spelling(element))
	}
	return all
}

// members returns the elements of a list literal, or the keys of a map literal.
func members(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.ListKind {
		return e.AsList().Elements()
	}
	var keys []ast.Expr
	if e.Kind() == ast.MapKind {
		for _, entry := range e.AsMap().Entries() {
			keys = append(keys, entry.AsMapEntry().Key())
		}
	}
	return keys
}

// mayFail warns of expressions that fail for some transactions, unless the condition tests for that first. Where a rule
// fails, it asks for a review of the transaction.
func (a *analysis) mayFail(e ast.Expr, known []fact) {
	switch e.Kind() {
	case ast.CallKind:
		a.callMayFail(e, known)
	case ast.SelectKind:
		s := e.AsSelect()
		a.mayFail(s.Operand(), known)
		if a.checked.GetType(s.Operand().ID()).Kind() == types.MapKind && !s.IsTestOnly() {
			a.lookup(e.ID(), s.Operand(), quoted(s.FieldName()), known)
		}
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			a.mayFail(element, known)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			a.mayFail(entry.AsMapEntry().Key(), known)
			a.mayFail(entry.AsMapEntry().Value(), known)
		}
	case ast.ComprehensionKind:
		loop := e.AsComprehension()
		for _, part := range []ast.Expr{loop.IterRange(), loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result()} {
			a.mayFail(part, known)
		}
	case ast.UnspecifiedExprKind, ast.IdentKind, ast.LiteralKind, ast.StructKind: // these have no parts that can fail
	}
}

func (a *analysis) callMayFail(e ast.Expr, known []fact) {
	c := e.AsCall()
	name, arguments := c.FunctionName(), c.Args()
	switch name {
	case operator.LogicalAnd, operator.LogicalOr: // if one side decides alone, a failure of the other does not matter
		holds := name == operator.LogicalAnd
		a.mayFail(arguments[0], slices.Concat(known, a.learned(arguments[1], holds)))
		a.mayFail(arguments[1], slices.Concat(known, a.learned(arguments[0], holds)))
		return
	case operator.Conditional:
		a.mayFail(arguments[0], known)
		a.mayFail(arguments[1], slices.Concat(known, a.learned(arguments[0], true)))
		a.mayFail(arguments[2], slices.Concat(known, a.learned(arguments[0], false)))
		return
	}
	if c.IsMemberFunction() {
		a.mayFail(c.Target(), known)
	}
	for _, argument := range arguments {
		a.mayFail(argument, known)
	}
	switch name {
	case operator.Index:
		a.indexMayFail(arguments[0], arguments[1], known)
	case "charAt", "substring":
		a.partMayFail(e, known)
	case "int", "uint", "double", "bool", "timestamp", "duration":
		a.conversionMayFail(e, known)
	}
}

// lookup warns of a key that a map may lack.
func (a *analysis) lookup(id int64, in ast.Expr, key string, known []fact) {
	has := a.elements(in)
	if slices.Contains(has, key) {
		return
	}
	spelled := a.spelling(in)
	for _, f := range known {
		if f.of == key && (f.in == spelled || len(f.among) > 0 && !slices.ContainsFunc(f.among, func(one string) bool { return !slices.Contains(has, one) })) {
			return
		}
	}
	a.fault(id, "fails where the map has no key %s, and a rule that fails asks for a review: ask first, %s in %s && …", key, key, spelled)
}

// indexMayFail warns of a key that a map may lack, and of an element that a list may lack.
func (a *analysis) indexMayFail(in, index ast.Expr, known []fact) {
	if a.checked.GetType(in.ID()).Kind() == types.MapKind {
		a.lookup(index.ID(), in, a.spelling(index), known)
		return
	}
	at, written := literalNumber(index)
	if in.Kind() == ast.ListKind && written && at >= 0 && at < float64(len(in.AsList().Elements())) {
		return
	}
	if in.Kind() == ast.CallKind && in.AsCall().FunctionName() == "split" && len(in.AsCall().Args()) == 1 && written && at == 0 {
		return // split returns at least one part
	}
	spelled := a.spelling(in)
	if a.known(known, spelled) || !written && a.known(known, a.spelling(index)) {
		return
	}
	a.fault(index.ID(), "fails where the list has no element %s, and a rule that fails asks for a review: ask first, %s.size() > %s && …",
		a.spelling(index), spelled, a.spelling(index))
}

// known reports whether some fact is about the expression spelled of.
func (a *analysis) known(known []fact, of string) bool {
	return slices.ContainsFunc(known, func(f fact) bool { return f.of == of })
}

// partMayFail warns of taking a part of a text that may be too short for it.
func (a *analysis) partMayFail(e ast.Expr, known []fact) {
	c := e.AsCall()
	last := c.Args()[len(c.Args())-1]
	if at, written := literalNumber(last); written && at == 0 || a.known(known, a.spelling(c.Target())) || a.known(known, a.spelling(last)) {
		return
	}
	if text, is := literalText(c.Target()); is {
		if at, written := literalNumber(last); written && at <= float64(len([]rune(text))) {
			return
		}
	}
	a.fault(e.ID(), "fails where the text is too short, and a rule that fails asks for a review: ask first, %s.size() >= %s && …",
		a.spelling(c.Target()), a.spelling(last))
}

// conversionMayFail warns of converting a text that may not be convertible.
func (a *analysis) conversionMayFail(e ast.Expr, known []fact) {
	c := e.AsCall()
	if len(c.Args()) != 1 || !a.checked.GetType(c.Args()[0].ID()).IsExactType(cel.StringType) {
		return
	}
	of := c.Args()[0]
	if _, is := literalText(of); is || a.known(known, a.spelling(of)) {
		return
	}
	like := "^[0-9]{1,9}$"
	switch c.FunctionName() {
	case "double":
		like = `^[0-9]+([.][0-9]+)?$`
	case "bool":
		like = "^(true|false)$"
	case "timestamp":
		like = "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$"
	case "duration":
		like = "^[0-9]{1,6}[hms]$"
	}
	a.fault(e.ID(), "fails where the text cannot be read, and a rule that fails asks for a review: ask first, %s.matches(%q) && …", a.spelling(of), like)
}

func quoted(text string) string { return `"` + text + `"` }
