package rules_test

import (
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/rules"
)

// FuzzRead checks that no file makes reading panic, that every refusal has a reason, and that every ruleset that is read
// can decide.
func FuzzRead(f *testing.F) {
	const list = "lists:\n  l: {file: l.txt, of: ip.address, effect: block}\n"
	f.Add(plain["ruleset.yaml"], plain["rules/a.yaml"], "c-1\n")
	f.Add(plain["ruleset.yaml"]+list, "rules:\n"+written("a", "|\n      listed('l')", "score: 90"), "192.0.2.0/24\n2001:db8::/32 # net\n")
	f.Add(plain["ruleset.yaml"], "rules:\n"+written("a", `card.count("1h") > 1`,
		"score: 90", "cases: [{name: a, given: {seen: {card.count(\"1h\"): 2}, card: none, at: 2026-01-01T00:00:00Z}, hits: true}]"), "")
	f.Fuzz(func(t *testing.T, main, rule, list string) {
		tried(t, folder{"ruleset.yaml": main, "rules/a.yaml": rule, "l.txt": list})
	})
}

// FuzzCondition checks the same for conditions.
func FuzzCondition(f *testing.F) {
	for _, when := range []string{
		`card.count("10m") >= 3 && payment.amount > 4.0 * card.mean("30d")`, `order.name.matches("^a+$") || card.brand in ["visa"]`,
		`metadata("device").frauds("7d", "1d") > 0 || ip.distinct("metadata.device", "1h") > 2`, `[1, 2].exists(x, 1 / (x - 1) > 0)`,
		`at.getHours("Asia/Kolkata") < 5 && customer.age < duration("72h")`, `"%s".format([order.name]) == ""`,
		`order.name.replace("a", order.name) == ""`, `has(card.brand)`, `{"a": 1}.a == 1`, `[[1]].map(x, x + x).size() > 0`,
		`at + duration("9999h") > customer.createdAt`, `string(payment.amount) == "1" && int(order.id) > 0`, `'`, `|`, `(((`,
	} {
		f.Add(when)
	}
	f.Fuzz(func(t *testing.T, when string) {
		quoted, err := json.Marshal(when) // JSON strings are valid in YAML
		require.NoError(t, err)
		tried(t, plain.rule(string(quoted), "score: 5"))
	})
}

// tried reads a ruleset and, if that succeeds, decides with it.
func tried(t *testing.T, f folder) {
	t.Helper()
	set, err := rules.Read(f.files(), "fuzzed")
	if err != nil {
		require.NotEmpty(t, strings.TrimSpace(err.Error()), "it is refused without a reason")
		return
	}
	sound(t, set, evaluate(set, nil))
	rules.RunCases(set)
}

// FuzzEvaluate checks that no transaction and no value makes deciding panic, and that there is always a decision.
func FuzzEvaluate(f *testing.F) {
	f.Add("a book", "jo@example.com", "192.0.2.1", "4111", int64(50000), "INR", int64(0), []byte("12345678"))
	f.Add("\xff\x00", "@", "fe80::1%eth0", "", int64(math.MinInt64), "", int64(math.MaxInt64), []byte{0x7f, 0xf8, 0, 0, 0, 0, 0, 1})
	f.Add(strings.Repeat("x", 1000), "@@@", "::ffff:192.0.2.1", "none", int64(math.MaxInt64), "JPY", int64(math.MinInt64),
		binary.BigEndian.AppendUint64(nil, math.Float64bits(math.Inf(1))))
	set := everyWord(f)
	f.Fuzz(func(t *testing.T, name, email, ip, digits string, minor int64, currency string, at int64, numbers []byte) {
		amount := money.Money{Minor: minor, Currency: money.Currency(currency)}
		c := fraud.Check{StartTime: time.Unix(at, 0), Transaction: transaction.Transaction{
			ID: name, Order: transaction.Order{ID: digits, Name: name, Cost: amount}, PaymentMethod: name,
			Payment:  transaction.Payment{Card: card.Details{FirstSix: digits, Fingerprint: name, Brand: email}, Amount: amount, Type: ip},
			Customer: &transaction.Customer{ID: name, Email: email, CreatedAt: time.Unix(minor, 0)}, IP: ip,
			BillingCountry: currency, ShippingCountry: digits, Metadata: map[string]string{"device": name, name: email},
		}}
		values := map[string]float64{}
		for i, feature := range set.Features() {
			if at := i * 8 % max(1, len(numbers)); at+8 <= len(numbers) {
				values[feature.String()] = math.Float64frombits(binary.BigEndian.Uint64(numbers[at:]))
			}
		}
		sound(t, set, set.Evaluate(c, values))
	})
}

// sound checks what must be true of every decision.
func sound(t *testing.T, set *rules.Set, d fraud.Decision) {
	t.Helper()
	_, known := severity[d.Outcome]
	require.True(t, known, "it decides %+v", d)
	require.GreaterOrEqual(t, d.Score, 0, "it decides %+v", d)
	require.LessOrEqual(t, d.Score, fraud.MaxScore, "it decides %+v", d)
	require.NotNil(t, d.Reasons, "it decides %+v", d)
	said := 0
	for _, r := range d.Explanation.Rules {
		if !strings.HasPrefix(r.ID, "list:") {
			said++
		}
	}
	require.Equal(t, len(set.Rules()), said+len(d.Explanation.Passed), "%d", said)
}

// everyWord returns the built-in ruleset with a rule for every example of the vocabulary added.
func everyWord(t testing.TB) *rules.Set {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(rules.Files(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(rules.Files(), name)
		files[name] = &fstest.MapFile{Data: content}
		return err
	})
	require.NoError(t, err)
	files["rules/words.yaml"] = &fstest.MapFile{Data: []byte("rules:\n" + exampleRules())}
	set, err := rules.Read(files, "every word")
	require.NoError(t, err)
	return set
}
