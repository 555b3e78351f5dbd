package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/velocity"
	"dummyorders/rules"
)

// A case that fails says what was wanted and what was seen.
func TestCaseFails(t *testing.T) {
	set := plain.with(folder{
		"rules/b.yaml": "rules:\n" + written("tried", `'card.count("1h") >= 3 && listed("vip")'`, "score: 1", "cases:",
			"  - {name: hit, given: {seen: {card.count(\"60m\"): 3}, listed: [vip]}, hits: true}",
			"  - {name: too few, given: {seen: {card.count(\"1h\"): 2}, listed: [vip]}, hits: true}",
			"  - {name: enough, given: {seen: {card.count(\"1h\"): 3}, listed: [vip]}, hits: false}") +
			written("fails", `1 / (order.items - 1) > 0`, "score: 1", "cases:", "  - {name: one item, given: {}, hits: false}",
				"  - {name: two items, given: {order: {items: 2}}, hits: true}"),
		"ruleset.yaml": plain["ruleset.yaml"] + "lists:\n  vip: {file: vip.txt, of: customer.id}\n",
		"vip.txt":      "# nobody\n",
		"cases/a.yaml": "cases:\n  - {name: big, given: {order: {items: 2}, payment: {amount: 1500}}, outcome: review, score: 46, rules: [fails, big]}\n" +
			"  - {name: small, given: {order: {items: 3}}, outcome: review, score: 40, rules: []}\n" +
			"  - {name: failing, given: {}, outcome: approve}\n",
	}).read(t)
	report := rules.RunCases(set)
	require.Equal(t, 8, report.Cases)
	var failures []string
	for _, f := range report.Failures {
		failures = append(failures, f.String())
	}
	require.Equal(t, []string{
		"rules/b.yaml:10: the rule tried, case \"too few\":\n\tit must hit, and does not\n" +
			"\twhen: card.count(\"1h\") >= 3 && listed(\"vip\")\n\tcard.count(\"1h\") was 2",
		"rules/b.yaml:11: the rule tried, case \"enough\":\n\tit must not hit, and does\n" +
			"\twhen: card.count(\"1h\") >= 3 && listed(\"vip\")\n\tcard.count(\"1h\") was 3",
		"rules/b.yaml:19: the rule fails, case \"one item\":\n\tthe rule fails could not be evaluated: division by zero\n" +
			"\twhen: 1 / (order.items - 1) > 0",
		"cases/a.yaml:3: the ruleset, case \"small\":\n\tthe outcome must be review, and is approve with a score of 0\n" +
			"\tthe score must be 40, and is 0",
		"cases/a.yaml:4: the ruleset, case \"failing\":\n\tthe outcome must be approve, and is review with a score of 40\n" +
			"\tthe rule fails could not be evaluated: division by zero",
	}, failures)
}

// A key of metadata is the same in each of Unicode's forms, in a rule and in its cases.
func TestMetadataKeyForms(t *testing.T) {
	composed, apart := "metadata(\"ger\u00e4t\").count(\"1h\")", "metadata(\"gera\u0308t\").count(\"1h\")"
	for _, c := range [][2]string{{composed, composed}, {composed, apart}, {apart, composed}, {apart, apart}} {
		set := plain.rule("'"+c[0]+" > 1'", "score: 1", "cases:", "  - {name: a, given: {seen: {'"+c[1]+"': 2}}, hits: true}").read(t)
		require.Empty(t, rules.RunCases(set).Failures)
	}
}

