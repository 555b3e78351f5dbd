package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/workers"
	"dummyorders/workflows"
)

// postOffice is a channel that accepts everything, except for addresses that are away.
type postOffice struct{}

func (postOffice) Deliver(_ context.Context, to string, _ alert.Message) (string, error) {
	if strings.HasPrefix(to, "away@") {
		return "", &alert.LaterError{By: "mx.example.com", After: time.Hour, Cause: errors.New("451 try again later")}
	}
	return "250 ok", nil
}

// wordless writes messages without text.
type wordless struct{}

func (wordless) Write(t alert.DeliveryRequest) (alert.Message, error) {
	return alert.Message{Notice: t.Notice}, nil
}

// newAlertman does what alertman does, except for groups.
func newAlertman(c client.Client) workers.Worker {
	deliveries := &activities.Deliveries{Channels: map[string]alert.Channel{alert.Mail: postOffice{}}, Writer: wordless{}}
	return workers.NewAlertman(c, deliveries, &activities.Groups{}, 20)(worker.Options{})
}

// asking notifies jo, who has an hour to acknowledge.
var asking = alert.Step{Receiver: "fraud-team", Targets: []alert.Target{"mail jo@example.com"}, Within: time.Hour}

// raise has alertman accept an alert, and returns its id. Without steps, jo is notified, but not asked to acknowledge.
func (w *world) raise(t testing.TB, steps ...alert.Step) string {
	t.Helper()
	return w.take(t, alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now()), steps...)
}

func (w *world) take(t testing.TB, event alert.Event, steps ...alert.Step) string {
	t.Helper()
	if len(steps) == 0 {
		steps = []alert.Step{{Receiver: asking.Receiver, Targets: asking.Targets}}
	}
	w.deliver(t, event.ID, workflows.DeliverAlertInput{
		Event: event, Assignments: []alert.Assignment{{Receiver: steps[0].Receiver, Route: "all", Steps: steps}},
	})
	return event.ID
}

// deliver starts a delivery as one from before there were merchants was started, without the search attribute Merchant.
func (w *world) deliver(t testing.TB, id string, d workflows.DeliverAlertInput) {
	t.Helper()
	_, err := w.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: workflows.AlertWorkflowID(id), TaskQueue: workflows.AlertmanTaskQueue,
	}, workflows.DeliverAlertType, d)
	require.NoError(t, err)
}

// alert returns what the API says about an alert once alertman has answered. On a slow machine this can take longer than
// the API waits.
func (w *world) alert(t *testing.T, id string) shownAlert {
	t.Helper()
	var answer *httptest.ResponseRecorder
	eventually(t, func() error {
		answer = request(t, w.api(), http.MethodGet, "/alerts/"+id, "")
		if answer.Code == http.StatusServiceUnavailable || strings.Contains(answer.Body.String(), `"incomplete":true`) {
			return errors.New(answer.Body.String())
		}
		return nil
	})
	return decoded[shownAlert](t, answer, 200)
}

// over waits until an alert has ended, in whatever way.
func (w *world) over(t testing.TB, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err := w.client.GetWorkflow(ctx, workflows.AlertWorkflowID(id), "").Get(ctx, nil)
	require.NoError(t, ctx.Err(), "%v", err)
}
