package rules_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/velocity"
	"dummyorders/rules"
)

// A wrong condition is explained where it is. Each condition is written in single quotes and begins at 4:12 of its
// file. The number before an expected fault is the number of characters of the condition before its place.
func TestConditionFaults(t *testing.T) {
	const overLimit = `units, and 10000 is the limit: compare shorter texts, go through fewer values, or make several rules of it`
	const written = ` must be written out in quotes: it must be known before a transaction comes`
	_, noSpan := velocity.ParseSpan("10x")
	for when, want := range map[string]string{
		`card.brnd == "visa"`:                                        `5: card has no field "brnd": did you mean "brand"?`,
		`crad.brand == "visa"`:                                       `0: "crad" is not known: did you mean "card"?`,
		`metadata("x").vlaue == ""`:                                  `14: metadata("key") has no field "vlaue": did you mean "value"?`,
		`metadata.x == "1"`:                                          `8: metadata is asked with a key in quotes: metadata("key").value`,
		`undefined`:                                                  `0: "undefined" is not known: it must be one of at, merchant, order, payment, card, customer, ip, billing, shipping, metadata`,
		`now() > at`:                                                 `0: rules have no clock: at is when the transaction was accepted`,
		`card.cout("10m") > 3`:                                       `5: the function "cout" does not exist: did you mean "count"?`,
		`card.brand.initials() > 1`:                                  "11: the function \"initials\" does not exist: `orders rules vocabulary` lists the functions beside CEL's own",
		`card.count == 3`:                                            `5: count is a function: write card.count(window), with a window such as "10m", "24h" or "30d"`,
		`card.count(10) > 3`:                                         `5: count is asked otherwise: card.count(window), with a window such as "10m", "24h" or "30d"`,
		`card.frauds("1d", "1d", "1d") > 3`:                          `5: frauds is asked otherwise: card.frauds(window) or card.frauds(window, delay), with a window such as "10m", "24h" or "30d"`,
		`billing.count("1h") > 0`:                                    `8: count cannot be asked of this: it is asked of card, customer, ip, order or metadata("key"), as in card.count("10m") >= 3`,
		`count("1h") > 1`:                                            `0: count cannot be asked of this: it is asked of card, customer, ip, order or metadata("key"), as in card.count("10m") >= 3`,
		`card.count("10x") > 3`:                                      `11: ` + noSpan.Error(),
		`card.count("90d") > 3`:                                      `11: "90d" must be from "1m" to "30d"`,
		`card.frauds("1h", "31d") > 1`:                               `18: "31d" must be from "1m" to "30d"`,
		`card.count(customer.id) > 3`:                                `19: the argument window` + written,
		`card.count("1" + "m") > 3`:                                  `15: the argument window` + written,
		`ip.distinct("cards", "1h") > 1`:                             `12: "cards" cannot be counted: did you mean "card"?`,
		`ip.distinct("metadata", "1h") > 1`:                          `12: must be written "metadata." and a key, such as "metadata.device"`,
		`metadata(card.brand).known`:                                 `13: the key of the metadata` + written,
		`metadata("").known`:                                         `9: "" is not a key of metadata: a key has from 1 to 40 characters`,
		`metadata(" device").known`:                                  `9: " device" is not a key of metadata as it is kept: write "device"`,
		`metadata("de\u200bvice").known`:                             `9: "de\u200bvice" is not a key of metadata as it is kept: write "device"`,
		`metadata("  ").known`:                                       `9: "  " is not a key of metadata: a key has from 1 to 40 characters`,
		`metadata("device\u00a0").count("1h") > 1`:                   `9: "device\u00a0" is not a key of metadata as it is kept: write "device"`,
		`ip.distinct("metadata.device ", "1h") > 1`:                  `12: "device " is not a key of metadata as it is kept: write "device"`,
		`listed("nobody")`:                                           `7: no list is called "nobody": none is defined`,
		`listed(card.brand)`:                                         `11: the name of a list` + written,
		`listed(1)`:                                                  `0: listed takes the name of a list in quotes: listed("name")`,
		`at.getHours("Asia/Kolkat") < 5`:                             `12: "Asia/Kolkat" is not a time zone that is known: write one such as "Asia/Kolkata" or "+05:30"`,
		`at.getHours("Local") < 5`:                                   `12: "Local" is not a time zone that is known: write one such as "Asia/Kolkata" or "+05:30"`,
		`metadata("a").value.matches(metadata("b").value)`:           `41: the pattern` + written,
		strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100): `0: is nested too deeply, or has too many parts: make several rules of it`,
		"true" + strings.Repeat(" || true", 500):                     `0: must have at most 4000 characters: make several rules of it`,
		`at.getHours("5:30") < 5`:                                    `12: "5:30" is not a time zone that is known: write one such as "Asia/Kolkata" or "+05:30"`,
		`at.getHours(customer.id) < 5`:                               `20: a time zone` + written,
		`card.brand.matches("(")`:                                    "19: \"(\" is not a pattern: it must be a regular expression of RE2: error parsing regexp: missing closing ): `(`",
		`customer.age < duration("72x")`:                             `24: "72x" is not a duration: it must be one such as "72h", "30m" or "90s"`,
		`at > timestamp("noon")`:                                     `15: "noon" is not a time: it must be one of RFC 3339, such as "2026-03-04T12:00:00Z"`,
		`customer.age < "72h"`:                                       `13: < takes two values of one type, and here are duration and string: write duration("72h")`,
		`at > "2026-03-04"`:                                          `3: > takes two values of one type, and here are timestamp and string: write timestamp("2026-03-04T12:00:00Z")`,
		`payment.amount * 2 > 3.0`:                                   `15: * takes two numbers of one type, and here are double and int: write 2.0 instead of 2, or double(…)`,
		`card.count("10m") > "3"`:                                    `18: > cannot be applied to int and string: both must be of one type that it knows`,
		`card.brand in "visa"`:                                       `11: in looks for a value in a list of its type, and here are string and string: write ["a", "b"]`,
		`card.brand in ["visa", 1]`:                                  `23: must be of type string, as what it stands with, and is of type int`,
		`payment.amount && true`:                                     `7: must be of type bool, as what it stands with, and is of type double`,
		`(!payment.amount)`:                                          `1: ! takes what is true or false, and here is double: compare it with something`,
		`card.brand.size(1) == 1`:                                    `11: size cannot be asked of a value of type string with (int): see CEL's functions`,
		`card.known and card.luhnValid`:                              `11: "and" is not CEL: write &&`,
		`not card.known`:                                             `4: "not" is not CEL: write !`,
		`card.brand = "visa"`:                                        `11: "=" is not CEL: write ==`,
		`if card.known`:                                              `0: "if" is a word that CEL keeps for itself: join conditions with && and ||, or choose with a ? b : c`,
		`payment.amount >`:                                           `16: the condition ends too early: something must follow here, a value or a closing bracket`,
		`card.brand == "visa`:                                        `14: "visa is not closed or stands where no text can: put it in a pair of quotes, after an operator`,
		`card.known card.luhnValid`:                                  `11: "card" cannot stand here: an operator such as && or ==, or the end of the condition, must come first`,
		`card.count("10m")`:                                          `0: is of type int, and must be true or false: compare it with something`,
		`{"a": 1}.exists(k, k == "a")`:                               `0: only lists can be gone through: a map has no order, write a list such as ["a", "b"]`,
		`card`:                                                       `0: is of type card, and must be true or false: compare it with something`,
		`card == card{brand: "visa"}`:                                `12: a rule can make no values of a type of its own: ask those of the transaction`,
		`dyn(card).brand == "visa"`:                                  `3: dyn would keep faults from being found before a transaction comes: leave it out`,
		`order.name.split("").exists(a, order.name.split("").exists(b, a == b))`: `0: may cost up to 2174248 ` + overLimit,
	} {
		t.Run(when, func(t *testing.T) {
			column, text, _ := strings.Cut(want, ": ")
			at, err := strconv.Atoi(column)
			require.NoError(t, err)
			require.Equal(t, []string{fmt.Sprintf("rules/b.yaml:4:%d: %s", 12+at, text)},
				plain.rule("'"+strings.ReplaceAll(when, "'", "''")+"'").faults(t))
		})
	}
}

