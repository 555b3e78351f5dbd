package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/rules"
)

// The gravest outcome decides and raises the score.
func TestGravestDecides(t *testing.T) {
	for name, c := range map[string]struct {
		rules   []string // score and action of live rules that hit
		on      string   // the effects of the lists that the transaction is on
		outcome fraud.Outcome
		score   int
	}{
		"nothing":                                    {nil, "", fraud.Approve, 0},
		"a score below review":                       {[]string{"score: 39"}, "", fraud.Approve, 39},
		"a score for review":                         {[]string{"score: 40"}, "", fraud.Review, 40},
		"scores that add up to it":                   {[]string{"score: 20", "score: 20"}, "", fraud.Review, 40},
		"a score below decline":                      {[]string{"score: 79"}, "", fraud.Review, 79},
		"a score for decline":                        {[]string{"score: 80"}, "", fraud.Decline, 80},
		"a score above all":                          {[]string{"score: 80", "score: 80"}, "", fraud.Decline, 100},
		"a score that is taken off":                  {[]string{"score: 45", "score: -10"}, "", fraud.Approve, 35},
		"a score below nothing":                      {[]string{"score: -10"}, "", fraud.Approve, 0},
		"a high score that is held at 100 only once": {[]string{"score: 100", "score: 50", "score: -30"}, "", fraud.Decline, 100},
		"review demanded":                            {[]string{"action: review"}, "", fraud.Review, 40},
		"review demanded at a high score":            {[]string{"{score: 90, action: review}"}, "", fraud.Review, 90},
		"block demanded":                             {[]string{"action: block"}, "", fraud.Decline, 80},
		"block demanded at a higher score":           {[]string{"{score: 95, action: block}"}, "", fraud.Decline, 95},
		"allow demanded":                             {[]string{"action: allow", "score: 90"}, "", fraud.Approve, 90},
		"review goes before allow":                   {[]string{"action: allow", "action: review"}, "", fraud.Review, 40},
		"block goes before review":                   {[]string{"action: block", "action: review"}, "", fraud.Decline, 80},
		"an allow list":                              {[]string{"score: 90"}, "allow", fraud.Approve, 90},
		"an allow list goes before block":            {[]string{"action: block"}, "allow", fraud.Approve, 0},
		"a block list":                               {nil, "block", fraud.Decline, 80},
		"a block list goes before allow":             {[]string{"action: allow"}, "block", fraud.Decline, 80},
		"a block list goes before an allow list":     {nil, "allow block", fraud.Decline, 80},
	} {
		t.Run(name, func(t *testing.T) {
			d := evaluate(saying(c.rules, c.on).read(t), nil)
			require.Equal(t, c.outcome, d.Outcome)
			require.Equal(t, c.score, d.Score)
			require.Equal(t, fraud.RiskOf(c.score, 40, 80), d.RiskLevel)
			require.Equal(t, fraud.AutomatedRule, d.Source)
		})
	}
}

