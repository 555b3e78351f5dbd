package payment

import (
	"context"
	"strings"
)

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
