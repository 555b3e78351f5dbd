package rules_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
)

func warnings(t *testing.T, when string) []string {
	t.Helper()
	var all []string
	for _, w := range plain.rule("'"+strings.ReplaceAll(when, "'", "''")+"'", "score: 1").read(t).Warnings() {
		all = append(all, w.String())
	}
	return all
}

// The warnings are told by the characters before them, as in TestAConditionThatIsWrongIsExplainedWhereItIs.
func TestAConditionThatCanHardlyBeMeantIsWarnedOf(t *testing.T) {
	const guard, more = "a division by 0 is infinite, and more than any limit: guard it with ", "never comes to more than 1000, the latest that are looked at: compare it with less"
	for when, want := range map[string]string{
		`payment.amount / customer.mean("30d") > 5.0`:                     `30: ` + guard + `customer.mean("30d") > 0.0 && …`,
		`payment.amount / double(card.count("1d")) > 5.0`:                 `34: ` + guard + `card.count("1d") > 0 && …`,
		`payment.amount / (2.0 * order.cost) > 5.0`:                       `29: ` + guard + `order.cost > 0.0 && …`,
		`payment.amount / metadata("device").mean("30d") > 5.0`:           `40: ` + guard + `metadata("device").mean("30d") > 0.0 && …`,
		`card.mean("1h") > 0.0 && payment.amount / card.mean("1d") > 5.0`: `51: ` + guard + `card.mean("1d") > 0.0 && …`,
		`payment.currency == "inr"`:                                       `20: payment.currency is never "inr": it must be an ISO 4217 currency code in capitals, such as INR or USD`,
		`"RUPEES" != order.currency`:                                      `0: order.currency is never "RUPEES": it must be an ISO 4217 currency code in capitals, such as INR or USD`,
		`billing.country in ["IN", "India"]`:                              `26: billing.country is never "India": it must be a country of ISO 3166 in capitals, such as IN`,
		`card.brand == "Visa"`:                                            `14: card.brand is never "Visa": did you mean "visa"?`,
		`card.count("10m") > 1000`:                                        `20: count ` + more,
		`1001 <= ip.distinct("card", "1h")`:                               `0: distinct ` + more,
		`card.frauds("30d") >= 1500.0`:                                    `22: frauds ` + more,
	} {
		column, text, _ := strings.Cut(want, ": ")
		at, err := strconv.Atoi(column)
		require.NoError(t, err)
		require.Equal(t, []string{fmt.Sprintf("rules/b.yaml:4:%d: %s", 12+at, text)}, warnings(t, when), when)
	}
}

func TestAConditionThatIsMeantIsNotWarnedOf(t *testing.T) {
	for _, when := range []string{
		`customer.mean("30d") > 0.0 && payment.amount / customer.mean("30d") > 5.0`,
		`payment.amount / (customer.mean("30d") + 1.0) > 5.0`,
		`card.count("1d") > 0 && card.sum("1d") / double(card.count("1d")) > 5.0`,
		`card.sum("1d") / double(card.count("1d") + 1) > 1000.0`,
		`payment.amount / (customer.mean("30d") > 0.0 ? customer.mean("30d") : 1.0) > 5.0`,
		`payment.amount / 2.0 > 5.0`,
		`payment.currency == "INR" && order.currency in ["USD", "JPY"]`, `billing.country != "" && card.brand != "unknown"`,
		`card.count("10m") >= 1000 && card.sum("10m") > 5000.0`, `metadata("brand").value == "Visa" && payment.type == "inr"`,
	} {
		require.Empty(t, warnings(t, when), when)
	}
}

func TestTheBrandsThatRulesKnowAreThoseOfCards(t *testing.T) {
	describer, told := card.NewDescriber([]byte("0123456789abcdef0123456789abcdef")), map[string]bool{}
	for lead := 1000; lead < 10_000; lead++ {
		number, err := card.ParseNumber(fmt.Sprint(lead, "00000000"))
		require.NoError(t, err)
		told[describer.Describe(number).Brand] = true
	}
	var all []string
	for brand := range told {
		all = append(all, brand)
		require.Empty(t, warnings(t, fmt.Sprintf("card.brand == %q", brand)))
	}
	slices.Sort(all)
	require.Contains(t, warnings(t, `card.brand == "schmiede-karte"`)[0], "it must be one of amex, ")
	require.Len(t, all, 10, all)
}
