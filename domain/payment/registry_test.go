package payment_test

import (
	"testing"

	"dummyorders/domain/payment"
)

// named is a gateway that has only a name.
type named struct {
	payment.Gateway

	name string
}

func (n named) Name() string { return n.name }

// A method goes to its gateway and any other to the fallback.
func TestRegistryFor(t *testing.T) {
	registry := payment.NewRegistry(named{name: "fallback"}, map[string]payment.Gateway{
		"amazonpay": named{name: "amazon"},
		"paytm":     named{name: "paytm"},
	})
	for method, want := range map[string]string{
		"amazonpay": "amazon", "paytm": "paytm", "googlepay": "fallback", "AmazonPay": "fallback", "": "fallback",
	} {
		if got := registry.For(method).Name(); got != want {
			t.Errorf("the method %q goes to %s, want %s", method, got, want)
		}
	}
}

func TestRegistryOnlyFallback(t *testing.T) {
	if got := payment.NewRegistry(named{name: "fallback"}, nil).For("amazonpay").Name(); got != "fallback" {
		t.Errorf("amazonpay goes to %s, want fallback", got)
	}
}

// The gateway of a payment is found by its name, also if its method now goes to another.
func TestRegistryChosen(t *testing.T) {
	registry := payment.NewRegistry(named{name: "fallback"}, map[string]payment.Gateway{
		"amazonpay": named{name: "amazon"},
		"paytm":     named{name: "stripe"},
	})
	for chosen, want := range map[string]string{"stripe": "stripe", "fallback": "fallback", "": "amazon"} {
		gateway, err := registry.Chosen(chosen, "amazonpay")
		if err != nil || gateway.Name() != want {
			t.Errorf("begun with %q: %v, %v; want %s", chosen, gateway, err, want)
		}
	}
	if _, err := registry.Chosen("gone", "amazonpay"); err == nil || payment.IsDeclined(err) {
		t.Errorf("a gateway that is not configured is %v; want an error that is tried again", err)
	}
}
