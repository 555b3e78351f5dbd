package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/payment"
	"dummyorders/gateways/simulated"
	"dummyorders/gateways/stripe"
)

// The gateways that PAYMENT_GATEWAYS may name, and the method that stands for every other.
const (
	simulatedGateway = "simulated"
	stripeGateway    = "stripe"
	otherMethods     = "*"
)

// ownGateway are the methods that have a simulated gateway of their own name, also where only * names it.
var ownGateway = []string{"paytm", "icicidebit", "icici-debit", "amazonpay"}

// stripeForgets is how long Stripe keeps idempotency keys at least, https://docs.stripe.com/api/idempotent_requests.
// Whoever asks for a hold again after that makes a second one.
const stripeForgets = 24 * time.Hour

// gateways is which gateway each payment method is paid through.
func (e environment) gateways(v *values) *payment.Registry {
	named := v.paymentGateways("PAYMENT_GATEWAYS", e.PaymentGateways)
	if named[otherMethods] == simulatedGateway {
		for _, method := range ownGateway {
			if _, otherwise := named[method]; !otherwise {
				named[method] = simulatedGateway
			}
		}
	}
	stripe := e.stripe(v, named)
	fallback, byMethod := payment.Gateway(simulated.New("default")), map[string]payment.Gateway{}
	for method, gateway := range named {
		switch {
		case gateway == stripeGateway && method == otherMethods:
			fallback = stripe
		case gateway == stripeGateway:
			byMethod[method] = stripe
		case method != otherMethods:
			byMethod[method] = simulated.New(method)
		}
	}
	return payment.NewRegistry(fallback, byMethod)
}

// stripe is the one Stripe account, for all the methods that go there; nil where none does.
func (e environment) stripe(v *values, named map[string]string) payment.Gateway {
	if !slices.Contains(slices.Collect(maps.Values(named)), stripeGateway) {
		return nil
	}
	live := strings.HasPrefix(e.StripeAPIKey, "sk_live_") || strings.HasPrefix(e.StripeAPIKey, "rk_live_")
	test := strings.HasPrefix(e.StripeAPIKey, "sk_test_") || strings.HasPrefix(e.StripeAPIKey, "rk_test_")
	if !live && !test {
		v.wrongSecret("STRIPE_API_KEY", "the secret key of a Stripe account, sk_live_… or sk_test_…, since PAYMENT_GATEWAYS names stripe")
	}
	if url := v.webURL("STRIPE_URL", e.StripeURL); url == "" || live && !strings.HasPrefix(url, "https:") {
		v.wrong("STRIPE_URL", url, "https://api.stripe.com, or with a test key the URL of a stand-in")
	}
	if d, err := time.ParseDuration(e.PaymentDeadline); err == nil && d >= stripeForgets {
		v.wrong("PAYMENT_DEADLINE", e.PaymentDeadline, "less than 24h where PAYMENT_GATEWAYS names stripe, which keeps idempotency keys no longer")
	}
	return stripe.New(e.StripeAPIKey, e.StripeURL)
}

// paymentGateways is a list such as "card:stripe,*:simulated", by method.
func (v *values) paymentGateways(name, value string) map[string]string {
	const right = "method:gateway pairs, each method once, each gateway simulated or stripe, such as card:stripe,*:simulated"
	named := map[string]string{}
	for entry := range strings.SplitSeq(value, ",") {
		method, gateway, _ := strings.Cut(entry, ":")
		method, gateway = strings.TrimSpace(method), strings.TrimSpace(gateway)
		_, twice := named[method]
		if twice || method == "" || gateway != simulatedGateway && gateway != stripeGateway {
			v.wrong(name, value, fmt.Sprintf("%s (at %q)", right, entry))
			return map[string]string{}
		}
		named[method] = gateway
	}
	if _, set := named[otherMethods]; !set {
		v.wrong(name, value, right+"; * is missing, which is every other method")
	}
	return named
}
