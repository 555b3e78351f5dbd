package main

import (
	"maps"
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
		PaymentGateways: list, TestDoubles: "auto", StripeAPIKey: aStripeKey, StripeURL: "https://api.stripe.com", PaymentDeadline: "15m",
	}
}

// Each method goes to the gateway that is named for it.
func TestGateways(t *testing.T) {
	for list, want := range map[string]map[string]string{
		"*:simulated": {
			"paytm": "simulated-paytm", "icicidebit": "simulated-icicidebit", "icici-debit": "simulated-icici-debit",
			"amazonpay": "simulated-amazonpay", "card": "simulated-default", "": "simulated-default", "*": "simulated-default",
		},
		"card:stripe,*:simulated":                  {"card": "stripe", "paytm": "simulated-paytm", "gpay": "simulated-default"},
		" card : stripe , gpay:simulated,*:stripe": {"card": "stripe", "gpay": "simulated-gpay", "paytm": "stripe", "": "stripe"},
		"*:simulated,amazonpay:stripe":             {"amazonpay": "stripe", "paytm": "simulated-paytm"},
		"card:stripe,*:refuse":                     {"card": "stripe", "paytm": "refuse", "": "refuse"},
		"paytm:refuse,*:simulated":                 {"paytm": "refuse", "card": "simulated-default"},
		"CARD:stripe, Amazon Pay :stripe,*:refuse": {"card": "stripe", "amazon pay": "stripe"},
	} {
		v := &values{}
		registry := withGateways(list).gateways(v)
		require.NoError(t, v.err(), list)
		for method, name := range want {
			require.Equal(t, name, registry.For(method).Name(), "%s of %s", method, list)
		}
	}
}

// A method keeps one gateway for the life of the process.
func TestGatewayIsMadeOnce(t *testing.T) {
	registry := withGateways("card:stripe,gpay:stripe,*:simulated").gateways(&values{})
	require.Same(t, registry.For("card"), registry.For("gpay"), "there is one account at Stripe")
	first, again := registry.For("paytm"), registry.For("paytm")
	require.Same(t, first, again)
	require.NotSame(t, registry.For("paytm"), registry.For("amazonpay"))
}

// The methods that the API takes are those that the worker pays.
func TestAPIMethodsAreWorkersMethods(t *testing.T) {
	for list, want := range map[string][]string{
		"*:simulated":                      nil,
		"card:stripe,*:stripe":             nil,
		"Card:stripe,gpay:refuse,*:refuse": {"card"},
		"*:refuse":                         {},
	} {
		require.Equal(t, want, withGateways(list).paymentMethods(&values{}), list)
	}
}

