package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/payment"
	"dummyorders/gateways/simulated"
	"dummyorders/gateways/stripe"
	"dummyorders/internal/spelling"
)

// These are the gateways that PAYMENT_GATEWAYS may name, and the method that stands for every other. Refuse declines;
// it also applies to methods that have no gateway.
const (
	simulatedGateway = "simulated"
	stripeGateway    = "stripe"
	refuseGateway    = "refuse"
	otherMethods     = "*"
)

var gatewayNames = []string{simulatedGateway, stripeGateway, refuseGateway}

// ownGateway lists the methods that have a simulated gateway of their own name, even if only * names it.
var ownGateway = []string{"paytm", "icicidebit", "icici-debit", "amazonpay"}

// stripeAPI is the URL of Stripe itself.
const stripeAPI = "https://api.stripe.com"

// stripeForgets is the least time for which Stripe keeps idempotency keys,
// https://docs.stripe.com/api/idempotent_requests. A hold that is requested again after that is a second hold.
const stripeForgets = 24 * time.Hour

// gateways returns the gateway of each payment method.
func (e environment) gateways(v *values) *payment.Registry {
	named := v.paymentGateways("PAYMENT_GATEWAYS", e.PaymentGateways)
	if named[otherMethods] == simulatedGateway {
		for _, method := range ownGateway {
			if _, otherwise := named[method]; !otherwise {
				named[method] = simulatedGateway
			}
		}
	}
	if slices.Contains(slices.Collect(maps.Values(named)), simulatedGateway) {
		e.refuseDouble(v, "PAYMENT_GATEWAYS="+strconv.Quote(e.PaymentGateways), "must name no simulated gateway, which moves no money, such as in card:stripe,*:refuse")
	}
	stripe, refuse := e.stripe(v, named), payment.Refuse{Known: methodsOf(named)}
	fallback, byMethod := payment.Gateway(simulated.New("simulated-default")), map[string]payment.Gateway{}
	for method, name := range named {
		gateway := payment.Gateway(refuse)
		switch name {
		case stripeGateway:
			gateway = stripe
		case simulatedGateway:
			gateway = simulated.New("simulated-" + method)
		}
		switch {
		case method != otherMethods:
			byMethod[method] = gateway
		case name != simulatedGateway:
			fallback = gateway
		}
	}
	return payment.NewRegistry(fallback, byMethod)
}

// paymentMethods returns the methods that have a gateway, so that the api can refuse the others. It returns nil if
// every method has one.
func (e environment) paymentMethods(v *values) []string {
	named := v.paymentGateways("PAYMENT_GATEWAYS", e.PaymentGateways)
	if named[otherMethods] != refuseGateway {
		return nil
	}
	return methodsOf(named)
}

// methodsOf returns the methods of a list that are not refused, in order.
func methodsOf(named map[string]string) []string {
	methods := []string{}
	for method, gateway := range named {
		if method != otherMethods && gateway != refuseGateway {
			methods = append(methods, method)
		}
	}
	slices.Sort(methods)
	return methods
}

// doubles lists the values that TEST_DOUBLES may have.
var doubles = []string{"auto", "allow", "refuse"}

// refuseDouble records a fault if a setting uses a stand-in, such as a simulated gateway, where payments are real. By
// default, payments are real if there is a live Stripe key.
func (e environment) refuseDouble(v *values, setting, right string) {
	allowed := v.oneOf("TEST_DOUBLES", e.TestDoubles, doubles)
	if allowed == "refuse" || allowed == "auto" && isLive(e.StripeAPIKey) {
		v.faults = append(v.faults, fmt.Sprintf("%s: %s, where payments are real (STRIPE_API_KEY is a live key, or TEST_DOUBLES=refuse); "+
			"TEST_DOUBLES=allow takes it all the same", setting, right))
	}
}

// isLive reports whether real money moves with a key. It does not check the key otherwise.
func isLive(key string) bool {
	key = strings.TrimSpace(key)
	return strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_")
}

// stripe returns the gateway of the one Stripe account, for all its methods, or nil if no method uses it.
func (e environment) stripe(v *values, named map[string]string) payment.Gateway {
	if !slices.Contains(slices.Collect(maps.Values(named)), stripeGateway) {
		return nil
	}
	live := isLive(e.StripeAPIKey) && strings.TrimSpace(e.StripeAPIKey) == e.StripeAPIKey
	test := strings.HasPrefix(e.StripeAPIKey, "sk_test_") || strings.HasPrefix(e.StripeAPIKey, "rk_test_")
	if !live && !test {
		v.wrongSecret("STRIPE_API_KEY", "the secret key of a Stripe account, sk_live_… or sk_test_…, since PAYMENT_GATEWAYS names stripe")
	}
	if !isWebURL(e.StripeURL) || live && !strings.HasPrefix(e.StripeURL, "https:") {
		v.wrong("STRIPE_URL", e.StripeURL, "https://api.stripe.com, or with a test key the URL of a stand-in")
	}
	if d, err := time.ParseDuration(e.PaymentDeadline); err == nil && d >= stripeForgets {
		v.wrong("PAYMENT_DEADLINE", e.PaymentDeadline, "less than 24h if PAYMENT_GATEWAYS names stripe, which keeps idempotency keys for 24h")
	}
	return stripe.New(e.StripeAPIKey, e.StripeURL)
}

// paymentGateways parses a list such as "card:stripe,*:refuse" into gateways by method, in the spelling that is stored.
func (v *values) paymentGateways(name, value string) map[string]string {
	const right = "method:gateway pairs, each method once, each gateway simulated, stripe or refuse, such as card:stripe,*:refuse"
	named := map[string]string{}
	for entry := range strings.SplitSeq(value, ",") {
		method, gateway, _ := strings.Cut(entry, ":")
		method, gateway = spelling.PaymentMethod(method), strings.TrimSpace(gateway)
		_, twice := named[method]
		if twice || method == "" || !slices.Contains(gatewayNames, gateway) {
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
