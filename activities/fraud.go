package activities

import (
	"context"
	"fmt"

	"dummyorders/domain/fraud"
)

// Fraud holds the activities of fraud_police workers.
type Fraud struct {
	Detector fraud.Detector
}

// CheckFraud decides about a transaction. A detector gives the same answer when asked again, so a retry is harmless.
func (a *Fraud) CheckFraud(ctx context.Context, c fraud.Check) (fraud.Decision, error) {
	decision, err := a.Detector.Detect(ctx, c)
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("check transaction %s for fraud: %w", c.ID, err)
	}
	return decision, nil
}
