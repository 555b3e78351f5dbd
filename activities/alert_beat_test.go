package activities_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
)

// slow is a mail server that takes its time: it accepts a message only after a heartbeat of the delivery.
type slow struct {
	mail

	alive chan []alert.Attempt
	said  []alert.Attempt // the attempts in the first heartbeat
}

func (s *slow) Deliver(context.Context, string, alert.Message) (string, error) {
	select {
	case s.said = <-s.alive:
		return "250 queued", nil
	case <-time.After(30 * time.Second):
		return "", &alert.RefusedError{By: "mail server", Cause: errors.New("nothing was said in half a minute")}
	}
}

// If a long delivery sent no heartbeats, Temporal would take alertman for dead, and the message would be sent again and
// again.
func TestDeliverHeartbeats(t *testing.T) {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	s := &slow{alive: make(chan []alert.Attempt, 1)}
	d := &activities.Deliveries{Channels: map[string]alert.Channel{"mail": s}, Writer: s}
	env.RegisterActivity(d)
	env.SetTestTimeout(2 * time.Minute)
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var kept []alert.Attempt
		require.NoError(t, details.Get(&kept))
		select {
		case s.alive <- kept:
		default: // a heartbeat came before
		}
	})
	var told alert.Delivery
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Hour, HeartbeatTimeout: 6 * time.Second,
		})
		return workflow.ExecuteActivity(ctx, d.Tell, telling).Get(ctx, &told)
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, "250 queued", told.Attempts[len(told.Attempts)-1].Answer)
	require.Len(t, s.said, len(told.Attempts), "a beat without the attempts takes away those that were kept")
	require.True(t, s.said[len(s.said)-1].Unknown, "were it killed now, nobody would know")
}
