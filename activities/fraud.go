package activities

import (
	"context"
	"fmt"
	"strconv"

	"go.temporal.io/sdk/activity"

	"dummyorders/domain/fraud"
)

// Fraud is what fraud_police workers do.
type Fraud struct {
	Detector fraud.Detector
}

// CheckFraud decides about a transaction. Detectors answer the same when asked again, so a retry is harmless.
func (a *Fraud) CheckFraud(ctx context.Context, c fraud.Check) (fraud.Decision, error) {
	if c.Number == 0 {
		c = ofFormer(c, activity.GetInfo(ctx))
	}
	decision, err := a.Detector.Detect(ctx, c)
	if err != nil {
		return fraud.Decision{}, fmt.Errorf("check transaction %s for fraud: %w", c.ID, err)
	}
	return decision, nil
}

// formerNumbers is above the numbers that workflows give.
const formerNumbers = 1_000_000

// ofFormer completes a check that was scheduled by a worker of the time before checks had times and numbers. The activity's
// id is the same for all its attempts, and another for another check.
func ofFormer(c fraud.Check, activity activity.Info) fraud.Check {
	id, err := strconv.Atoi(activity.ActivityID)
	if err != nil {
		id = 0
	}
	c.Number, c.StartTime, c.AsOf = formerNumbers+id, activity.ScheduledTime, activity.ScheduledTime
	return c
}
