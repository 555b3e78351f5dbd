package rules_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/rules"
)

func warnings(t *testing.T, when string) []string {
	t.Helper()
	var all []string
	for _, w := range plain.rule("'"+strings.ReplaceAll(when, "'", "''")+"'", "score: 1").read(t).Warnings() {
		all = append(all, w.String())
	}
	return all
}

// A condition that can hardly be meant is warned of. The number before an expected warning is the number of characters
// before its place, as in TestConditionFaults.
func TestConditionWarnings(t *testing.T) {
	const (
		guard = "a division by 0 is infinite, and more than any limit: guard it with "
		more  = " is from 0 to 1000: no more than the latest 1000 are looked at"
		month = ` is from 0 to 11: it is the month, from 0: January is 0, December is 11`
		fails = ", and a rule that fails asks for a review"
	)
	for when, want := range map[string]string{
		`payment.amount / customer.mean("30d") > 5.0`:                        `30: ` + guard + `customer.mean("30d") > 0.0 && …`,
		`payment.amount / double(card.count("1d")) > 5.0`:                    `34: ` + guard + `card.count("1d") > 0 && …`,
		`payment.amount / (2.0 * order.cost) > 5.0`:                          `29: ` + guard + `order.cost > 0.0 && …`,
		`payment.amount / metadata("device").mean("30d") > 5.0`:              `40: ` + guard + `metadata("device").mean("30d") > 0.0 && …`,
		`card.mean("1h") > 0.0 && payment.amount / card.mean("1d") > 5.0`:    `51: ` + guard + `card.mean("1d") > 0.0 && …`,
		`payment.currency == "inr"`:                                          `20: payment.currency is never "inr": it must be an ISO 4217 currency code in capitals, such as INR or USD`,
		`"RUPEES" != order.currency`:                                         `0: order.currency is never "RUPEES": it must be an ISO 4217 currency code in capitals, such as INR or USD`,
		`billing.country in ["IN", "India"]`:                                 `26: billing.country is never "India": it must be a country of ISO 3166 in capitals, such as IN`,
		`card.brand == "Visa"`:                                               `14: card.brand is never "Visa": did you mean "visa"?`,
		`card.count("10m") > 1000`:                                           `20: this never holds: card.count("10m")` + more,
		`1001 <= ip.distinct("card", "1h")`:                                  `0: this never holds: ip.distinct("card", "1h")` + more,
		`card.frauds("30d") >= 1500.0`:                                       `22: this never holds: card.frauds("30d")` + more,
		`card.count("10m") <= 1000`:                                          `21: this always holds: card.count("10m")` + more,
		`card.count("10m") >= 0`:                                             `21: this always holds: card.count("10m")` + more,
		`card.count("1h") + 1 > 1001`:                                        `23: this never holds: card.count("1h") + 1 is from 1 to 1001`,
		`at.getMonth("UTC") == 12`:                                           `22: this never holds: at.getMonth("UTC")` + month,
		`12 == at.getMonth("UTC")`:                                           `0: this never holds: at.getMonth("UTC")` + month,
		`at.getMonth("UTC") != 12`:                                           `22: this always holds: at.getMonth("UTC")` + month,
		`at.getMonth("UTC") > 11`:                                            `21: this never holds: at.getMonth("UTC")` + month,
		`12 <= at.getMonth("UTC")`:                                           `0: this never holds: at.getMonth("UTC")` + month,
		`at.getMonth("UTC") < 12`:                                            `21: this always holds: at.getMonth("UTC")` + month,
		`at.getMonth("UTC") in [11, 12]`:                                     `27: this never holds: at.getMonth("UTC")` + month,
		`int(at.getMonth()) + 1 == 13`:                                       `26: this never holds: int(at.getMonth()) + 1 is from 1 to 12`,
		`customer.createdAt.getMonth() == 12`:                                `33: this never holds: customer.createdAt.getMonth()` + month,
		`at.getDayOfMonth("UTC") == 31`:                                      `27: this never holds: at.getDayOfMonth("UTC") is from 0 to 30: it is the day of the month, from 0: the first is 0. getDate counts from 1`,
		`at.getDate() == 0`:                                                  `16: this never holds: at.getDate() is from 1 to 31: it is the day of the month, from 1: the first is 1`,
		`at.getDayOfWeek("UTC") == 7`:                                        `26: this never holds: at.getDayOfWeek("UTC") is from 0 to 6: it is the day of the week, from 0: Sunday is 0, Saturday is 6`,
		`at.getDayOfYear() == 366`:                                           `21: this never holds: at.getDayOfYear() is from 0 to 365: it is the day of the year, from 0: the first of January is 0`,
		`at.getHours("UTC") == 24`:                                           `22: this never holds: at.getHours("UTC") is from 0 to 23: it is the hour, from 0: that after midnight is 0`,
		`at.getMinutes() >= 60`:                                              `19: this never holds: at.getMinutes() is from 0 to 59: it is the minute of the hour, from 0`,
		`payment.amount < 0`:                                                 `17: this never holds: payment.amount is never below 0`,
		`order.items > 100`:                                                  `14: this never holds: order.items is from 0 to 100`,
		`card.length == 20`:                                                  `15: this never holds: card.length is from 0 to 19`,
		`card.firstSix.size() > 6`:                                           `23: this never holds: card.firstSix.size() is from 0 to 6`,
		`customer.age < duration("0s")`:                                      `23: this never holds: customer.age is never below 0`,
		`order.name.indexOf("a") < -1`:                                       `26: this never holds: order.name.indexOf("a") is from -1 to 255`,
		`shipping.country != shipping.country`:                               `28: this never holds: both sides are shipping.country`,
		`card.brand in []`:                                                   `14: this is never true: the list is empty`,
		`card.lastFour == "111"`:                                             `17: card.lastFour is never "111": it must be four digits, such as 1111`,
		`"41111" == card.firstSix`:                                           `0: card.firstSix is never "41111": it must be six digits, such as 411111`,
		`card.firstSix.startsWith("4111111")`:                                `25: startsWith("4111111") never holds of card.firstSix: it has at most 6 characters`,
		`customer.emailDomain == "Gmail.com"`:                                `24: customer.emailDomain is never "Gmail.com": it is written "gmail.com"`,
		`customer.emailDomain.endsWith(".RU")`:                               `30: endsWith(".RU") never holds of customer.emailDomain: it is written ".ru"`,
		`payment.method in ["card", "PayPal"]`:                               `27: payment.method is never "PayPal": it is written "paypal"`,
		`ip.address == "::ffff:8.8.8.8"`:                                     `14: ip.address is never "::ffff:8.8.8.8": it is written "8.8.8.8"`,
		`ip.address in ["10.0.0.0/8"]`:                                       `15: ip.address is never "10.0.0.0/8": it is an address: networks stand in lists`,
		`order.name.lowerAscii() == "Gift"`:                                  `27: order.name.lowerAscii() is never "Gift": it has no capitals, write "gift"`,
		`order.name.lowerAscii().contains("Gift card")`:                      `33: order.name.lowerAscii() is never "Gift card": it has no capitals, write "gift card"`,
		`{"INR": 1.0}[payment.currency] < payment.amount`:                    `20: fails where the map has no key payment.currency` + fails + `: ask first, payment.currency in {"INR": 1.0} && …`,
		`order.id == "x" && {"INR": 1.0}.USD < payment.amount`:               `31: fails where the map has no key "USD"` + fails + `: ask first, "USD" in {"INR": 1.0} && …`,
		`"USD" in {"INR": 1.0} && {"INR": 1.0}[payment.currency] > 1.0`:      `45: fails where the map has no key payment.currency` + fails + `: ask first, payment.currency in {"INR": 1.0} && …`,
		`payment.currency in {"INR": 1} || {"INR": 1}[payment.currency] > 0`: `52: fails where the map has no key payment.currency` + fails + `: ask first, payment.currency in {"INR": 1} && …`,
		`payment.currency in ["USD"] && {"INR": 1}[payment.currency] > 0`:    `49: fails where the map has no key payment.currency` + fails + `: ask first, payment.currency in {"INR": 1} && …`,
		`[1, 2][order.items] > 1`:                                            `12: fails where the list has no element order.items` + fails + `: ask first, [1, 2].size() > order.items && …`,
		`order.id == "x" && [1, 2][2] > 1`:                                   `26: fails where the list has no element 2` + fails + `: ask first, [1, 2].size() > 2 && …`,
		`order.name.split(" ")[1] == "x"`:                                    `22: fails where the list has no element 1` + fails + `: ask first, order.name.split(" ").size() > 1 && …`,
		`order.id == "x" && int(metadata("age").value) < 18`:                 `22: fails where the text cannot be read` + fails + `: ask first, metadata("age").value.matches("^[0-9]{1,9}$") && …`,
		`order.name.substring(0, 3) == "abc"`:                                `20: fails where the text is too short` + fails + `: ask first, order.name.size() >= 3 && …`,
		`order.id == "x" && 10 / card.count("1d") > 3`:                       `34: a division by 0 fails` + fails + `: guard it with card.count("1d") > 0 && …`,
	} {
		t.Run(when, func(t *testing.T) {
			column, text, _ := strings.Cut(want, ": ")
			at, err := strconv.Atoi(column)
			require.NoError(t, err)
			require.Equal(t, []string{fmt.Sprintf("rules/b.yaml:4:%d: %s", 12+at, text)}, warnings(t, when))
		})
	}
}