func TestReasonsInFileOrder(t *testing.T) {
	set := folder{
		"ruleset.yaml": "id: r\nversion: 7\nthresholds: {review: 10, decline: 20}\nlists:\n" +
			"  b: {file: l.txt, of: customer.id, effect: block}\n  a: {file: l.txt, of: customer.id, effect: allow}\n" +
			"  c: {file: l.txt, of: customer.id}\n",
		"l.txt":        "c-1001\n",
		"rules/b.yaml": "rules:\n" + written("third", "true", "score: 20"),
		"rules/a.yaml": "rules:\n" + written("second", "true", "action: review") + written("first", "true", "score: -5", "public_message: you may") +
			written("silent", "true") + written("unhit", "false", "score: 20") +
			written("dark", "true", "score: 1", "mode: shadow") + written("in_dark", "false", "mode: shadow"),
	}.read(t)
	d := evaluate(set, nil)
	require.Equal(t, []fraud.Reason{
		{Code: "ALLOW_LIST", Message: "the transaction is on the allow list a", PublicMessage: "the transaction is on an allow list"},
		{Code: "BLOCK_LIST", Message: "the transaction is on the block list b", PublicMessage: "the transaction is on a block list"},
		{Code: "SECOND", Message: "it is so"},
		{Code: "FIRST", Message: "it is so", PublicMessage: "you may"},
		{Code: "THIRD", Message: "it is so"},
	}, d.Reasons)
	require.Equal(t, set.Ruleset(), d.Ruleset)
	require.Equal(t, "r", d.Ruleset.ID)
	require.Equal(t, 7, d.Ruleset.Version)
	want := &fraud.Explanation{
		Rules: []fraud.RuleResult{
			{ID: "list:a", Outcome: fraud.RuleHit, Action: fraud.ActAllow},
			{ID: "list:b", Outcome: fraud.RuleHit, Action: fraud.ActBlock},
			{ID: "second", Outcome: fraud.RuleHit, Action: fraud.ActReview},
			{ID: "first", Outcome: fraud.RuleHit, Score: -5},
			{ID: "silent", Outcome: fraud.RuleHit},
			{ID: "dark", Outcome: fraud.RuleHit, Score: 1, Shadow: true},
			{ID: "third", Outcome: fraud.RuleHit, Score: 20},
		},
		Passed:   []string{"unhit", "in_dark"},
		Features: map[string]float64{},
		Trials: []fraud.Trial{{
			Ruleset: fraud.Ruleset{ID: "r+shadow", Version: 7, Digest: set.Ruleset().Digest}, Outcome: fraud.Decline, Score: 20,
			Rules: []fraud.RuleResult{{ID: "dark", Outcome: fraud.RuleHit, Score: 1, Shadow: true}},
		}},
	}
	assert.Empty(t, cmp.Diff(want, d.Explanation), "explanation (-want +got)")
}

// A rule that fails asks for a review, and only the explanation says why.
func TestRuleFails(t *testing.T) {
	set := plain.rule(`1 / card.count("10m") > 0`, "score: 5", "action: allow").read(t)
	d := evaluate(set, nil)
	require.Equal(t, fraud.Review, d.Outcome)
	require.Equal(t, 40, d.Score)
	require.Equal(t, []fraud.Reason{{
		Code: "RULE_FAILED", Message: "the rule tried could not be evaluated", PublicMessage: "a rule could not be evaluated",
	}}, d.Reasons)
	require.Equal(t, []fraud.RuleResult{{
		ID: "tried", Outcome: fraud.RuleFailed, Action: fraud.ActReview, Error: "division by zero",
	}}, d.Explanation.Rules)
}

// A shadow rule that fails is only recorded.
func TestShadowRuleFails(t *testing.T) {
	d := evaluate(plain.rule(`1 / card.count("10m") > 0`, "mode: shadow").read(t), nil)
	require.Equal(t, fraud.Approve, d.Outcome)
	require.Zero(t, d.Score)
	require.Empty(t, d.Reasons)
	require.Equal(t, fraud.RuleFailed, d.Explanation.Rules[0].Outcome)
	require.Equal(t, fraud.Review, d.Explanation.Trials[0].Outcome)
}

// A value that was not counted is not taken for 0.
func TestMissingValueIsNotZero(t *testing.T) {
	set := plain.read(t)
	d := set.Evaluate(rules.Unremarkable(), nil)
	require.Equal(t, fraud.Review, d.Outcome)
	require.Equal(t, `card.count("10m") was not counted`, d.Explanation.Rules[0].Error)
}

// A rule sees the value of a feature however it spells the feature.
func TestFeatureSpellings(t *testing.T) {
	set := plain.rule(`card.count("60m") == 2 && card.count("1h") == 2 && metadata("device").distinct("metadata.terminal", "24h") == 3`, "score: 1").read(t)
	require.Equal(t, []string{`card.count("10m")`, `card.count("1h")`, `metadata("device").distinct("metadata.terminal", "1d")`}, velocity.Names(set.Features()))
	d := evaluate(set, map[string]float64{`card.count("1h")`: 2, `metadata("device").distinct("metadata.terminal", "1d")`: 3})
	require.Equal(t, 1, d.Score)
}

