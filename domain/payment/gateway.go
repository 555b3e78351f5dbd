// Package payment moves money in two steps, authorize (hold) and capture (take). What is held is released by void; what
// was taken is given back by refund.
package payment

import (
	"context"
	"fmt"
	"strings"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
)

// Gateway moves the money. Every call carries an idempotency key: asked again under the same key, it does nothing
// twice and answers the same.
//
// A call fails in one of the ways that errors.go lists. An error of any other type leaves the outcome unknown.
type Gateway interface {
	// Name is how people know the gateway.
	Name() string
	// Authorize holds the amount.
	Authorize(ctx context.Context, r AuthorizeRequest) (Authorization, error)
	// Capture takes all of what is held. It is declined when nothing is.
	Capture(ctx context.Context, r CaptureRequest) (Capture, error)
	// Void releases what is held. Releasing it again is no error, under any key. Once the money was taken it fails with a
	// *CapturedError.
	Void(ctx context.Context, r VoidRequest) error
	// Refund gives back all of what was taken. It is declined when nothing was. Giving it back again is no error, under
	// any key, and gives nothing back twice.
	Refund(ctx context.Context, r RefundRequest) (Refund, error)
}

// AuthorizeRequest asks to hold Amount on the card, or on what Token stands for: one of the two is set.
type AuthorizeRequest struct {
	IdempotencyKey string       `json:"idempotencyKey"`
	TransactionID  string       `json:"transactionID"`
	Gateway        string       `json:"gateway"` // chosen before the first try: another one would know nothing of the key
	Method         string       `json:"method"`
	Card           card.Details `json:"card,omitzero"`
	Token          string       `json:"token,omitempty"`
	Amount         money.Money  `json:"amount"`
}

// Authorization is a hold.
type Authorization struct {
	ID      string `json:"id"`
	Gateway string `json:"gateway"`
}

// CaptureRequest asks to take all of what an authorization holds.
type CaptureRequest struct {
	IdempotencyKey  string      `json:"idempotencyKey"`
	Gateway         string      `json:"gateway"` // the one that holds, by Authorization
	Method          string      `json:"method"`
	AuthorizationID string      `json:"authorizationID"`
	Amount          money.Money `json:"amount"`
}

// Capture is money taken.
type Capture struct {
	ID string `json:"id"`
}

// VoidRequest asks to release what an authorization holds.
type VoidRequest struct {
	IdempotencyKey  string `json:"idempotencyKey"`
	Gateway         string `json:"gateway"` // the one that holds, by Authorization
	Method          string `json:"method"`
	AuthorizationID string `json:"authorizationID"`
}

// RefundRequest asks to give back all of what was taken of an authorization.
type RefundRequest struct {
	IdempotencyKey  string      `json:"idempotencyKey"`
	Gateway         string      `json:"gateway"` // the one that holds, by Authorization
	Method          string      `json:"method"`
	AuthorizationID string      `json:"authorizationID"`
	Amount          money.Money `json:"amount"`
}

// Refund is money given back.
type Refund struct {
	ID string `json:"id"`
}

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

// Refuse is the gateway of payment methods that no gateway is configured for: it declines each payment, so that none is
// taken for paid while no money moves.
type Refuse struct {
	Known []string // methods that have a gateway, for the message
}

// Name implements Gateway.
func (Refuse) Name() string { return "refuse" }

// Authorize declines with UnknownPaymentMethod.
func (r Refuse) Authorize(context.Context, AuthorizeRequest) (Authorization, error) {
	return Authorization{}, r.declined()
}

// Capture declines, as nothing is held here.
func (r Refuse) Capture(context.Context, CaptureRequest) (Capture, error) {
	return Capture{}, r.declined()
}

// Void succeeds, as nothing is held here.
func (Refuse) Void(context.Context, VoidRequest) error { return nil }

// Refund declines, as nothing was taken here.
func (r Refuse) Refund(context.Context, RefundRequest) (Refund, error) {
	return Refund{}, r.declined()
}

func (r Refuse) declined() error {
	refused := &DeclinedError{Gateway: r.Name(), Code: string(UnknownPaymentMethod), Reason: UnknownPaymentMethod}
	if len(r.Known) > 0 {
		refused.Detail = "known methods: " + strings.Join(r.Known, ", ")
	}
	return refused
}
