package routing

import (
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/internal/spelling"
	"dummyorders/internal/yamlfile"
)

// outcomes are those that a decision can have.
var outcomes = []string{string(fraud.Approve), string(fraud.Review), string(fraud.Decline), string(fraud.NotEvaluated)}

// types are the routing keys of all that this service tells.
func types() []string {
	keys := make([]string, len(alert.Types))
	for i, t := range alert.Types {
		keys[i] = t.RoutingKey()
	}
	return keys
}

func (r *reader) readCondition(v *yamlfile.Value) condition {
	if v.IsEmpty() || v.IsMapping() && len(v.Keys()) == 0 {
		v.Fault("must say when: leave it out where it is always")
		return nil
	}
	if !v.Mapping() {
		return nil
	}
	var c condition
	for _, value := range []struct {
		key   string
		known []string
		of    func(alert.Event) string
	}{
		{"type", types(), func(e alert.Event) string { return e.Type.RoutingKey() }},
		{"outcome", outcomes, func(e alert.Event) string { return string(e.Data.Decision.Outcome) }},
		{"payment_method", nil, func(e alert.Event) string { return spelling.PaymentMethod(e.Data.PaymentMethod) }},
		{"customer", nil, func(e alert.Event) string { return e.Data.CustomerID }},
	} {
		if member := v.Optional(value.key); member != nil {
			allowed := words(member, value.known...)
			if value.key == "payment_method" {
				for i, method := range allowed {
					allowed[i] = spelling.PaymentMethod(method)
				}
			}
			c = append(c, among(value.key, allowed, value.of))
		}
	}
	c = append(c, readScore(v.Optional("score"))...)
	c = append(c, readAmount(v.Optional("amount"))...)
	if inside := v.Optional("during"); inside != nil {
		if w, is := r.window(inside); is {
			c = append(c, during(w))
		}
	}
	if out := v.Optional("outside"); out != nil {
		if w, is := r.window(out); is {
			c = append(c, outside(w))
		}
	}
	v.RefuseUnknown()
	return c
}

// bounded says whether a span has one of its bounds at least.
func bounded(v *yamlfile.Value) bool {
	if v.Optional("at_least") == nil && v.Optional("below") == nil {
		v.Fault("must have at_least or below, or both")
		return false
	}
	return true
}

func readScore(v *yamlfile.Value) condition {
	if v == nil || !v.Mapping() {
		return nil
	}
	least, below := 0, fraud.MaxScore+1
	if bound := v.Optional("at_least"); bound != nil {
		least = bound.Whole(0, fraud.MaxScore)
	}
	if bound := v.Optional("below"); bound != nil {
		below = bound.Whole(1, fraud.MaxScore+1)
	}
	v.RefuseUnknown()
	if bounded(v) && least >= below {
		v.Fault("no score is at least %d and below %d", least, below)
	}
	return condition{scored(least, below)}
}

func readAmount(v *yamlfile.Value) condition {
	if v == nil || !v.Mapping() {
		return nil
	}
	code := v.Required("currency")
	currency, err := money.ParseCurrency(code.Words())
	if err != nil && code != nil && !code.IsEmpty() {
		code.Fault("%q %v", code.Text(), err)
	}
	least, below := readBound(v.Optional("at_least"), currency), readBound(v.Optional("below"), currency)
	v.RefuseUnknown()
	if bounded(v) && least != nil && below != nil && least.Minor >= below.Minor {
		v.Fault("no amount is at least %s and below %s", least, below)
	}
	return condition{worth(currency, least, below)}
}

func readBound(v *yamlfile.Value, currency money.Currency) *money.Money {
	if v == nil {
		return nil
	}
	text := v.Words()
	if _, err := currency.Digits(); text == "" || err != nil {
		return nil
	}
	amount, err := money.Parse(text, currency)
	if err != nil {
		v.Fault("%q %v", text, err)
		return nil
	}
	return &amount
}
