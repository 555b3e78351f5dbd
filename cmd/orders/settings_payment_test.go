package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/payment"
)

const (
	aStripeKey = "sk_test_canary_7e1c"
	aLiveKey   = "sk_live_canary_7e1c"
)

func withGateways(list string) environment {
	return environment{
		PaymentGateways: list, StripeAPIKey: aStripeKey, StripeURL: "https://api.stripe.com", PaymentDeadline: "15m",
	}
}

func TestEachMethodGoesToTheGatewayThatIsNamedForIt(t *testing.T) {
	for list, want := range map[string]map[string]string{
		"*:simulated": {
			"paytm": "paytm", "icicidebit": "icicidebit", "icici-debit": "icici-debit", "amazonpay": "amazonpay",
			"card": "default", "": "default", "*": "default",
		},
		"card:stripe,*:simulated":                  {"card": "stripe", "paytm": "paytm", "gpay": "default"},
		" card : stripe , gpay:simulated,*:stripe": {"card": "stripe", "gpay": "gpay", "paytm": "stripe", "": "stripe"},
		"*:simulated,amazonpay:stripe":             {"amazonpay": "stripe", "paytm": "paytm"},
	} {
		v := &values{}
		registry := withGateways(list).gateways(v)
		require.NoError(t, v.err(), list)
		for method, name := range want {
			require.Equal(t, name, registry.For(method).Name(), "%s of %s", method, list)
		}
	}
}

func TestAMethodKeepsOneGatewayForItsWholeLife(t *testing.T) {
	registry := withGateways("card:stripe,gpay:stripe,*:simulated").gateways(&values{})
	require.Same(t, registry.For("card"), registry.For("gpay"), "there is one account at Stripe")
	first, again := registry.For("paytm"), registry.For("paytm")
	require.Same(t, first, again)
	require.NotSame(t, registry.For("paytm"), registry.For("amazonpay"))
}

func TestAWrongListOfGatewaysIsToldWithWhereItIsWrong(t *testing.T) {
	const pairs = "method:gateway pairs, each method once, each gateway simulated or stripe, such as card:stripe,*:simulated"
	for list, where := range map[string]string{
		"card:paypal,*:simulated":                ` (at "card:paypal")`,
		"card:Stripe,*:simulated":                ` (at "card:Stripe")`,
		"card:stripe,card:simulated,*:simulated": ` (at "card:simulated")`,
		"*:simulated,*:stripe":                   ` (at "*:stripe")`,
		"card,*:simulated":                       ` (at "card")`,
		":stripe,*:simulated":                    ` (at ":stripe")`,
		"*:simulated,":                           ` (at "")`,
		"card:stripe":                            "; * is missing, which is every other method",
	} {
		v := &values{}
		registry := withGateways(list).gateways(v)
		require.Equal(t, []string{`PAYMENT_GATEWAYS="` + list + `": must be ` + pairs + where}, v.faults)
		require.Implements(t, (*payment.Gateway)(nil), registry.For("card"))
	}
}

func TestWhatStripeNeedsIsAskedForOnlyWhereAMethodGoesThere(t *testing.T) {
	const (
		key      = "STRIPE_API_KEY: must be the secret key of a Stripe account, sk_live_… or sk_test_…, since PAYMENT_GATEWAYS names stripe"
		url      = ": must be https://api.stripe.com, or with a test key the URL of a stand-in"
		deadline = `PAYMENT_DEADLINE="24h": must be less than 24h where PAYMENT_GATEWAYS names stripe, which keeps idempotency keys no longer`
	)
	for _, c := range []struct {
		change func(*environment)
		want   []string
	}{
		{func(*environment) {}, nil},
		{func(e *environment) { e.StripeAPIKey = "" }, []string{key}},
		{func(e *environment) { e.StripeAPIKey = "pk_test_canary" }, []string{key}},
		{func(e *environment) { e.StripeAPIKey = "rk_test_canary" }, nil},
		{func(e *environment) { e.StripeURL = "" }, []string{`STRIPE_URL=""` + url}},
		{func(e *environment) { e.StripeURL = "http://localhost:12111" }, nil},
		{func(e *environment) { e.StripeURL, e.StripeAPIKey = "http://localhost:12111", aLiveKey }, []string{`STRIPE_URL="http://localhost:12111"` + url}},
		{func(e *environment) { e.StripeAPIKey = aLiveKey }, nil},
		{func(e *environment) { e.StripeURL = "localhost" }, []string{`STRIPE_URL="localhost": must be a URL such as http://localhost:8233, or empty`}},
		{func(e *environment) { e.PaymentDeadline = "24h" }, []string{deadline}},
		{func(e *environment) { e.PaymentDeadline = "23h59m" }, nil},
		{func(e *environment) { e.StripeAPIKey, e.PaymentDeadline = "canary", "24h" }, []string{key, deadline}},
	} {
		env := withGateways("card:stripe,*:simulated")
		c.change(&env)
		v := &values{}
		env.gateways(v)
		require.Equal(t, c.want, v.faults)
		require.NotContains(t, strings.Join(v.faults, ""), "canary")

		env.PaymentGateways = "*:simulated"
		v = &values{}
		env.gateways(v)
		require.NoError(t, v.err())
	}
}
