package stripe_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
)

type intent struct {
	id, status, token string
	amount            int64
	metadata          url.Values
	captures, refunds int
}

type refund struct{ id, intent string }

func (f *fake) tokenOf(id string, form url.Values) string {
	if id == "" {
		id = form.Get("payment_intent")
	}
	if i := f.intents[id]; i != nil {
		return i.token
	}
	return form.Get("payment_method")
}

func (f *fake) create(_ string, form url.Values) (int, object) {
	i := &intent{
		id: "pi_" + strings.ReplaceAll(uuid.NewString(), "-", ""), status: "requires_capture",
		token: form.Get("payment_method"), metadata: form,
	}
	automatic := form.Get("capture_method") == "automatic"
	known := (automatic || form.Get("capture_method") == "manual") && form.Get("confirm") == "true"
	if _, err := fmt.Sscan(form.Get("amount"), &i.amount); err != nil || !known || len(form.Get("currency")) != 3 {
		f.t.Errorf("a PaymentIntent of %v", form)
	}
	switch i.token {
	case "pm_card_visa_chargeDeclinedInsufficientFunds":
		return failed(402, "card_error", "card_declined", object{"decline_code": "insufficient_funds"})
	case "pm_card_threeDSecure2Required":
		if form.Get("error_on_requires_action") == "true" {
			return failed(402, "card_error", "authentication_required", nil)
		}
		i.status = "requires_action"
	case "pm_none":
		return failed(400, "invalid_request_error", "resource_missing", object{"param": "payment_method"})
	}
	f.intents[i.id] = i
	if automatic && i.status == "requires_capture" {
		return f.move(i.id, "succeeded", "requires_capture")
	}
	return 200, i.json()
}

func (f *fake) capture(id string, _ url.Values) (int, object) {
	return f.move(id, "succeeded", "requires_capture")
}

func (f *fake) cancel(id string, _ url.Values) (int, object) {
	return f.move(id, "canceled", "requires_capture", "requires_action")
}

func (f *fake) move(id, to string, from ...string) (int, object) {
	i := f.intents[id]
	switch {
	case i == nil:
		return failed(404, "invalid_request_error", "resource_missing", nil)
	case !slices.Contains(from, i.status):
		return failed(400, "invalid_request_error", "payment_intent_unexpected_state", object{"payment_intent": i.json()})
	case to == "succeeded" && i.token == "pm_uncapturable" && i.metadata.Get("capture_method") == "automatic":
		i.status = "requires_payment_method"
		fallthrough
	case to == "succeeded" && i.token == "pm_uncapturable":
		return failed(402, "card_error", "card_declined", object{"decline_code": "generic_decline"})
	case to == "succeeded":
		i.captures++
	}
	i.status = to
	return 200, i.json()
}

func (f *fake) refund(_ string, form url.Values) (int, object) {
	i := f.intents[form.Get("payment_intent")]
	switch {
	case i == nil:
		return failed(404, "invalid_request_error", "resource_missing", nil)
	case i.status != "succeeded":
		f.t.Errorf("a refund was asked for of a PaymentIntent that is %s", i.status)
		i.status = "canceled" // as Stripe does with charges that are not captured
	case i.refunds > 0:
		return failed(400, "invalid_request_error", "charge_already_refunded", nil)
	default:
		i.refunds++
	}
	r := &refund{id: "re_" + uuid.NewString(), intent: i.id}
	f.refunds = append(f.refunds, r)
	return 200, r.json()
}

func (f *fake) retrieve(id string, _ url.Values) (int, object) {
	if i := f.intents[id]; i != nil {
		return 200, i.json()
	}
	return failed(404, "invalid_request_error", "resource_missing", nil)
}

// search knows the one query that the gateway asks.
func (f *fake) search(_ string, form url.Values) (int, object) {
	found := []object{}
	if f.blind != 0 {
		return failed(f.blind, "invalid_request_error", "", nil)
	}
	for _, i := range f.intents {
		query := fmt.Sprintf(`metadata["transactionID"]:%q AND metadata["idempotencyKey"]:%q`,
			i.metadata.Get("metadata[transactionID]"), i.metadata.Get("metadata[idempotencyKey]"))
		if query == form.Get("query") {
			found = append(found, i.json())
		}
	}
	return 200, object{"object": "search_result", "data": found, "has_more": false}
}

func (f *fake) listRefunds(_ string, form url.Values) (int, object) {
	found := []object{}
	for _, r := range f.refunds {
		if r.intent == form.Get("payment_intent") {
			found = append(found, r.json())
		}
	}
	return 200, object{"object": "list", "data": found, "has_more": false}
}

func (i *intent) json() object {
	o := object{
		"id": i.id, "object": "payment_intent", "status": i.status, "amount": i.amount, "currency": i.metadata.Get("currency"),
		"client_secret": clientSecret,
	}
	if i.captures > 0 {
		o["latest_charge"] = "ch_" + i.id
	}
	return o
}

func (r *refund) json() object {
	return object{"id": r.id, "object": "refund", "payment_intent": r.intent, "status": "succeeded"}
}
