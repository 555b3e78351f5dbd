package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/workflows"
)

// resend asks to send an alert again, as ada, until an alertman has answered in time.
func (w *world) resend(t *testing.T, id, body string) (answer *httptest.ResponseRecorder) {
	t.Helper()
	o := options(w.client, w.ledger)
	o.Authenticators = []api.Authenticator{tokens{"token": aPerson(identity.DefaultMerchant, identity.Alerts)}}
	eventually(t, func() error {
		answer = request(t, handlerWith(o), http.MethodPost, "/alerts/"+id+"/resend", body, "Authorization: Bearer token")
		if answer.Code == http.StatusServiceUnavailable {
			return errors.New(answer.Body.String())
		}
		return nil
	})
	return answer
}

// sentAgain returns the alert that an answer says was sent again.
func sentAgain(t *testing.T, answer *httptest.ResponseRecorder) alert.Resending {
	t.Helper()
	r := decoded[alert.Resending](t, answer, 202)
	assert.Equal(t, "/alerts/"+r.ID, answer.Header().Get("Location"))
	return r
}

// assignedTo returns what a delivery began with.
func (w *world) assignedTo(t *testing.T, id string) (d workflows.DeliverAlertInput) {
	t.Helper()
	first, err := w.client.GetWorkflowHistory(t.Context(), workflows.AlertWorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	require.NoError(t, err)
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(first.GetWorkflowExecutionStartedEventAttributes().GetInput(), &d))
	return d
}

// An alert is sent again by a delivery of its own, once for each number, and both logs say so.
func TestResend(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, alert.Step{Receiver: "fraud-team", Targets: []alert.Target{"mail jo@example.com", "mail al@example.com"}, Within: time.Second})
	early := asProblem(t, w.resend(t, id, `{}`))
	assert.Equal(t, "not sent again: it is still being delivered, or waits to be acknowledged", early.Detail)
	w.over(t, id)
	w.alert(t, id) // it answers by now

	first := sentAgain(t, w.resend(t, id, `{"number": 1}`))
	assert.Equal(t, first, sentAgain(t, w.resend(t, id, `{"number": 1}`)), "the button was pressed twice")
	second := sentAgain(t, w.resend(t, id, `{}`))
	assert.Equal(t, []any{id, 1, alert.ToAll, "ada@example.com", 2}, []any{first.Of, first.Number, first.To, first.By, second.Number})
	assert.NotEqual(t, first.ID, second.ID)
	assert.Equal(t, []alert.Resending{first, second}, w.alert(t, id).Resent)
	assert.Equal(t, &first, w.alert(t, first.ID).Resending)
	again := w.assignedTo(t, first.ID)
	assert.Equal(t, first.ID, again.Event.ID, "who has the alert would take the message for a repeat")
	assert.Equal(t, w.assignedTo(t, id).Assignments[0].Steps, again.Assignments[0].Steps, "they are asked anew")
	for body, want := range map[string]string{
		`{"number": 1, "to": "missed"}`: "ada@example.com sent it again before, to all, as number 1", `{"number": 4}`: "the next number is 3", `{"to": "missed"}`: "it has reached all targets",
	} {
		p := asProblem(t, w.resend(t, id, body))
		assert.Equal(t, http.StatusConflict, p.Status, body)
		assert.Contains(t, p.Detail, want)
	}
	for body, want := range map[string]string{`{"to": "some"}`: "must be all or missed", `{"number": 0}`: "from 1 to 20", `{"number": 21}`: "from 1 to 20"} {
		answer := w.resend(t, id, body)
		assert.Equal(t, http.StatusUnprocessableEntity, answer.Code, body)
		assert.Contains(t, answer.Body.String(), want)
	}
	for _, unknown := range []string{uuid.NewString(), strings.Repeat("x", 257), "%00"} {
		assert.Equal(t, http.StatusNotFound, w.resend(t, unknown, `{}`).Code)
	}
}

