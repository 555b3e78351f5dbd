package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/workflows"
)

func newDelivery(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(workflows.DeliverAlert, workflow.RegisterOptions{Name: workflows.DeliverAlertType})
	env.RegisterActivity(&activities.Deliveries{})
	t.Cleanup(func() { env.AssertExpectations(t) })
	return env
}

func deliver(env *testsuite.TestWorkflowEnvironment) {
	env.ExecuteWorkflow(workflows.DeliverAlertType, workflows.Delivery{
		Event: alert.Event{ID: "event-1"}, Targets: []alert.Target{"mail a@example.com", "mail b@example.com"},
	})
}

func TestATargetThatIsDownHoldsUpNoOtherAndNobodyIsToldTwice(t *testing.T) {
	env := newDelivery(t)
	start, tries, told := env.Now(), 0, map[alert.Target]time.Duration{}
	env.OnActivity(deliveries.Deliver, mock.Anything, mock.Anything, mock.Anything).Return(
		func(_ context.Context, target alert.Target, _ alert.Event) error {
			if target == "mail a@example.com" {
				if tries++; tries < tooOften {
					return errors.New("connection refused")
				}
			}
			if _, before := told[target]; before {
				t.Errorf("%s was told twice", target)
			}
			told[target] = env.Now().Sub(start)
			return nil
		})

	deliver(env)

	require.NoError(t, env.GetWorkflowError())
	require.Zero(t, told["mail b@example.com"])
	require.Greater(t, told["mail a@example.com"], 5*time.Minute)
}

func TestARefusedTargetFailsTheWorkflowOnceTheOthersWereTold(t *testing.T) {
	env := newDelivery(t)
	refused := temporal.NewNonRetryableApplicationError("550 no such mailbox", activities.DeliveryRefused, nil)
	env.OnActivity(deliveries.Deliver, mock.Anything, alert.Target("mail a@example.com"), mock.Anything).Return(refused).Once()
	env.OnActivity(deliveries.Deliver, mock.Anything, alert.Target("mail b@example.com"), mock.Anything).Return(nil).Once()

	deliver(env)

	var failure *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &failure)
	require.Equal(t, workflows.NotDelivered, failure.Type())
	require.Contains(t, failure.Message(), "mail a@example.com")
	require.NotContains(t, failure.Message(), "mail b@example.com")
}
