package lang

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	operator "cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"dummyorders/domain/velocity"
)

// span is the range of a number, both ends included. Moments and lengths of time are in seconds.
type span struct {
	least, most float64
	hint        string // what the number counts
}

var (
	anyNumber = span{least: math.Inf(-1), most: math.Inf(1)}
	notBelow0 = span{most: math.Inf(1)}
	counted   = span{most: velocity.MostUses, hint: fmt.Sprintf("no more than the latest %d are looked at", velocity.MostUses)}
)

// accessor is a part of a moment that rules can ask for.
type accessor struct {
	// Name is the name of CEL's function, and Doc says what its result means. Least and Most bound the result.
	Name, Doc   string
	Least, Most int
}

// accessors holds all parts of a moment. The page of the vocabulary is made from them.
var accessors = []accessor{
	{"getFullYear", "the year", 1, 9999},
	{"getMonth", "the month, from 0: January is 0, December is 11", 0, 11},
	{"getDate", "the day of the month, from 1: the first is 1", 1, 31},
	{"getDayOfMonth", "the day of the month, from 0: the first is 0. getDate counts from 1", 0, 30},
	{"getDayOfWeek", "the day of the week, from 0: Sunday is 0, Saturday is 6", 0, 6},
	{"getDayOfYear", "the day of the year, from 0: the first of January is 0", 0, 365},
	{"getHours", "the hour, from 0: that after midnight is 0", 0, 23},
	{"getMinutes", "the minute of the hour, from 0", 0, 59},
	{"getSeconds", "the second of the minute, from 0", 0, 59},
	{"getMilliseconds", "the millisecond of the second, from 0", 0, 999},
}

func accessorNamed(name string) (accessor, bool) {
	for _, a := range accessors {
		if a.Name == name {
			return a, true
		}
	}
	return accessor{}, false
}

// spanOf returns the range of an expression; known is false if the range is not known.
func (a *analysis) spanOf(e ast.Expr) (s span, known bool) {
	if e.Kind() == ast.SelectKind {
		return a.spanOfField(e.AsSelect())
	}
	if number, is := literalNumber(e); is {
		return span{least: number, most: number}, true
	}
	if e.Kind() != ast.CallKind {
		return anyNumber, false
	}
	c := e.AsCall()
	if m, is := measureNamed(c.FunctionName()); is && c.IsMemberFunction() {
		if m.result.IsExactType(cel.IntType) {
			return counted, true
		}
		return notBelow0, true
	}
	if part, is := accessorNamed(c.FunctionName()); is && c.IsMemberFunction() {
		if a.checked.GetType(c.Target().ID()).Kind() != types.TimestampKind {
			return anyNumber, false
		}
		return span{float64(part.Least), float64(part.Most), "it is " + part.Doc}, true
	}
	return a.spanOfCall(c)
}

func (a *analysis) spanOfField(field ast.SelectExpr) (span, bool) {
	f, _ := fieldOf(field)
	if f == nil || f.span == nil {
		return anyNumber, false
	}
	return *f.span, true
}

// fieldOf returns the subject's field that an expression selects, and its name as rules write it. It returns nil if the
// expression selects anything else.
func fieldOf(field ast.SelectExpr) (*field, string) {
	s := namedBy(field.Operand())
	if s == nil {
		return nil, ""
	}
	f, has := s.field(field.FieldName())
	if !has {
		return nil, ""
	}
	return f, s.written() + "." + f.name
}

func (a *analysis) spanOfCall(c ast.CallExpr) (span, bool) {
	name, arguments := c.FunctionName(), c.Args()
	switch name {
	case "size", "indexOf", "lastIndexOf":
		least := 0.0
		if name != "size" {
			least = -1
		}
		return span{least: least, most: a.longestOf(c)}, true
	case "duration", "timestamp":
		return literalTime(name, arguments)
	case "double", "int", "uint", operator.Negate:
		if len(arguments) != 1 {
			return anyNumber, false
		}
		s, known := a.spanOf(arguments[0])
		if name == operator.Negate {
			s.least, s.most = -s.most, -s.least
		}
		return s, known && a.isNumber(arguments[0])
	case operator.Conditional:
		then, known := a.spanOf(arguments[1])
		otherwise, too := a.spanOf(arguments[2])
		return span{min(then.least, otherwise.least), max(then.most, otherwise.most), ""}, known && too
	case operator.Add, operator.Subtract, operator.Multiply, operator.Modulo:
		return a.spanOfSum(name, arguments[0], arguments[1])
	}
	return anyNumber, false
}

// longestOf returns the most characters that the operand of a function of a text can have; infinity if that is not known.
func (a *analysis) longestOf(c ast.CallExpr) float64 {
	of := c.Target()
	if !c.IsMemberFunction() {
		of = c.Args()[0]
	}
	if of.Kind() == ast.SelectKind {
		if f, _ := fieldOf(of.AsSelect()); f != nil && f.longest > 0 {
			return float64(f.longest)
		}
	}
	return math.Inf(1)
}

func (a *analysis) isNumber(e ast.Expr) bool {
	kind := a.checked.GetType(e.ID()).Kind()
	return kind == types.IntKind || kind == types.DoubleKind || kind == types.UintKind
}

