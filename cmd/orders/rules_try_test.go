package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/rules"
)

// noon is when transactions are tried.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// A transaction that is tried is explained.
func TestTryRules(t *testing.T) {
	out, notes := try(t, tryRulesCommand{At: moment{noon}, Features: []featureValue{{cardCount(10 * time.Minute), 3}, {cardCount(7 * 24 * time.Hour), 9}}}, noPastUses{})
	require.Equal(t, `review, score 45 (risk: elevated), by the ruleset default version 2 (DIGEST)
review from score 40, decline from score 80

Reasons
  CARD_LUHN_INVALID  the card number fails the Luhn check
  CARD_VELOCITY      the card was used three times or more within ten minutes

Rules that hit
  card_luhn          +5   The card number fails the Luhn check
  card_velocity_10m  +40  Many payments with one card within ten minutes

What they saw
  card.count("10m")  3
  0: `, before(t, out, `card.count("1d"), card.count("1h")`))
	require.Contains(t, out, "\nShadow ruleset, without effect: default+shadow version 2 (DIGEST) says review, score 45\n")
	require.Contains(t, out, "\nRules that did not hit\n  amount_above_order, ")
	require.Equal(t, "No rule asks for card.count(\"7d\").\n", notes)
}

// A transaction is tried as of the moment that is given.
func TestTryRulesAt(t *testing.T) {
	night := tryRulesCommand{At: moment{time.Date(2026, 3, 4, 2, 0, 0, 0, time.FixedZone("IST", 5*3600+1800))}}
	body := strings.Replace(api.SeedExample, `"order"`, `"customer": {"id": "c-1"}, "order"`, 1)
	out, _ := tryBody(t, night, body, noPastUses{})
	require.Contains(t, out, "first_purchase_at_night  +10, in shadow")
	out, _ = tryBody(t, tryRulesCommand{At: moment{noon}}, body, noPastUses{})
	require.NotContains(t, out, "first_purchase_at_night  +10")
}

// A transaction that is tried sees the ledger's past uses and is not counted there.
func TestTryRulesWithLedger(t *testing.T) {
	store := openTestLedger(t)
	for i := range 3 {
		count(t, store, i, noon.Add(time.Duration(i-5)*time.Minute))
	}
	for range 2 {
		out, _ := try(t, tryRulesCommand{At: moment{noon}}, store)
		require.Regexp(t, `card\.count\("10m"\) +3\n`, out)
	}
	out, _ := try(t, tryRulesCommand{At: moment{noon}, Features: []featureValue{{cardCount(10 * time.Minute), 2}}}, store)
	require.Regexp(t, `card\.count\("10m"\) +2\n`, out, "what is said goes before what was counted")
	out, _ = try(t, tryRulesCommand{At: moment{noon.Add(-210 * time.Second)}}, store)
	require.Regexp(t, `card\.count\("10m"\) +2\n`, out, "what came later is seen")
}

// A transaction that is tried sees its merchant's past uses, and those of all where the ruleset counts across merchants.
func TestTryRulesMerchants(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "across")
	require.NoError(t, os.CopyFS(folder, rules.Files()))
	edit(t, filepath.Join(folder, "ruleset.yaml"), "\nversion: 2\n", "\nversion: 2\nacross_merchants: [card]\n")
	across, err := loadRuleset(folder)
	require.NoError(t, err)
	store := openTestLedger(t)
	for i := range 3 {
		count(t, store, i, noon.Add(time.Duration(i-5)*time.Minute))
	}
	for set, line := range map[*rules.Set]string{rules.Default(): `0: card\.count\("10m"\), `, across: `card\.count\("10m"\) across merchants +3\n`} {
		out, _ := captured(t, func(out output) error {
			posted, err := readBody(strings.NewReader(api.SeedExample), aKey, false)
			require.NoError(t, err)
			return tryRulesCommand{At: moment{noon}, Merchant: "acme"}.try(t.Context(), set, *posted, store, out)
		})
		require.Regexp(t, line, out)
	}
}

// A body that is not a transaction is refused as the API refuses it.
func TestTryRulesFaults(t *testing.T) {
	for body, fault := range map[string]string{
		`nonsense`: "the transaction on the standard input: the body is not JSON",
		`{}`: "the transaction on the standard input is not as POST /transact takes it:\n" +
			"  #/order is required\n  #/paymentMethod is required\n  #/payment is required",
		strings.Repeat(" ", api.MaxBody+1):                                                  "the transaction is larger than 64 KiB: POST /transact refuses it",
		strings.Replace(api.SeedExample, "avengers 4 spoilers book", "1234567887654321", 1): "  #/order/name must not hold the card number",
	} {
		_, err := readBody(strings.NewReader(body), "", false)
		require.ErrorContains(t, err, fault)
		require.NotContains(t, err.Error(), "1234567887654321")
	}
}

