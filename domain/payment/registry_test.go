package payment_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		assert.Equal(t, want, registry.For(method).Name(), method)
	}
}

func TestRegistryOnlyFallback(t *testing.T) {
	assert.Equal(t, "fallback", payment.NewRegistry(named{name: "fallback"}, nil).For("amazonpay").Name())
}

// The gateway of a payment is found by its name, also if its method now goes to another.
func TestRegistryChosen(t *testing.T) {
	registry := payment.NewRegistry(named{name: "fallback"}, map[string]payment.Gateway{
		"amazonpay": named{name: "amazon"},
		"paytm":     named{name: "stripe"},
	})
	for chosen, want := range map[string]string{"stripe": "stripe", "fallback": "fallback", "": "amazon"} {
		gateway, err := registry.Chosen(chosen, "amazonpay")
		require.NoError(t, err, "begun with %q: %v", chosen, gateway)
		assert.Equal(t, want, gateway.Name(), "begun with %q: %v", chosen, gateway)
	}
	_, err := registry.Chosen("gone", "amazonpay")
	require.Error(t, err)
	assert.False(t, payment.IsDeclined(err))
}
