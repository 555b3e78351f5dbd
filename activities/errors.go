// Package activities is what the workflows have done for them: thin methods on structs of domain interfaces, filled in
// by cmd/orders. They turn the domain's errors into what Temporal needs to know: whether trying again can help, and when.
package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/domain/payment"
)

// The types of errors. Workflows tell them apart by these names, and recorded histories hold them: they must not
// change. PaymentTemporary, PaymentUnknown and DeliveryFailed are tried again; no retry can mend the others.
//
// The first detail of PaymentDeclined is its payment.DeclineCode; histories from before there were such codes have none.
const (
	PaymentDeclined    = "PaymentDeclined"
	PaymentCaptured    = "PaymentCaptured"
	PaymentTemporary   = "PaymentTemporary"
	PaymentUnknown     = "PaymentUnknown"
	DeliveryFailed     = "DeliveryFailed"
	DeliveryRefused    = "DeliveryRefused"
	AlertUnpublishable = "AlertUnpublishable"
)

// forTemporal marks what is final, and says when to try again where the other side did. Everything else stays as it
// is, and is tried again.
func forTemporal(err error) error {
	var temporary *payment.TemporaryError
	switch {
	case err == nil:
		return nil
	case payment.IsDeclined(err):
		return final(err, PaymentDeclined, payment.ReasonOf(err))
	case payment.IsCaptured(err):
		return final(err, PaymentCaptured)
	case errors.As(err, &temporary):
		return temporal.NewApplicationErrorWithOptions(err.Error(), PaymentTemporary, temporal.ApplicationErrorOptions{
			NextRetryDelay: temporary.After,
		})
	case errors.Is(err, alert.ErrUnpublishable): // a breakdown, unlike the final answers above
		return temporal.NewNonRetryableApplicationError(err.Error(), AlertUnpublishable, nil)
	case payment.IsUnknown(err):
		return temporal.NewApplicationErrorWithOptions(err.Error(), PaymentUnknown, temporal.ApplicationErrorOptions{})
	default:
		return err
	}
}

// final is an answer, not a breakdown: benign keeps it out of the error logs and failure metrics.
func final(err error, kind string, details ...any) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), kind, temporal.ApplicationErrorOptions{
		Details:      details,
		NonRetryable: true,
		Category:     temporal.ApplicationErrorCategoryBenign,
	})
}
