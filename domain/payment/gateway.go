// Package payment moves money in two steps, authorize (hold) and capture (take). What is held is released by void; what
// was taken is given back by refund.
package payment

import (
	"context"

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