func TestConditionsMaySearchTexts(t *testing.T) {
	for _, when := range []string{
		`metadata("note").value.matches("(?i)gift\\s*card") || order.name.lowerAscii().contains("gift")`,
		`order.name.split(" ").exists(word, word in ["gift", "card"])`,
		`["IN", "SG"].exists(c, c == billing.country && c != shipping.country)`,
	} {
		cost := plain.rule("|\n      "+when, "score: 1").read(t).Rules()[2].Cost
		require.Less(t, cost, uint64(10_000), when)
		require.Greater(t, cost, uint64(10), when)
	}
}

// The cases of a rule that does not compile are not additional faults.
func TestCasesOfBrokenRule(t *testing.T) {
	require.Len(t, plain.rule(`card.count("1h") + 1`, `cases: [{name: a, given: {seen: {card.count("1h"): 1}}, hits: true}]`).faults(t), 1)
}

// In all of YAML's ways to write a condition, a fault's place is that in the file.
func TestConditionFaultPlaces(t *testing.T) {
	for name, c := range map[string]struct{ when, at string }{
		"plain":              {"card.known && card.brnd == 'visa'", "4:30"},
		"plain, folded":      {"card.known &&\n      !card.luhnValid &&\n      card.brnd == ''", "6:12"},
		"in double quotes":   {`"card.brand == \"visa\" && card.brnd == \"\x61\""`, "4:43"},
		"in single quotes":   {`'card.brand == ''visa'' && card.brnd == '''''`, "4:43"},
		"a block":            {"|\n      card.known &&\n      card.brnd == ''", "6:12"},
		"a block that keeps": {"|+\n      card.known &&\n\n        card.brnd == ''\n\n", "7:14"},
		"a block, folded":    {">-\n      card.known &&\n      !card.luhnValid\n\n      && card.brnd == ''", "8:15"},
		"after an umlaut":    {`card.brand == "ü" && card.brnd == ""`, "4:37"},
		"after a comment":    {"| # no card.brnd is known\n      card.brnd == ''", "5:12"},
		"at its end":         {"card.known &&", "4:24"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Regexp(t, "^rules/b.yaml:"+c.at+": ", plain.rule(c.when).faults(t)[0])
		})
	}
}

// A long list of what is known is cut to what is near.
func TestFaultSuggestionsAreCut(t *testing.T) {
	many := folder{"rules/b.yaml": "rules:\n", "cases/a.yaml": "cases: [{name: a, given: {}, outcome: approve, rules: [card_of_somebody_else]}]\n"}
	for i := range 100 {
		many["rules/b.yaml"] += written(fmt.Sprintf("rule_%d", i), "true", "score: 1")
	}
	many["rules/b.yaml"] += written("card_of_a_body", "true", "score: 1")
	require.Regexp(t, `"card_of_somebody_else" is not known here: it must be one of card_of_a_body(, \w+){4}, …$`, plain.with(many).faults(t)[0])
}

// A time zone is read once and not for each transaction. CEL itself would read the zone's file for each transaction.
func TestZoneIsReadOnce(t *testing.T) {
	allocations := func(zone string) float64 {
		set := plain.rule("at.getHours("+zone+") < 5", "score: 1").read(t)
		values := withZeros(set, nil)
		return testing.AllocsPerRun(20, func() { set.Evaluate(rules.Unremarkable(), values) })
	}
	require.InDelta(t, allocations(""), allocations(`"Asia/Kolkata"`), 5)
}
