package lang

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"time"

	"cel.dev/cel-go/cel"

	"dummyorders/domain/fraud"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
)

// Words is a part of the vocabulary: everything that rules can ask about one thing.
type Words struct {
	// Name is the thing as a rule writes it: card, or metadata("key"). Doc says what it is.
	Name  string `json:"name"`
	Doc   string `json:"doc"`
	Words []Word `json:"words"`
}

// Word is one value or function that rules can use.
type Word struct {
	// Name is what a rule writes: card.brand, .count(window).
	Name string `json:"name"`
	// Type is its type in CEL: string, int, double, bool, timestamp, duration.
	Type string `json:"type"`
	Doc  string `json:"doc"`
	// Example is a complete condition that uses it.
	Example string `json:"example"`
}

// Vocabulary returns everything that rules can use in addition to CEL's own operators and functions. The environment that
// rules are compiled in is made from the same tables, and a test compiles every example.
func Vocabulary() []Words {
	all := []Words{{Name: timeName, Doc: "when the transaction was accepted", Words: []Word{{
		Name: timeName, Type: typeName(cel.TimestampType), Doc: "the moment; its parts are asked with a time zone, and in UTC without one",
		Example: `at.getHours("Asia/Kolkata") < 5`,
	}}}, {Name: merchantName, Doc: "whose transaction it is", Words: []Word{{
		Name: merchantName, Type: typeName(cel.StringType),
		Doc:     "the merchant's name, which comes from the API key that the transaction was posted with; default where that names none",
		Example: `merchant == "acme" && payment.amount > 1000.0`,
	}}}}
	for _, s := range subjects {
		all = append(all, s.words())
	}
	return append(all, countedWords(), listWords())
}

// written returns the subject as a rule writes it.
func (s *subject) written() string {
	if s.keyed {
		return s.name + `("key")`
	}
	return s.name
}

func (s *subject) words() Words {
	w := Words{Name: s.written(), Doc: s.doc}
	for _, f := range s.fields {
		w.Words = append(w.Words, Word{Name: s.written() + "." + f.name, Type: typeName(f.celType), Doc: f.doc, Example: f.example})
	}
	return w
}

// countedWords returns the features, which are the same for all subjects that have any.
func countedWords() Words {
	var of []string
	for _, s := range subjects {
		if s.counted() {
			of = append(of, s.written())
		}
	}
	w := Words{
		Name: "velocity",
		Doc: "what came before of the same merchant with the same value, asked of " + strings.Join(of, ", ") +
			`; a ruleset can count cards and addresses across merchants; a window is from "1m" to "30d", and the transaction itself is never counted`,
	}
	for _, m := range measures {
		for _, shape := range m.shapes {
			w.Words = append(w.Words, Word{
				Name: "." + string(m.Measure) + "(" + strings.Join(shape, ", ") + ")", Type: typeName(m.result), Doc: m.doc, Example: m.example,
			})
		}
	}
	return w
}

func listWords() Words {
	var of []string
	for _, l := range listable {
		of = append(of, l.of)
	}
	return Words{Name: "lists", Doc: "lists of " + strings.Join(append(of, "metadata.<key>"), ", "), Words: []Word{{
		Name: listedFunction + `("name")`, Type: typeName(cel.BoolType),
		Doc: "whether the value that the list is of is on it", Example: `listed("blocked_cards")`,
	}}}
}

//go:embed vocabulary.md.tmpl
var vocabularyPage string

// language holds the parts of CEL itself that conditions need most. A test compiles every example.
var language = []struct{ Doc, Words, Example string }{
	{"and, or, not", "`&&` `||` `!`", `customer.known && (billing.country == "IN" || !customer.dated)`},
	{"compare", "`==` `!=` `<` `<=` `>` `>=`; counts and amounts can be compared with each other", `ip.count("1h") >= 5`},
	{"one of several", "`in`", `billing.country in ["IN", "SG"]`},
	{
		"calculate", "`+` `-` `*` `/` take two of one type: `2.0` beside an amount, `2` beside a count; `double(…)` makes an amount of a count",
		`card.sum("1d") / double(card.count("1d") + 1) > 1000.0`,
	},
	{"text", "`startsWith` `endsWith` `contains` `matches` `lowerAscii` `size`", `order.name.lowerAscii().contains("gift card")`},
	{"parts of a moment, see below", "`getHours` `getDayOfWeek` …, with a time zone", `at.getDayOfWeek("Asia/Kolkata") == 0`},
	{"a moment, a length of time", "`timestamp` `duration`", `customer.createdAt > at - duration("72h")`},
	{
		"look up by a key", "`in` and `[]`: ask whether the key is there first",
		`payment.currency in {"INR": 25000.0, "USD": 300.0} && payment.amount > {"INR": 25000.0, "USD": 300.0}[payment.currency]`,
	},
	{"if", "`?` `:`", `payment.amount > (payment.currency == "INR" ? 25000.0 : 300.0)`},
}

// VocabularyPage returns the vocabulary as a page in Markdown. Its examples of what a case gives are of the transaction
// unremarkable. A test compares it with docs/vocabulary.md.
func VocabularyPage(unremarkable fraud.Check) (string, error) {
	page, err := template.New("vocabulary.md").Funcs(template.FuncMap{
		"cell": cell, "given": func(name string) given { return givenOf(name, unremarkable) },
	}).Parse(vocabularyPage)
	if err != nil {
		return "", fmt.Errorf("read the page of the vocabulary: %w", err)
	}
	var text strings.Builder
	err = page.Execute(&text, map[string]any{
		"Vocabulary":   Vocabulary(),
		"Language":     language,
		"Accessors":    accessors,
		"Unremarkable": unremarkable,
		"MaxWhen":      maxWhen,
		"MaxCost":      maxCost,
		"MaxSetCost":   MaxSetCost,
		"MostUses":     velocity.MostUses,
		"Malformable":  strings.Join(transaction.Malformable(), "`, `"),
	})
	if err != nil {
		return "", fmt.Errorf("write the page of the vocabulary: %w", err)
	}
	return text.String(), nil
}

// cell escapes text for a cell of a table: a bar would end the cell.
func cell(text string) string {
	return strings.ReplaceAll(text, "|", `\|`)
}

// given is what a case can give of a subject.
type given struct{ Names, Values string }

// givenOf returns what a case can give of a subject, and the unremarkable transaction's values of it in YAML. It leaves out
// those that are too long for a cell.
func givenOf(name string, unremarkable fraud.Check) given {
	s, seen := subjectNamed[name], NewView(unremarkable, nil, nil, nil)
	var names, values []string
	for _, f := range s.fields {
		if f.readFrom == nil {
			continue
		}
		names = append(names, f.name)
		if value := inYAML(f.of(&subjectValue{subject: s, view: seen}).Value()); value != "" && len(value) <= 40 {
			values = append(values, f.name+": "+value)
		}
	}
	return given{"`" + strings.Join(names, "`, `") + "`", "`{" + strings.Join(values, ", ") + "}`"}
}

func inYAML(value any) string {
	switch v := value.(type) {
	case string:
		if _, err := strconv.Atoi(v); err == nil {
			return strconv.Quote(v)
		}
	case float64:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return fmt.Sprint(value)
}
