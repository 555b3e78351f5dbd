package lang

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"dummyorders/internal/yamlfile"
)

// explain translates CEL's errors in a condition into words for analysts. It stops after a syntax error, since the errors
// after it follow from it.
func explain(env *cel.Env, when string, issues *cel.Issues) []Fault {
	parsed, _ := env.Parse(when)
	var all []Fault
	for _, e := range issues.Errors() {
		c := Fault{max(1, e.Location.Line()), max(1, e.Location.Column()+1), e.Message}
		if text, is := strings.CutPrefix(e.Message, "Syntax error: "); is {
			c.Text = syntaxError(text, before(when, c))
			return append(all, c)
		}
		c.explain(env, when, expression(parsed, e.ExprID))
		all = append(all, c)
		if strings.HasPrefix(e.Message, reservedPrefix) {
			return all
		}
	}
	return all
}

// expression returns the part of a condition that an error is about. If that is not known, the result is of unspecified
// kind.
func expression(parsed *cel.Ast, id int64) ast.Expr {
	found := ast.NewExprFactory().NewUnspecifiedExpr(0)
	if parsed == nil {
		return found
	}
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

const reservedPrefix = "reserved identifier: "

// messages holds the messages of CEL's checker, each with a function that writes a better one.
var messages = []struct {
	look *regexp.Regexp
	says func(env *cel.Env, e ast.Expr, parts []string) string
}{
	{regexp.MustCompile(`^undefined field '(.*)'$`), unknownField},
	{regexp.MustCompile(`^undeclared reference to '([^']*)'`), unknownName},
	{regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*?)\.?\((.*)\)'$`), noOverload},
	{regexp.MustCompile(`^invalid (matches|duration|timestamp) argument$`), wrongLiteral},
	{regexp.MustCompile(`^` + reservedPrefix + `(.*)$`), reserved},
	{regexp.MustCompile(`recursion`), tooDeep},
	{regexp.MustCompile(`^type 'type\(metadata\)' does not`), withoutKey},
	{regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`), mixed},
}

func (c *Fault) explain(env *cel.Env, when string, e ast.Expr) {
	for _, m := range messages {
		if parts := m.look.FindStringSubmatch(c.Text); parts != nil {
			c.Text = m.says(env, e, parts)
			c.toName(when, parts)
			return
		}
	}
}

// toName moves a fault to the name that it is about: CEL places one about a call at the bracket after the name, and
// one about a field at the dot before it.
func (c *Fault) toName(when string, parts []string) {
	lines := strings.Split(when, "\n")
	if len(parts) < 2 || c.Line > len(lines) {
		return
	}
	line, name := []rune(lines[c.Line-1]), []rune(parts[1])
	begin := c.Column - 1 - len(name)
	if begin >= 0 && c.Column <= len(line) && line[c.Column-1] == '(' && string(line[begin:c.Column-1]) == parts[1] {
		c.Column = begin + 1
	}
	if begin := c.Column; begin+len(name) <= len(line) && line[c.Column-1] == '.' && string(line[begin:begin+len(name)]) == parts[1] {
		c.Column = begin + 1
	}
}

func unknownField(_ *cel.Env, e ast.Expr, parts []string) string {
	if e.Kind() != ast.SelectKind {
		return fmt.Sprintf("the field %q does not exist", parts[1])
	}
	s := namedBy(e.AsSelect().Operand())
	if s == nil {
		return fmt.Sprintf("the field %q does not exist", parts[1])
	}
	if m, is := measureNamed(parts[1]); is && s.counted() {
		return fmt.Sprintf("%s is a function: write %s", parts[1], m.usage(s))
	}
	return fmt.Sprintf("%s has no field %q: %s", s.written(), parts[1], yamlfile.OneOf(parts[1], s.fieldNames()))
}

// namedBy returns the subject that an expression names, or nil.
func namedBy(e ast.Expr) *subject {
	if e.Kind() == ast.CallKind {
		return subjectNamed[e.AsCall().FunctionName()]
	}
	return subjectNamed[e.AsIdent()]
}

// usage returns how a rule asks a subject for the measure.
func (m measure) usage(s *subject) string {
	var ways []string
	for _, shape := range m.shapes {
		ways = append(ways, fmt.Sprintf("%s.%s(%s)", s.written(), m.Measure, strings.Join(shape, ", ")))
	}
	return strings.Join(ways, " or ") + `, with a window such as "10m", "24h" or "30d"`
}

func unknownName(env *cel.Env, e ast.Expr, parts []string) string {
	name := parts[1]
	if e.Kind() != ast.CallKind {
		variables := []string{timeName, merchantName}
		for _, s := range subjects {
			variables = append(variables, s.name)
		}
		return fmt.Sprintf("%q is not known: %s", name, yamlfile.OneOf(name, variables))
	}
	if name == "now" {
		return "rules have no clock: at is when the transaction was accepted"
	}
	var functions []string
	for _, function := range slices.Sorted(maps.Keys(env.Functions())) {
		if isWord.MatchString(function) {
			functions = append(functions, function)
		}
	}
	if near := yamlfile.Nearest(name, functions); near != "" {
		return fmt.Sprintf("the function %q does not exist: did you mean %q?", name, near)
	}
	return fmt.Sprintf("the function %q does not exist: `orders rules vocabulary` lists the functions beside CEL's own", name)
}

var isWord = regexp.MustCompile(`^[a-zA-Z]+$`)

func noOverload(_ *cel.Env, _ ast.Expr, parts []string) string {
	name, target, arguments := parts[1], parts[2], parts[3]
	if operator, is := operators[name]; is {
		return noOperator(operator, strings.Split(arguments, ", "))
	}
	switch m, is := measureNamed(name); {
	case name == listedFunction:
		return `listed takes the name of a list in quotes: listed("name")`
	case name == metadataFunction:
		return `metadata takes a key in quotes: metadata("key")`
	case is && (target == "" || subjectNamed[target] == nil || !subjectNamed[target].counted()):
		return fmt.Sprintf("%s cannot be asked of this: it is asked of card, customer, ip, order or metadata(\"key\"), as in %s", name, m.example)
	case is:
		return fmt.Sprintf("%s is asked otherwise: %s", name, m.usage(subjectNamed[target]))
	case target != "":
		return fmt.Sprintf("%s cannot be asked of a value of type %s with (%s): see CEL's functions", name, target, arguments)
	}
	return fmt.Sprintf("%s does not take (%s): see CEL's functions", name, arguments)
}

func wrongLiteral(_ *cel.Env, e ast.Expr, parts []string) string {
	written := ""
	if e.Kind() == ast.LiteralKind {
		written = fmt.Sprint(e.AsLiteral().Value())
	}
	switch parts[1] {
	case "duration":
		return fmt.Sprintf("%q is not a duration: it must be one such as \"72h\", \"30m\" or \"90s\"", written)
	case "timestamp":
		return fmt.Sprintf("%q is not a time: it must be one of RFC 3339, such as \"2026-03-04T12:00:00Z\"", written)
	}
	_, err := regexp.Compile(written)
	return fmt.Sprintf("%q is not a pattern: it must be a regular expression of RE2: %v", written, err)
}

func reserved(_ *cel.Env, _ ast.Expr, parts []string) string {
	return fmt.Sprintf("%q is a word that CEL keeps for itself: join conditions with && and ||, or choose with a ? b : c", parts[1])
}

func withoutKey(*cel.Env, ast.Expr, []string) string {
	return `metadata is asked with a key in quotes: metadata("key").value`
}

func mixed(_ *cel.Env, _ ast.Expr, parts []string) string {
	return fmt.Sprintf("must be of type %s, as what it stands with, and is of type %s", parts[1], parts[2])
}

func tooDeep(*cel.Env, ast.Expr, []string) string {
	return "is nested too deeply, or has too many parts: make several rules of it"
}

// operators maps CEL's internal names of operators to what rules write.
var operators = map[string]string{
	"_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=",
	"_==_": "==", "_!=_": "!=", "_&&_": "&&", "_||_": "||", "!_": "!", "-_": "-", "@in": "in", "_[_]": "[]", "_?_:_": "?:",
}

func noOperator(operator string, types []string) string {
	operands := strings.Join(types, " and ")
	switch {
	case operator == "in":
		return fmt.Sprintf("in looks for a value in a list of its type, and here are %s: write [\"a\", \"b\"]", operands)
	case operator == "!" || operator == "&&" || operator == "||":
		return fmt.Sprintf("%s takes what is true or false, and here is %s: compare it with something", operator, operands)
	case slices.Contains(types, "double") && slices.Contains(types, "int"):
		return fmt.Sprintf("%s takes two numbers of one type, and here are %s: write 2.0 instead of 2, or double(…)", operator, operands)
	case slices.Contains(types, "duration") && slices.Contains(types, "string"):
		return fmt.Sprintf(`%s takes two values of one type, and here are %s: write duration("72h")`, operator, operands)
	case slices.Contains(types, "timestamp") && slices.Contains(types, "string"):
		return fmt.Sprintf(`%s takes two values of one type, and here are %s: write timestamp("2026-03-04T12:00:00Z")`, operator, operands)
	case len(types) == 1:
		return fmt.Sprintf("%s cannot be applied to %s", operator, operands)
	}
	return fmt.Sprintf("%s cannot be applied to %s: both must be of one type that it knows", operator, operands)
}

// before returns the last word before a place, on the same line.
func before(when string, c Fault) string {
	lines := strings.Split(when, "\n")
	if c.Line > len(lines) {
		return ""
	}
	line := []rune(lines[c.Line-1])
	words := strings.Fields(string(line[:min(len(line), c.Column-1)]))
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// spellings maps operators of other languages to those of CEL.
var spellings = map[string]string{"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "=": "==", "<>": "!="}

var input = regexp.MustCompile(`(?s)(?:input|recognition error at:|alternative at input) '(.*?)'(?: expecting .*)?$`)

func syntaxError(text, before string) string {
	parts := input.FindStringSubmatch(text)
	if parts == nil {
		return "is not a condition in CEL: " + text
	}
	found := strings.TrimSpace(parts[1])
	for _, word := range []string{found, before} {
		if right, known := spellings[word]; known {
			return fmt.Sprintf("%q is not CEL: write %s", word, right)
		}
	}
	switch {
	case found == "<EOF>":
		return "the condition ends too early: something must follow here, a value or a closing bracket"
	case strings.HasPrefix(found, `'`) || strings.HasPrefix(found, `"`):
		return fmt.Sprintf("%s is not closed or stands where no text can: put it in a pair of quotes, after an operator", found)
	}
	return fmt.Sprintf("%q cannot stand here: an operator such as && or ==, or the end of the condition, must come first", found)
}