func TestConditionsWithoutWarning(t *testing.T) {
	for _, when := range []string{
		`customer.mean("30d") > 0.0 && payment.amount / customer.mean("30d") > 5.0`,
		`payment.amount / (customer.mean("30d") + 1.0) > 5.0`,
		`card.count("1d") > 0 && card.sum("1d") / double(card.count("1d")) > 5.0`,
		`card.sum("1d") / double(card.count("1d") + 1) > 1000.0`,
		`payment.amount / (customer.mean("30d") > 0.0 ? customer.mean("30d") : 1.0) > 5.0`,
		`payment.amount / 2.0 > 5.0`,
		`payment.currency == "INR" && order.currency in ["USD", "JPY"]`, `billing.country != "" && card.brand != "unknown"`,
		`card.count("10m") >= 1000 && card.sum("10m") > 5000.0`, `metadata("brand").value == "Visa" && payment.type == "inr"`,
		`at.getMonth("UTC") == 11 && at.getDayOfMonth("UTC") == 30 && at.getDate("UTC") == 31 && at.getDayOfWeek() == 6 && at.getHours() >= 23`,
		`at.getMonth("UTC") + 1 == 12`, `at.getHours() in [0, 23]`, `customer.age.getHours() == 72`, `(at - customer.createdAt).getMinutes() > 60`,
		`payment.currency in {"INR": 1.0} && {"INR": 1.0}[payment.currency] > 0.5`,
		`payment.currency in ["INR"] && {"INR": 1.0, "USD": 2.0}[payment.currency] > 0.5`,
		`(payment.currency == "INR" || payment.currency == "USD") && {"INR": 1.0, "USD": 2.0}[payment.currency] > 0.5`,
		`!(payment.currency in {"INR": 1.0}) || {"INR": 1.0}[payment.currency] > 0.5`,
		`(payment.currency in {"INR": 1.0} ? {"INR": 1.0}[payment.currency] : 2.0) < payment.amount`,
		`has({"INR": 1.0}.USD) && {"INR": 1.0}.USD > 1.0`, `{"INR": 1.0}["INR"] < payment.amount`, `{"a": order.items}.a > 1`,
		`[1, 2][1] < order.items`, `order.name.split(" ")[0] == "x"`, `order.name.split(" ").size() > 1 && order.name.split(" ")[1] == "x"`,
		`order.items < 2 && [1, 2][order.items] > 1`, `["a", "b"].exists(x, x == order.id)`,
		`metadata("age").value.matches("^[0-9]+$") && int(metadata("age").value) < 18`, `int(payment.amount) > 5`, `string(order.items) == "5"`,
		`order.name.size() >= 3 && order.name.substring(0, 3) == "abc"`, `"abc".substring(1) == order.name`,
		`payment.method.contains(" pay") && payment.method == "amazon pay"`,
		`customer.emailDomain.endsWith(".ru") && ip.address.startsWith("2606:")`, `ip.address == "2606:4700::1"`,
		`card.count("1h") > card.count("1d")`, `10 % (card.count("1d") + 1) == 0`,
	} {
		require.Empty(t, warnings(t, when), when)
	}
}