func TestTryRulesHidesCardNumber(t *testing.T) {
	out, notes := try(t, tryRulesCommand{At: moment{noon}}, noPastUses{})
	require.NotContains(t, out+notes, "1234567887654321")
}

func TestTryRulesStandardInput(t *testing.T) {
	setEnvironment(t, map[string]string{"LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "none.db")})
	for args, code := range map[string]int{
		"rules try default":                             0,
		`rules try default --seen=card.count("10m")=4`:  0,
		"rules try default --at=2026-11-02T23:30:00Z":   0,
		"rules try default --history":                   exitFailure, // there is no ledger
		"rules try " + filepath.Join(t.TempDir(), "no"): exitFailure,
	} {
		standardInput(t, api.SeedExample)
		require.Equal(t, code, execute(t.Context(), strings.Fields(args)), args)
	}
}

// Order ids that look like card numbers are taken as the api takes them.
func TestTryRulesOrderID(t *testing.T) {
	body := strings.Replace(api.SeedExample, "1234,", `"4242424242424242",`, 1)
	for setting, code := range map[string]int{"true": 0, "false": exitFailure, "": exitFailure, "perhaps": exitConfig} {
		setEnvironment(t, map[string]string{"ORDER_ID_MAY_LOOK_LIKE_A_CARD": setting})
		standardInput(t, body)
		require.Equal(t, code, execute(t.Context(), []string{"rules", "try", "default"}), setting)
	}
}

// try decides about the demo's request with the built-in ruleset.
func try(t *testing.T, c tryRulesCommand, history fraud.VelocityReader) (out, notes string) {
	t.Helper()
	return tryBody(t, c, api.SeedExample, history)
}

func tryBody(t *testing.T, c tryRulesCommand, body string, history fraud.VelocityReader) (out, notes string) {
	t.Helper()
	posted, err := readBody(strings.NewReader(body), aKey, false)
	require.NoError(t, err)
	return captured(t, func(out output) error {
		return c.try(t.Context(), rules.Default(), *posted, history, out)
	})
}

// captured returns what a command writes, with DIGEST in place of the built-in ruleset's digest.
func captured(t *testing.T, do func(output) error) (out, notes string) {
	t.Helper()
	var results, progress bytes.Buffer
	require.NoError(t, do(output{results: &results, progress: &progress}))
	return strings.ReplaceAll(results.String(), rules.Default().Ruleset().Digest[:len("sha256:")+12], "DIGEST"), progress.String()
}

// before returns the text before a part of it.
func before(t *testing.T, text, part string) string {
	t.Helper()
	at := strings.Index(text, part)
	require.Positive(t, at, text)
	return text[:at]
}

func openTestLedger(t *testing.T) *ledgerdb.Ledger {
	t.Helper()
	return ledgertest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
}

// accepted returns a transaction that was just accepted: the ledger holds nothing else about it.
func accepted(t *testing.T) ledger.Entry {
	t.Helper()
	number, err := card.ParseNumber("1234567887654321")
	require.NoError(t, err)
	amount := money.Money{Minor: 12300, Currency: "INR"}
	posted := transaction.Transaction{
		ID: "t-1", Order: transaction.Order{ID: "1234", Cost: amount}, PaymentMethod: "amazonpay",
		Payment:  transaction.Payment{Card: card.NewDescriber([]byte(aKey)).Describe(number), Type: "wallet", Amount: amount},
		Customer: &transaction.Customer{ID: "c-1", Email: "jo@example.com"}, IP: "203.0.113.7",
	}
	return ledger.Entry{Record: *ledger.Open(posted, noon), Transaction: posted, Mark: ledger.Mark{At: noon, Number: 1}}
}

func cardCount(window time.Duration) velocity.Feature {
	return velocity.Feature{Measure: velocity.Count, By: velocity.Card, Window: window}
}

// count adds a transaction with the same card to the history.
func count(t *testing.T, store fraud.VelocityStore, number int, at time.Time) {
	t.Helper()
	c := fraud.Check{Transaction: accepted(t).Transaction, StartTime: at, AsOf: at, Number: 1}
	c.ID = "earlier-" + string(rune('a'+number))
	_, err := store.Decide(t.Context(), c, velocity.Of(c.Transaction, at, nil), nil, func(velocity.Past) fraud.Decision { return fraud.Decision{} })
	require.NoError(t, err)
}

// standardInput makes a text the process's standard input until the test ends.
func standardInput(t *testing.T, text string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stdin")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	file, err := os.Open(name)
	require.NoError(t, err)
	was := os.Stdin
	os.Stdin = file
	t.Cleanup(func() { os.Stdin = was; _ = file.Close() })
}
