package activities_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"dummyorders/activities"
	"dummyorders/domain/alert"
)

// now makes a delivery within a workflow task, or as an activity.
func now(d *activities.Deliveries, activity any) (told alert.Delivery, err error) {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(d)
	value, err := env.ExecuteLocalActivity(activity, telling)
	if err == nil {
		err = value.Get(&told)
	}
	return told, err
}

// A message is sent within a workflow task if its target answered at once the last time.
func TestTellNow(t *testing.T) {
	m := &mail{answer: "250 queued"}
	d := m.deliveries()
	for _, step := range []struct {
		name   string
		tell   any
		fails  error
		state  alert.State
		failed bool
	}{
		{"not known yet", d.TellNow, nil, alert.Pending, false},
		{"told", d.Tell, nil, alert.Delivered, false},
		{"known", d.TellNow, nil, alert.Delivered, false},
		{"away", d.TellNow, errAway, "", true},
		{"not known any more", d.TellNow, nil, alert.Pending, false},
	} {
		m.err = step.fails
		told, err := now(d, step.tell)
		require.Equal(t, step.state, told.State, step.name)
		require.Equal(t, step.state == alert.Delivered, len(told.Attempts) == 1, step.name)
		require.Equal(t, step.failed, err != nil, step.name)
		var failure *temporal.ApplicationError
		if step.failed {
			require.ErrorAs(t, err, &failure)
			require.NoError(t, failure.Details(&told))
			require.Len(t, told.Attempts, 1)
		}
	}
}

// hanging is a channel that answers at once until it hangs.
type hanging struct {
	mail

	hangs bool
}

func (h *hanging) Deliver(ctx context.Context, _ string, _ alert.Message) (string, error) {
	if h.hangs {
		<-ctx.Done()
	}
	return "250 queued", ctx.Err()
}

// A channel that hangs is cut off, and holds up no more than a few alerts.
func TestTellNowHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 10
		h := &hanging{}
		d := &activities.Deliveries{Channels: map[string]alert.Channel{"mail": h}, Writer: h, MostNow: most}
		_, err := now(d, d.Tell)
		require.NoError(t, err)
		h.hangs = true
		var all sync.WaitGroup
		for range most {
			all.Go(func() {
				_, err := now(d, d.TellNow)
				assert.ErrorContains(t, err, "deadline exceeded")
			})
		}
		synctest.Wait()
		told, err := now(d, d.TellNow)
		require.NoError(t, err)
		require.Equal(t, alert.Pending, told.State)
		all.Wait()
	})
}
