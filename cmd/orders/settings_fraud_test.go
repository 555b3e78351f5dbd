package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// The detector is the one that is named.
func TestDetector(t *testing.T) {
	for name, want := range map[string]fraud.Detector{"rules": &fraud.Rules{}, "dummy": fraud.Dummy{}, "limit": &fraud.Limit{}} {
		v := &values{}
		check := environment{FraudDetector: name, TestDoubles: "auto", FraudRuleset: "default", RulesFrom: "files", LedgerURL: "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"), AuditStream: "none"}.fraudCheck(v, slog.Default())
		require.NoError(t, v.err())
		require.IsType(t, want, check.detector)
		require.NoError(t, check.close())
	}
}

// An address that is not counted is logged once. A shop that posts its proxy's address posts it with every transaction.
func TestWarnOfAddresses(t *testing.T) {
	var logged strings.Builder
	warn := warnOfAddresses(slog.New(slog.NewTextHandler(&logged, nil)))
	for range 100 {
		warn(fraud.Check{Transaction: transaction.Transaction{ID: "0199", IP: "10.0.0.7"}})
	}
	require.Equal(t, 1, strings.Count(logged.String(), "\n"), logged.String())
	require.Contains(t, logged.String(), "level=WARN msg=\"A posted ip is not an address of the internet")
	require.Contains(t, logged.String(), "ip=10.0.0.7")
}

func TestBuiltInRuleset(t *testing.T) {
	v := &values{}
	check := environment{FraudDetector: "rules", FraudRuleset: "default", RulesFrom: "files", LedgerURL: "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"), AuditStream: "none"}.fraudCheck(v, slog.Default())
	require.NoError(t, v.err())
	detector, _ := check.detector.(*fraud.Rules)
	require.Nil(t, detector.Live(), "the entries of its lists are not known yet")
	require.NoError(t, check.velocity.Migrate(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	var watches sync.WaitGroup
	for _, watch := range check.watches {
		watches.Go(func() { assert.NoError(t, watch(ctx)) })
	}
	require.Eventually(t, func() bool { return detector.Live() != nil }, time.Minute, 10*time.Millisecond)
	cancel()
	watches.Wait()
	require.Equal(t, "default", detector.Live().Ruleset().ID)
	require.Nil(t, detector.Shadow)
	require.NoError(t, check.close())
}

// A ruleset that cannot decide is refused before the process starts.
func TestBrokenRuleset(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "mine")
	require.NoError(t, initRulesCommand{Folder: broken}.init(output{results: io.Discard}))
	require.NoError(t, os.WriteFile(filepath.Join(broken, "ruleset.yaml"), []byte("id: mine\nversion: one\n"), 0o600))
	for _, name := range []string{"FRAUD_RULESET", "FRAUD_SHADOW_RULESET"} {
		faults := faultsOf(t, "fraud-police", map[string]string{name: filepath.Join(broken, "missing")})
		require.Len(t, faults, 1)
		require.Contains(t, faults[0], name+": ")
		require.Contains(t, faults[0], "missing")

		faults = faultsOf(t, "fraud-police", map[string]string{name: broken})
		require.Len(t, faults, 1)
		require.Contains(t, faults[0], name+": ")
		require.Contains(t, faults[0], "ruleset.yaml:2:10")
	}
}

func TestUnusedLimitsAreRefused(t *testing.T) {
	for _, detector := range []string{"", "rules", "dummy"} {
		faults := faultsOf(t, "fraud-police", map[string]string{
			"FRAUD_DETECTOR": detector, "FRAUD_LIMIT_REVIEW": "INR:5", "FRAUD_LIMIT_DECLINE": "INR:7", "LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"),
		})
		require.Len(t, faults, 2)
		require.Contains(t, faults[0], `FRAUD_LIMIT_DECLINE="INR:7": must be left out where FRAUD_DETECTOR is `)
		require.Contains(t, faults[1], `FRAUD_LIMIT_REVIEW="INR:5": must be left out`)
		require.Contains(t, faults[1], `payment.amount > 1200`)
	}
	for name, value := range map[string]string{"FRAUD_LIMIT_REVIEW": defaults(t)["FRAUD_LIMIT_REVIEW"], "FRAUD_LIMIT_DECLINE": ""} { // as in a copy of env
		faults := faultsOf(t, "fraud-police", map[string]string{name: value, "FRAUD_RULESET": "missing", "LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")})
		require.Len(t, faults, 1)
		require.Contains(t, faults[0], "FRAUD_RULESET")
	}
}

func TestWrongLimits(t *testing.T) {
	const pairs = "currency:amount pairs, each currency once, such as INR:100000,USD:1200 "
	for _, c := range []struct{ name, value, right string }{
		{"FRAUD_LIMIT_REVIEW", "100000", pairs + `(at "100000")`},
		{"FRAUD_LIMIT_REVIEW", "USD:1, INR=5", pairs + `(at "INR=5")`},
		{"FRAUD_LIMIT_REVIEW", "USD:1.234", pairs + `(at "USD:1.234")`},
		{"FRAUD_LIMIT_DECLINE", "INR:2000000,XYZ:1", pairs + `(at "XYZ:1")`},
		{"FRAUD_LIMIT_DECLINE", "INR:2000000,INR:1", pairs + `(at "INR:1")`},
		{
			"FRAUD_LIMIT_REVIEW", "INR:200000.01",
			"at most FRAUD_LIMIT_DECLINE in each currency: the review limit INR 200000.01 is above the decline limit INR 200000.00",
		},
	} {
		want := fmt.Sprintf("%s=%q: must be %s", c.name, c.value, c.right)
		require.Equal(t, []string{want}, faultsOf(t, "fraud-police", map[string]string{"FRAUD_DETECTOR": "limit", c.name: c.value}))
	}
	require.Equal(t, []string{`REVIEW_SECOND_FROM="100000": must be ` + pairs + `(at "100000")`},
		faultsOf(t, "worker", map[string]string{"REVIEW_SECOND_FROM": "100000"}))
}

func TestReviewAssign(t *testing.T) {
	v := &values{}
	assert.Equal(t, review.Queues{
		{Who: "seniors", From: money.Money{Minor: 100_000_00, Currency: "INR"}},
		{Who: "a=b", From: money.Money{Currency: "EUR"}, Merchant: "acme"},
		{Who: "bob@example.com", Merchant: "beta"},
	}, v.queues("REVIEW_ASSIGN", "INR:100000=seniors, EUR@acme = a=b,@beta=bob@example.com,"))
	assert.Empty(t, v.faults)
	for _, wrong := range []string{"seniors", "=seniors", "EUR=", "EURO=seniors", "EUR:x=seniors", "@=seniors", "@a b=seniors", "@acme@beta=seniors"} {
		v := &values{}
		assert.Nil(t, v.queues("REVIEW_ASSIGN", "EUR=jo,"+wrong))
		require.Len(t, v.faults, 1, wrong)
		assert.Contains(t, v.faults[0], fmt.Sprintf("(at %q)", wrong))
	}
}
