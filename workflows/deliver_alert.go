package workflows

import (
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
)

// NotDelivered is the type of the error that DeliverAlert ends with when a target was not told.
const NotDelivered = "AlertNotDelivered"

// Delivery is an event and whom to tell. The targets are chosen once, when alertman takes the event, and stand in the
// history: a changed configuration does not change what a running delivery does.
type Delivery struct {
	Event   alert.Event    `json:"event"`
	Targets []alert.Target `json:"targets"`
}

// DeliverAlert tells every target, each with its own retries, so that one that is down holds up no other and one that
// was told is not told again. It fails when a target was refused for good or could not be told in time: the failed
// workflows of this type are the alerts that somebody has to look after.
func DeliverAlert(ctx workflow.Context, d Delivery) error {
	told := make([]workflow.Future, len(d.Targets))
	for i, target := range d.Targets {
		told[i] = workflow.ExecuteActivity(deliveryOptions(ctx, "tell "+string(target)), deliveries.Deliver, target, d.Event)
	}
	var failed []string
	var cause error
	for i, target := range d.Targets {
		if err := told[i].Get(ctx, nil); err != nil {
			failed, cause = append(failed, string(target)), err
		}
	}
	if cause != nil {
		return temporal.NewNonRetryableApplicationError(
			"alert "+d.Event.ID+" not delivered to "+strings.Join(failed, ", "), NotDelivered, cause)
	}
	return nil
}
