// Package payment moves money in two steps, authorize (hold) and capture (take), with void to release a hold.
package payment

import (
	"context"
	"errors"
	"fmt"

	"dummyorders/domain/card"
	"dummyorders/domain/money"
)

// Gateway moves the money. Every call carries an idempotency key: asked again under the same key, it does nothing
// twice and answers the same.
//
// A call fails in one of two ways. A *DeclinedError is final: the gateway has answered no. Any other error leaves the
// outcome unknown, and is settled by asking again under the same key.
type Gateway interface {
	// Name is how people know the gateway.
	Name() string
	// Authorize holds the amount.
	Authorize(ctx context.Context, r AuthorizeRequest) (Authorization, error)
	// Capture takes what was held.
	Capture(ctx context.Context, r CaptureRequest) (Capture, error)
	// Void releases what was held. Releasing it again is no error.
	Void(ctx context.Context, r VoidRequest) error
}

// AuthorizeRequest asks to hold Amount on the card.
type AuthorizeRequest struct {
	IdempotencyKey string       `json:"idempotencyKey"`
	TransactionID  string       `json:"transactionID"`
	Method         string       `json:"method"`
	Card           card.Details `json:"card"`
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
	Method          string `json:"method"`
	AuthorizationID string `json:"authorizationID"`
}

// DeclinedError is a gateway's final no.
type DeclinedError struct {
	Gateway string
	Code    string // the gateway's own word, such as insufficient_funds
}

// Error says who declined, and why.
func (e *DeclinedError) Error() string {
	return fmt.Sprintf("gateway %s declined: %s", e.Gateway, e.Code)
}

// IsDeclined says whether err is a gateway's final no.
func IsDeclined(err error) bool {
	var declined *DeclinedError
	return errors.As(err, &declined)
}