// Each rule that hits has the values that its condition uses, each once and in its order. What the API shows nowhere is left out.
func TestSaw(t *testing.T) {
	for when, want := range map[string][]ruleset.Seen{
		`payment.currency == "INR" && payment.amount > 2.5 * customer.mean("30d") && payment.amount > 1 && card.count("60m") == card.count("1h")`: {
			{Name: "payment.currency", Value: "INR"}, {Name: "payment.amount", Value: "500"}, {Name: `customer.mean("30d")`, Value: "12.5"}, {Name: `card.count("1h")`, Value: "3"},
		},
		`card.known && has(card.brand) && order.items == 1 && customer.age > duration("1h") && at.getHours("UTC") == 12`: {
			{Name: "card.known", Value: "true"},
			{Name: "card.brand", Value: "visa"},
			{Name: "order.items", Value: "1"},
			{Name: "customer.age", Value: "17520h0m0s"},
			{Name: "at", Value: "2026-03-04T12:00:00Z"},
		},
		`merchant == "default" && metadata("device").value == "" && listed("known") && !listed("strange") && customer.email != "" && card.fingerprint != ""`: {
			{Name: "merchant", Value: "default"}, {Name: `metadata("device").value`}, {Name: `listed("known")`, Value: "true"}, {Name: `listed("strange")`, Value: "false"},
		},
		`payment.amount > 1 || card.count("10m") > 5`: {{Name: "payment.amount", Value: "500"}, {Name: `card.count("10m")`, Value: "0"}},
		"true": {},
	} {
		set := plain.rule("'"+when+"'", "score: 1").with(folder{
			"ruleset.yaml": plain["ruleset.yaml"] + "lists:\n  known: {file: known.txt, of: customer.id}\n  strange: {file: strange.txt, of: customer.id}\n",
			"known.txt":    "c-1001\n", "strange.txt": "c-7\n",
		}).read(t)
		d := evaluate(set, map[string]float64{`card.count("1h")`: 3, `customer.mean("30d")`: 12.5})
		require.Equal(t, map[string][]ruleset.Seen{"tried": want}, set.Saw(rules.Unremarkable(), d.Explanation), when)
	}
	set, undated := plain.rule("customer.createdAt < at", "score: 1").read(t), rules.Unremarkable()
	undated.Transaction.Customer = &transaction.Customer{ID: "c"}
	d := set.Evaluate(undated, withZeros(set, nil))
	require.Equal(t, map[string][]ruleset.Seen{"tried": {{Name: "customer.createdAt"}, {Name: "at", Value: "2026-03-04T12:00:00Z"}}}, set.Saw(undated, d.Explanation))
}

// The conditions use the words of the vocabulary, and all must be true for one transaction.
func TestRulesSeeTransaction(t *testing.T) {
	for _, when := range []string{
		`at == timestamp("2026-03-04T12:00:00Z") && at.getHours() == 12 && at.getHours("Asia/Kolkata") == 17 && at.getMinutes("+05:30") == 30`,
		`order.id == "1001" && order.name == "a book" && order.cost == 500.0 && order.currency == "INR" && order.items == 1`,
		`payment.method == "card" && payment.type == "credit" && payment.amount == 500.0 && payment.currency == "INR" && !payment.token`,
		`card.known && card.brand == "visa" && card.firstSix == "411111" && card.lastFour == "1111" && card.length == 16`,
		`card.luhnValid && card.fingerprint.size() == 64 && has(card.brand)`,
		`customer.known && customer.id == "c-1001" && customer.email == "jo@example.com" && customer.emailDomain == "example.com"`,
		`customer.dated && customer.createdAt.getFullYear() == 2024 && customer.age == duration("17520h")`,
		`ip.known && ip.address == "8.8.8.8" && ip.global && billing.country == "IN" && shipping.country == "IN"`,
		`!customer.emailMalformed && !customer.createdAtMalformed && !ip.malformed && !billing.malformed && !shipping.malformed`,
		`!metadata("device").known && metadata("device").value == ""`,
		`payment.amount > 499 && payment.amount >= order.cost && "b" in ["a", "b"] && ["a", "b"].exists(x, x == "b")`,
	} {
		require.Equal(t, 1, evaluate(plain.rule("'"+when+"'", "score: 1").read(t), nil).Score, when)
	}
}

