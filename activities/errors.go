// Package activities is what the workflows have done for them: thin methods on structs of domain interfaces, filled in
// by cmd/orders. They turn the domain's errors into what Temporal needs to know: whether trying again can help.
package activities

import (
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/domain/payment"
)

// The types of the errors that no retry can mend. Workflows tell them apart by these names, and recorded histories
// hold them: they must not change.
const (
	PaymentDeclined = "PaymentDeclined"
	DeliveryRefused = "DeliveryRefused"
)

// forTemporal marks what is final. Everything else stays as it is, and is retried.
func forTemporal(err error) error {
	switch {
	case err == nil:
		return nil
	case payment.IsDeclined(err):
		// A decline is an answer, not a breakdown: benign keeps it out of the error logs and failure metrics.
		return final(err, PaymentDeclined, temporal.ApplicationErrorCategoryBenign)
	case alert.IsRefused(err):
		return final(err, DeliveryRefused, temporal.ApplicationErrorCategoryUnspecified)
	default:
		return err
	}
}

func final(err error, kind string, category temporal.ApplicationErrorCategory) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), kind, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Category:     category,
	})
}
