package payment

// Registry finds the gateway for a payment method.
type Registry struct {
	byMethod map[string]Gateway
	fallback Gateway
}

// NewRegistry sends each method to its gateway, and every other method to fallback.
func NewRegistry(fallback Gateway, byMethod map[string]Gateway) *Registry {
	return &Registry{byMethod: byMethod, fallback: fallback}
}

// For never returns nil: a method that nobody has named goes to the fallback.
func (r *Registry) For(method string) Gateway {
	if gateway, named := r.byMethod[method]; named {
		return gateway
	}
	return r.fallback
}