// spanOfSum returns the range of a calculation with two numbers. It is not known for times, since results that are times
// are held within bounds: see boundTimes.
func (a *analysis) spanOfSum(name string, left, right ast.Expr) (span, bool) {
	l, known := a.spanOf(left)
	r, too := a.spanOf(right)
	if !known || !too || !a.isNumber(left) || !a.isNumber(right) {
		return anyNumber, false
	}
	var s span
	switch name {
	case operator.Add:
		s.least, s.most = l.least+r.least, l.most+r.most
	case operator.Subtract:
		s.least, s.most = l.least-r.most, l.most-r.least
	case operator.Multiply:
		ends := []float64{l.least * r.least, l.least * r.most, l.most * r.least, l.most * r.most}
		s.least, s.most = math.Inf(1), math.Inf(-1)
		for _, end := range ends {
			if math.IsNaN(end) {
				return anyNumber, false
			}
			s.least, s.most = min(s.least, end), max(s.most, end)
		}
	case operator.Modulo:
		most := max(math.Abs(r.least), math.Abs(r.most)) - 1
		s.most, s.least = max(0, min(most, l.most)), min(0, max(-most, l.least))
	}
	return s, true
}

// literalTime returns the value of a moment or a length of time that is a literal.
func literalTime(name string, arguments []ast.Expr) (span, bool) {
	if len(arguments) != 1 {
		return anyNumber, false
	}
	text, is := literalText(arguments[0])
	if !is {
		return anyNumber, false
	}
	if name == "duration" {
		d, err := time.ParseDuration(text)
		return span{least: d.Seconds(), most: d.Seconds()}, err == nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	seconds := float64(at.Unix()) + float64(at.Nanosecond())/1e9
	return span{least: seconds, most: seconds}, err == nil
}

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, is := e.AsLiteral().(types.String)
	return string(text), is
}

// literalNumber returns the value of a literal number.
func literalNumber(e ast.Expr) (float64, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	switch number := e.AsLiteral().(type) {
	case types.Int:
		return float64(number), true
	case types.Uint:
		return float64(number), true
	case types.Double:
		return float64(number), true
	}
	return 0, false
}

// lintRange warns of a comparison of numbers that has the same result for every transaction.
func (a *analysis) lintRange(left ast.Expr, compares string, right ast.Expr) {
	l, known := a.spanOf(left)
	r, too := a.spanOf(right)
	if !known || !too {
		return
	}
	holds, always := settled(l, compares, r)
	if !always {
		return
	}
	ranged, s, at := left, l, right
	if _, is := a.written(left); is {
		ranged, s, at = right, r, left
	}
	if _, is := a.written(ranged); is { // both are literals
		a.fault(left.ID(), "this %s", outcome(holds))
		return
	}
	a.fault(at.ID(), "this %s: %s is %s%s", outcome(holds), a.spelling(ranged), s, hinted(s.hint))
}

// written returns the range of e, and whether it is a single number or time, as that of a literal is.
func (a *analysis) written(e ast.Expr) (span, bool) {
	s, known := a.spanOf(e)
	return s, known && s.least == s.most
}

func outcome(holds bool) string {
	if holds {
		return "always holds"
	}
	return "never holds"
}

func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return ": " + hint
}

// String returns the span in words.
func (s span) String() string {
	switch {
	case math.IsInf(s.most, 1):
		return fmt.Sprintf("never below %g", s.least)
	case math.IsInf(s.least, -1):
		return fmt.Sprintf("never above %g", s.most)
	}
	return fmt.Sprintf("from %g to %g", s.least, s.most)
}

// settled returns the result of comparing two numbers, and whether it is the same for all values within their ranges.
func settled(l span, compares string, r span) (holds, always bool) {
	apart := l.most < r.least || r.most < l.least
	same := l.least == l.most && r.least == r.most && l.least == r.least
	switch compares {
	case operator.Equals:
		return same, apart || same
	case operator.NotEquals:
		return apart, apart || same
	case operator.Less:
		return l.most < r.least, l.most < r.least || l.least >= r.most
	case operator.LessEquals:
		return l.most <= r.least, l.most <= r.least || l.least > r.most
	case operator.Greater:
		return l.least > r.most, l.least > r.most || l.most <= r.least
	case operator.GreaterEquals:
		return l.least >= r.most, l.least >= r.most || l.most < r.least
	}
	return false, false
}

// lintText warns if a text is compared with one that it never equals. part is the function that tests for a part of the
// text; if it is empty, the text is compared as a whole.
func (a *analysis) lintText(e ast.Expr, part string, with ast.Expr) {
	text, is := literalText(with)
	if !is || text == "" {
		return
	}
	if e.Kind() == ast.CallKind {
		a.lintCase(e.AsCall(), with, text)
		return
	}
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() {
		return
	}
	f, name := fieldOf(e.AsSelect())
	if f == nil {
		return
	}
	why := ""
	if f.never != nil {
		why = f.never(text, part != "")
	}
	if why == "" && f.longest > 0 && float64(utf8.RuneCountInString(text)) > float64(f.longest) {
		why = fmt.Sprintf("it has at most %d characters", f.longest)
	}
	switch {
	case why == "":
	case part == "":
		a.fault(with.ID(), "%s is never %q: %s", name, text, why)
	default:
		a.fault(with.ID(), "%s(%q) never holds of %s: %s", part, text, name, why)
	}
}

// lintCase warns if a text converted to small letters is compared with one that has capitals, or the other way round.
func (a *analysis) lintCase(c ast.CallExpr, with ast.Expr, text string) {
	switch {
	case c.FunctionName() == "lowerAscii" && strings.ContainsFunc(text, isASCIIUpper):
		a.fault(with.ID(), "%s is never %q: it has no capitals, write %q", a.spelling(c.Target())+".lowerAscii()", text, strings.ToLower(text))
	case c.FunctionName() == "upperAscii" && strings.ContainsFunc(text, isASCIILower):
		a.fault(with.ID(), "%s is never %q: it has no small letters, write %q", a.spelling(c.Target())+".upperAscii()", text, strings.ToUpper(text))
	}
}

func isASCIIUpper(r rune) bool { return r < utf8.RuneSelf && unicode.IsUpper(r) }
func isASCIILower(r rune) bool { return r < utf8.RuneSelf && unicode.IsLower(r) }