func TestRulesSeeAbsentAsEmpty(t *testing.T) {
	set := plain.rule(`|
      !card.known && !customer.known && customer.id == "" && customer.emailDomain == "" && !customer.dated &&
      customer.age == duration("0s") && !ip.known && payment.token && billing.country == "" && !has(card.brand) &&
      metadata("device").known && metadata("device").value == "x"`, "score: 1").read(t)
	c := rules.Unremarkable()
	c.Customer, c.IP, c.BillingCountry, c.Metadata = nil, "", "", map[string]string{"device": "x"}
	c.Payment.Card, c.Payment.Token = (transaction.Payment{}).Card, "tok"
	require.Equal(t, 1, set.Evaluate(c, withZeros(set, nil)).Score)
}

func TestRulesSeeMalformed(t *testing.T) {
	for part, when := range map[string]string{
		"customer.email": "customer.emailMalformed", "customer.createdAt": "customer.createdAtMalformed",
		"ip": "ip.malformed", "billing.country": "billing.malformed", "shipping.country": "shipping.malformed",
	} {
		set, c := plain.rule(when, "score: 1").read(t), rules.Unremarkable()
		require.Zero(t, set.Evaluate(c, withZeros(set, nil)).Score, when)
		c.Malformed = []string{part}
		require.Equal(t, 1, set.Evaluate(c, withZeros(set, nil)).Score, when)
	}
}

// An account from after the transaction is new.
func TestAccountFromFutureIsNew(t *testing.T) {
	set, c := plain.rule(`'customer.dated && customer.age == duration("0s")'`, "score: 1").read(t), rules.Unremarkable()
	c.Customer.CreatedAt = c.StartTime.Add(time.Hour)
	require.Equal(t, 1, set.Evaluate(c, withZeros(set, nil)).Score)
}

// All spellings of a payment method are compared as one.
func TestPaymentMethodSpellings(t *testing.T) {
	set, c := plain.rule(`payment.method == "card"`, "score: 1").read(t), rules.Unremarkable()
	for _, method := range []string{"card", "Card", " CARD", "ｃａｒｄ", "card\u00a0"} {
		c.PaymentMethod = method
		require.Equal(t, 1, set.Evaluate(c, withZeros(set, nil)).Score, method)
	}
}

func TestEmailDomainIsLowerCase(t *testing.T) {
	set, c := plain.rule(`customer.emailDomain == "example.com"`, "score: 1").read(t), rules.Unremarkable()
	c.Customer.Email = "Jo@EXAMPLE.com"
	require.Equal(t, 1, set.Evaluate(c, withZeros(set, nil)).Score)
}

// A value that is not a number is a failure.
func TestValueNotANumber(t *testing.T) {
	set := plain.rule(`card.sum("1h") >= 0.0 || card.sum("1h") < 0.0`, "score: 1").read(t)
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		d := evaluate(set, map[string]float64{`card.sum("1h")`: value})
		require.Equal(t, `card.sum("1h") is not a number`, d.Explanation.Rules[0].Error)
	}
}

// saying returns a ruleset whose rules hit, apart from one that never does, and whose lists hold the unremarkable
// transaction if on names their effects.
func saying(said []string, on string) folder {
	f := folder{
		"ruleset.yaml": "id: r\nversion: 1\nthresholds: {review: 40, decline: 80}\nlists:\n" +
			"  allowed: {file: allow.txt, of: customer.id, effect: allow}\n  blocked: {file: block.txt, of: ip.address, effect: block}\n",
		"allow.txt":    "# nobody\n",
		"block.txt":    "# nobody\n",
		"rules/a.yaml": "rules:\n" + written("never", "false", "score: 100"),
	}
	return f.saying(said, on)
}

func (f folder) saying(said []string, on string) folder {
	text := "rules:\n"
	for i, says := range said {
		text += written(fmt.Sprintf("says_%d", i), "true", strings.Split(strings.Trim(says, "{}"), ", ")...)
	}
	f["rules/b.yaml"] = text
	if strings.Contains(on, "allow") {
		f["allow.txt"] = "c-1001\n"
	}
	if strings.Contains(on, "block") {
		f["block.txt"] = "8.8.8.0/24\n"
	}
	return f
}
