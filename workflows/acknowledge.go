package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"dummyorders/domain/alert"
)

// acknowledge takes the whole alert upon somebody. The first counts, and whoever comes later is told who that was.
func (a *alarm) acknowledge(ctx workflow.Context, by alert.Acknowledgement) (alert.Acknowledgement, error) {
	if a.log.Acknowledgement == nil {
		by.At = workflow.Now(ctx)
		a.log.Acknowledgement = &by
		a.note(ctx)
	}
	return *a.log.Acknowledgement, nil
}

// acknowledgeable refuses what could not change anything, without a trace in the history.
func (a *alarm) acknowledgeable(by alert.Acknowledgement) error {
	if err := by.Check(); err != nil {
		return err
	}
	if a.log.Acknowledgement != nil {
		return nil
	}
	asked := false
	for _, c := range a.chains {
		if c.asking {
			return nil
		}
		asked = asked || c.asks() && c.log.Collected == nil
	}
	if asked {
		return acknowledgementClosed("nobody acknowledged the alert in time, and nobody is asked any more")
	}
	return acknowledgementClosed("the alert asks nobody to acknowledge it")
}

func acknowledgementClosed(why string) error {
	return temporal.NewNonRetryableApplicationError(why, AcknowledgementClosed, nil)
}