// A wrong list of gateways is refused with its place.
func TestWrongGateways(t *testing.T) {
	const pairs = "method:gateway pairs, each method once, each gateway simulated, stripe or refuse, such as card:stripe,*:refuse"
	for list, where := range map[string]string{
		"card:paypal,*:simulated":                ` (at "card:paypal")`,
		"card:Stripe,*:simulated":                ` (at "card:Stripe")`,
		"card:stripe,card:simulated,*:simulated": ` (at "card:simulated")`,
		"*:simulated,*:stripe":                   ` (at "*:stripe")`,
		"card:stripe,Card :refuse,*:refuse":      ` (at "Card :refuse")`,
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

// What Stripe needs is required only where a method goes there.
func TestStripeSettings(t *testing.T) {
	const (
		key      = "STRIPE_API_KEY: must be the secret key of a Stripe account, sk_live_… or sk_test_…, since PAYMENT_GATEWAYS names stripe"
		url      = ": must be https://api.stripe.com, or with a test key the URL of a stand-in"
		deadline = `PAYMENT_DEADLINE="24h": must be less than 24h if PAYMENT_GATEWAYS names stripe, which keeps idempotency keys for 24h`
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
		{func(e *environment) { e.StripeURL, e.StripeAPIKey = "localhost", aLiveKey }, []string{`STRIPE_URL="localhost"` + url}},
		{func(e *environment) { e.PaymentDeadline = "24h" }, []string{deadline}},
		{func(e *environment) { e.PaymentDeadline = "23h59m" }, nil},
		{func(e *environment) { e.StripeAPIKey, e.PaymentDeadline = "canary", "24h" }, []string{key, deadline}},
	} {
		env := withGateways("card:stripe,*:refuse")
		c.change(&env)
		v := &values{}
		env.gateways(v)
		require.Equal(t, c.want, v.faults)
		require.NotContains(t, strings.Join(v.faults, ""), "canary")

		env.PaymentGateways, env.TestDoubles = "*:simulated", "allow"
		v = &values{}
		env.gateways(v)
		require.NoError(t, v.err())
	}
}

// Where payments are real, test doubles are refused.
func TestNoTestDoublesWithStripe(t *testing.T) {
	for _, c := range []struct {
		name, process string
		vars          map[string]string
		fault         string // the beginning of the fault; empty if there is none
	}{
		{"a simulated gateway for the rest", "worker", map[string]string{"PAYMENT_GATEWAYS": "card:stripe,*:simulated", "STRIPE_API_KEY": aLiveKey}, `PAYMENT_GATEWAYS="card:stripe,*:simulated": must name no simulated gateway`},
		{"for one method", "worker", map[string]string{"PAYMENT_GATEWAYS": "card:stripe,gpay:simulated,*:refuse", "STRIPE_API_KEY": "rk_live_canary"}, `PAYMENT_GATEWAYS="card:stripe,gpay:simulated,*:refuse": must name`},
		{"the default", "worker", map[string]string{"STRIPE_API_KEY": aLiveKey}, `PAYMENT_GATEWAYS="*:simulated": must name`},
		{"space before the key", "worker", map[string]string{"STRIPE_API_KEY": " " + aLiveKey}, `PAYMENT_GATEWAYS="*:simulated": must name`},
		{"refused without a key", "worker", map[string]string{"TEST_DOUBLES": "refuse"}, `PAYMENT_GATEWAYS="*:simulated": must name`},
		{"the dummy detector", "fraud-police", map[string]string{"FRAUD_DETECTOR": "dummy", "STRIPE_API_KEY": aLiveKey}, "FRAUD_DETECTOR=dummy: must be rules or limit"},
		{"the development mail server", "alertman", map[string]string{"TEST_DOUBLES": "refuse"}, "SMTP_HOSTNAME=localhost and SMTP_PORT=1025: must be a mail server that delivers"},
		{"that of Compose", "alertman", map[string]string{"TEST_DOUBLES": "refuse", "SMTP_HOSTNAME": "mail"}, "SMTP_HOSTNAME=mail and SMTP_PORT=1025: must be"},
		{"another word", "worker", map[string]string{"TEST_DOUBLES": "yes"}, `TEST_DOUBLES="yes": must be one of auto, allow, refuse`},
	} {
		t.Run(c.name, func(t *testing.T) {
			vars := map[string]string{"RABBITMQ_PUBLISHER_URL": "amqp://orders:own@localhost/", "RABBITMQ_CONSUMER_URL": "amqp://alertman:own@localhost/"}
			maps.Copy(vars, c.vars)
			faults := faultsOf(t, c.process, vars)
			require.Len(t, faults, 1)
			require.True(t, strings.HasPrefix(faults[0], c.fault), faults[0])
			require.NotContains(t, faults[0], "canary")
		})
	}
	for _, e := range []environment{
		{PaymentGateways: "*:simulated", TestDoubles: "auto"},
		{PaymentGateways: "*:simulated", TestDoubles: "auto", StripeAPIKey: aStripeKey},
		{PaymentGateways: "*:simulated", TestDoubles: "allow", StripeAPIKey: aLiveKey},
		{PaymentGateways: "card:stripe,*:refuse", TestDoubles: "refuse", StripeAPIKey: aLiveKey, StripeURL: "https://api.stripe.com", PaymentDeadline: "15m"},
	} {
		v := &values{}
		e.gateways(v)
		require.NoError(t, v.err(), "%s with TEST_DOUBLES=%s", e.PaymentGateways, e.TestDoubles)
	}
}

// The API knows the methods that have a gateway.
func TestAPIMethods(t *testing.T) {
	for list, want := range map[string][]string{
		"*:simulated": nil, "card:stripe,*:stripe": nil, "Card:stripe,gpay:simulated,paytm:refuse,*:refuse": {"card", "gpay"},
	} {
		v := &values{}
		require.Equal(t, want, environment{PaymentGateways: list}.paymentMethods(v), list)
		require.NoError(t, v.err())
	}
}