// To those whom it did not reach, an alert is sent without the others, also if it has expired meanwhile, unless there is nothing
// left to do about it.
func TestResendToMissed(t *testing.T) {
	w := realWorld(t)
	late := alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now().Add(-100*time.Hour))
	w.take(t, late, alert.Step{Receiver: "fraud-team", Targets: asking.Targets, Within: time.Minute}, alert.Step{Receiver: "on-call", Targets: []alert.Target{"mail al@example.com"}})
	w.over(t, late.ID)
	w.alert(t, late.ID)
	again := w.assignedTo(t, sentAgain(t, w.resend(t, late.ID, `{"to": "missed"}`)).ID)
	require.Len(t, again.Assignments, 1, "the second step was not begun")
	assert.Equal(t, []alert.Step{{Receiver: "fraud-team", Targets: asking.Targets, Within: time.Minute}}, again.Assignments[0].Steps)
	assert.WithinDuration(t, time.Now().Add(72*time.Hour), again.Event.Expiry(), time.Hour)

	half := w.raise(t, alert.Step{Receiver: "fraud-team", Targets: []alert.Target{"mail jo@example.com", "mail away@example.com"}})
	eventually(t, func() error {
		if a := w.alert(t, half); len(a.Chains[0].Steps) == 0 || a.Chains[0].Steps[0].Deliveries[0].State != alert.Delivered {
			return fmt.Errorf("jo does not have it yet: %+v", a)
		}
		return nil
	})
	require.NoError(t, w.client.CancelWorkflow(t.Context(), workflows.AlertWorkflowID(half), ""))
	w.over(t, half)
	sent := sentAgain(t, w.resend(t, half, `{"to": "missed"}`))
	assert.Equal(t, []alert.Target{"mail away@example.com"}, w.assignedTo(t, sent.ID).Assignments[0].Steps[0].Targets)

	over := alert.Sample(alert.ReviewRequested, uuid.NewString(), time.Now())
	over.Data.ExpiresAt = new(time.Now().Add(-time.Hour))
	w.take(t, over)
	w.over(t, over.ID)
	w.alert(t, over.ID)
	p := asProblem(t, w.resend(t, over.ID, `{}`))
	assert.Equal(t, http.StatusConflict, p.Status)
	assert.Contains(t, p.Detail, "it has expired at ")
}

// What was acknowledged is not asked for again, and what was muted is sent.
func TestResendAsked(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	require.Equal(t, 200, request(t, w.api(), http.MethodPost, "/alerts/"+id+"/acknowledge", adaTakesIt, "Content-Type: application/json").Code)
	w.over(t, id)
	w.alert(t, id)
	again := w.assignedTo(t, sentAgain(t, w.resend(t, id, `{}`)).ID)
	assert.Equal(t, []alert.Step{{Receiver: asking.Receiver, Targets: asking.Targets}}, again.Assignments[0].Steps)

	event := alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now())
	w.deliver(t, event.ID, workflows.DeliverAlertInput{Event: event, Assignments: []alert.Assignment{
		{Receiver: "fraud-team", Route: "all", Muted: "muted by bob", Steps: []alert.Step{asking}, Group: &alert.Grouping{Key: "k", Window: time.Hour}},
	}})
	w.over(t, event.ID)
	assert.Equal(t, "muted", w.alert(t, event.ID).State)
	again = w.assignedTo(t, sentAgain(t, w.resend(t, event.ID, `{"to": "missed"}`)).ID)
	assert.Equal(t, []alert.Assignment{{Receiver: "fraud-team", Route: "all", Steps: []alert.Step{asking}}}, again.Assignments)
}

// An alert that was for no receiver is not sent again.
func TestResendToNone(t *testing.T) {
	w := realWorld(t)
	event := alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now())
	w.deliver(t, event.ID, workflows.DeliverAlertInput{Event: event, Assignments: []alert.Assignment{{Route: "nights", Muted: "muted by nights"}}})
	w.over(t, event.ID)
	w.alert(t, event.ID)
	p := asProblem(t, w.resend(t, event.ID, `{}`))
	assert.Equal(t, []any{http.StatusConflict, "not sent again: it was for no receiver"}, []any{p.Status, p.Detail})
}

// A digest is sent again as one, also if it has expired meanwhile.
func TestResendDigest(t *testing.T) {
	w, id := realWorld(t), uuid.NewString()
	member := alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now().Add(-100*time.Hour)).Member()
	_, err := w.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.AlertWorkflowID(id), TaskQueue: workflows.AlertmanTaskQueue},
		workflows.DeliverAlertType, workflows.DeliverAlertInput{
			Event: alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now()), DigestID: id, Digest: &alert.Digest{Number: 1, Members: []alert.Member{member}},
			Assignments: []alert.Assignment{{Receiver: "fraud-team", Route: "all", Steps: []alert.Step{{Receiver: "fraud-team", Targets: asking.Targets}}}},
		})
	require.NoError(t, err)
	w.over(t, id)
	w.alert(t, id)
	sent := sentAgain(t, w.resend(t, id, `{}`))
	again := w.assignedTo(t, sent.ID)
	assert.Equal(t, sent.ID, again.DigestID)
	assert.Equal(t, member.EventID, again.Digest.Members[0].EventID)
	assert.Equal(t, sent.ID, w.alert(t, sent.ID).ID)
}