// What a case gives is laid over the unremarkable transaction.
func TestCaseGiven(t *testing.T) {
	for fixture, when := range map[string]string{
		"{}":                              `merchant == "default" && card.known && customer.known && customer.dated && ip.known && payment.amount == 500.0`,
		"{at: 2026-03-04T23:30:00+05:30}": `at.getHours() == 18 && customer.age > duration("17520h")`,
		"{order: {id: 7, cost: 12.50, currency: USD}}":                          `order.id == "7" && order.cost == 12.5 && order.currency == "USD" && order.name == "a book"`,
		"{order: {currency: JPY, cost: 1200, items: 0}}":                        `order.cost == 1200.0 && order.items == 0`,
		"{payment: {method: m, type: t, amount: \"0.01\"}}":                     `payment.method == "m" && payment.type == "t" && payment.amount == 0.01`,
		"{payment: {token: true}, card: none}":                                  `payment.token && !card.known && card.brand == ""`,
		"{card: {brand: amex, length: 15, luhnValid: false, firstSix: 370000}}": `card.brand == "amex" && card.length == 15 && !card.luhnValid && card.firstSix == "370000" && card.lastFour == "1111"`,
		"{merchant: acme}":                                   `merchant == "acme"`,
		"{customer: {id: c}}":                                `customer.id == "c" && customer.known && !customer.dated && customer.email == ""`,
		"{customer: {email: e}}":                             `customer.id == "" && customer.email == "e"`,
		"{customer: none}":                                   `!customer.known`,
		"{customer: {id: c, createdAt: none}}":               `customer.id == "c" && !customer.dated`,
		"{customer: {createdAt: 2026-03-04T11:00:00Z}}":      `customer.age == duration("1h")`,
		"{ip: 203.0.113.9}":                                  `ip.address == "203.0.113.9"`,
		"{ip: none, billing: none, shipping: {country: SG}}": `!ip.known && billing.country == "" && shipping.country == "SG"`,
		"{metadata: {device: d, n: 7}}":                      `metadata("device").value == "d" && metadata("n").value == "7"`,
	} {
		set := plain.rule("|\n      "+when, "score: 1", "cases: [{name: a, given: "+fixture+", hits: true}]").read(t)
		require.Empty(t, rules.RunCases(set).Failures, fixture)
		require.Len(t, set.Cases(), 1)
	}
}

// A set that counts across merchants names these features so. Cases give them as rules write them, or by their names.
func TestAcrossMerchants(t *testing.T) {
	const often = `card.count("10m") >= 3 && card.sum("1d") < 5.0 && customer.count("1d") == 0`
	set := plain.with(folder{
		"ruleset.yaml": plain["ruleset.yaml"] + "across_merchants: [card]\n",
		"rules/a.yaml": "rules:\n" + written("often", "'"+often+"'", "score: 45",
			`cases: [{name: a, given: {seen: {'card.count("10m")': 3}}, hits: true}, {name: b, given: {seen: {'card.count("10m") across merchants': 3}}, hits: true}]`),
	}).read(t)
	require.Empty(t, rules.RunCases(set).Failures)
	names := velocity.Names(set.Features())
	require.Equal(t, []string{`card.count("10m") across merchants`, `card.sum("1d")`, `customer.count("1d")`}, names)
	require.Equal(t, names, set.Rules()[0].Features)
	require.Equal(t, 45, evaluate(set, map[string]float64{names[0]: 3}).Score)
	require.Equal(t, 0, evaluate(set, map[string]float64{`card.count("10m")`: 3}).Score)

	of := plain.rule("'"+often+"'", "score: 1", `cases: [{name: a, given: {seen: {'card.count("10m") across merchants': 3, 'card.sum("1d") across merchants': 1}}, hits: true}]`)
	require.Equal(t, []string{
		`rules/b.yaml:8:38: no rule asks for card.count("10m") across merchants: it must be one of card.count("10m"), card.sum("1d"), customer.count("1d")`,
		`rules/b.yaml:8:79: "card.sum(\"1d\") across merchants" is not a feature: card.sum("1d") never counts across merchants: only count, distinct and frauds of card and ip can`,
	}, of.faults(t))
}

// A case's lists are those of the ruleset and count with their effect.
func TestCaseLists(t *testing.T) {
	set := plain.with(folder{
		"ruleset.yaml": plain["ruleset.yaml"] + "lists:\n  vip: {file: vip.txt, of: customer.id, effect: allow}\n",
		"vip.txt":      "c-7\n",
		"cases/a.yaml": "cases:\n  - {name: named, given: {payment: {amount: 2000}, listed: [vip]}, outcome: approve, score: 45, rules: [big, \"list:vip\"]}\n" +
			"  - {name: found, given: {payment: {amount: 2000}, customer: {id: c-7}}, outcome: approve, rules: [\"list:vip\", big]}\n" +
			"  - {name: neither, given: {payment: {amount: 2000}}, outcome: review, rules: [big]}\n",
	}).read(t)
	require.Empty(t, rules.RunCases(set).Failures)
}
