package rules

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"dummyorders/domain/usage"
)

//go:embed vocabulary.md.tmpl
var vocabularyPage string

// language is what conditions have of CEL itself and need most. A test compiles every example.
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

// VocabularyPage is the vocabulary as a page in Markdown: docs/vocabulary.md, which a test compares with it.
func VocabularyPage() (string, error) {
	page, err := template.New("vocabulary.md").Funcs(template.FuncMap{"cell": cell}).Parse(vocabularyPage)
	if err != nil {
		return "", fmt.Errorf("read the page of the vocabulary: %w", err)
	}
	var text strings.Builder
	err = page.Execute(&text, map[string]any{
		"Vocabulary":   Vocabulary(),
		"Language":     language,
		"Accessors":    accessors,
		"Unremarkable": Unremarkable(),
		"MaxWhen":      maxWhen,
		"MaxCost":      maxCost,
		"MaxSetCost":   maxSetCost,
		"MostUses":     usage.MostUses,
	})
	if err != nil {
		return "", fmt.Errorf("write the page of the vocabulary: %w", err)
	}
	return text.String(), nil
}

// cell is text as it may stand in a table: a bar would end its cell.
func cell(text string) string {
	return strings.ReplaceAll(text, "|", `\|`)
}
