package activities

import (
	"context"
	"fmt"

	"dummyorders/domain/fraud"
)

// Fraud is what fraud_police workers do.
type Fraud struct {
	Detector fraud.Detector
}

// CheckFraud decides about a transaction. Detectors answer the same when asked again, so a retry is harmless.
func (a *Fraud) CheckFraud(ctx context.Context, c fraud.Check) (fraud.Decision, error) {
	decision, err := a.Detector.Detect(ctx, c)
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("check transaction %s for fraud: %w", c.ID, err)
	}
	return decision, nil
}