// What was not posted is not a failure.
func TestAbsentFieldsAreNotFailures(t *testing.T) {
	for _, when := range []string{
		`at - customer.createdAt > duration("72h")`,
		`customer.createdAt - at < duration("-72h")`,
		`customer.createdAt - duration("24h") < at`,
		`customer.createdAt + duration("24h") < at`,
		`duration("24h") + customer.createdAt < at`,
		`timestamp("2026-01-01T00:00:00Z") - customer.createdAt > duration("72h")`,
		`at - customer.createdAt + duration("24h") > duration("72h")`,
		`customer.createdAt.getFullYear() == 1`,
		`timestamp("9999-12-31T00:00:00Z") + duration("240h") > at`,
		`1 + order.items == 2 && order.name + "s" == "a books" && [1] + [2] == [1, 2] && 2.0 - 1.0 == 1.0`,
	} {
		set, check := plain.rule("'"+when+"'", "score: 1").read(t), rules.Unremarkable()
		check.Customer = nil
		d := set.Evaluate(check, withZeros(set, nil))
		require.Equal(t, 1, d.Score, "%s: %v", when, d.Explanation.Rules)
	}
	d := evaluate(plain.rule("1 / (order.items - 1) + 1 > 0", "score: 1").read(t), nil)
	require.Equal(t, "RULE_FAILED", d.Reasons[0].Code)
}

// The brands that rules know are those of cards.
func TestBrandsAreKnown(t *testing.T) {
	for _, brand := range card.Brands() {
		require.Empty(t, warnings(t, fmt.Sprintf("card.brand == %q || card.coBrand == %q", brand, brand)))
	}
	require.Contains(t, warnings(t, `card.brand == "schmiede-karte"`)[0], "it must be one of ")
	require.Contains(t, warnings(t, `card.coBrand == "viza"`)[0], `did you mean "visa"?`)
}
