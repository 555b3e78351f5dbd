// Package activities holds the activities that the workflows call: thin methods on structs of domain interfaces, filled in
// by cmd/orders. They turn the domain's errors into what Temporal needs to know: whether trying again can help, and when.
package activities

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/domain/payment"
)

// Error types. Workflows tell errors apart by these names, and recorded histories hold them: they must not change.
// PaymentTemporary, PaymentUnknown and DeliveryFailed are retried; for the others a retry cannot help.
//
// The first detail of PaymentDeclined is its payment.DeclineCode; histories older than these codes have none.
const (
	PaymentDeclined    = "PaymentDeclined"
	PaymentCaptured    = "PaymentCaptured"
	PaymentTemporary   = "PaymentTemporary"
	PaymentUnknown     = "PaymentUnknown"
	DeliveryFailed     = "DeliveryFailed"
	DeliveryRefused    = "DeliveryRefused"
	AlertUnpublishable = "AlertUnpublishable"
)

// LongestPaymentPause is the longest pause between two calls of a payment gateway: kind to one that is down, and soon enough when it is
// back. A gateway that asks for a longer one is asked sooner: Temporal gives an activity up at once if it could only be tried again
// after its deadline.
const LongestPaymentPause = 30 * time.Second

// forTemporal marks final errors as not retryable, and says when to try again if the other side did. Any other error stays
// as it is, and is retried.
func forTemporal(err error) error {
	temporary, isTemporary := errors.AsType[*payment.TemporaryError](err)
	switch {
	case err == nil:
		return nil
	case payment.IsDeclined(err):
		return final(err, PaymentDeclined, payment.ReasonOf(err))
	case payment.IsCaptured(err):
		return final(err, PaymentCaptured)
	case isTemporary:
		return temporal.NewApplicationErrorWithOptions(err.Error(), PaymentTemporary, temporal.ApplicationErrorOptions{
			NextRetryDelay: min(temporary.After, LongestPaymentPause),
		})
	case errors.Is(err, alert.ErrUnpublishable): // a breakdown, unlike the final answers above
		return temporal.NewNonRetryableApplicationError(err.Error(), AlertUnpublishable, nil)
	case payment.IsUnknown(err):
		return temporal.NewApplicationErrorWithOptions(err.Error(), PaymentUnknown, temporal.ApplicationErrorOptions{})
	default:
		return err
	}
}

// final returns an error that is an answer rather than a breakdown: the category "benign" keeps it out of the error logs and
// failure metrics.
func final(err error, kind string, details ...any) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), kind, temporal.ApplicationErrorOptions{
		Details:      details,
		NonRetryable: true,
		Category:     temporal.ApplicationErrorCategoryBenign,
	})
}
