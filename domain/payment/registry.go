package payment

import "fmt"

// Registry finds the gateway for a payment method. Methods have one spelling, which the API's reader gives them.
type Registry struct {
	byMethod map[string]Gateway
	fallback Gateway
	former   map[string]Gateway
}

// NewRegistry sends each method to its gateway, and every other method to fallback.
func NewRegistry(fallback Gateway, byMethod map[string]Gateway) *Registry {
	return &Registry{byMethod: byMethod, fallback: fallback}
}

// Formerly notes names that gateways had in earlier versions: payments that began then ask for them by these.
func (r *Registry) Formerly(names map[string]Gateway) {
	r.former = names
}

// For never returns nil: a method that nobody has named goes to the fallback.
func (r *Registry) For(method string) Gateway {
	if gateway, named := r.byMethod[method]; named {
		return gateway
	}
	return r.fallback
}

// Chosen finds the gateway that was chosen for a payment, by its name: what a method goes to may have changed since. An
// empty name is that of the method's gateway now.
func (r *Registry) Chosen(name, method string) (Gateway, error) {
	if name == "" {
		return r.For(method), nil
	}
	if r.fallback.Name() == name {
		return r.fallback, nil
	}
	for _, gateway := range r.byMethod {
		if gateway.Name() == name {
			return gateway, nil
		}
	}
	if gateway, known := r.former[name]; known {
		return gateway, nil
	}
	return nil, fmt.Errorf("the gateway %s, which this payment began with, is not configured here", name)
}
