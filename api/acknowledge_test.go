package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	sdk "go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/workflows"
)

func acknowledged(t testing.TB, handler http.Handler, id, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, handler, http.MethodPost, "/alerts/"+id+"/acknowledge", body, headers...)
}

const adaTakesIt = `{"by":"ada","note":"calling the buyer"}`

func asAcknowledgement(t testing.TB, answer *httptest.ResponseRecorder) alert.Acknowledgement {
	t.Helper()
	require.Equal(t, "application/json", answer.Header().Get("Content-Type"), "%v %s", answer.Header(), answer.Body)
	require.Equal(t, "no-store", answer.Header().Get("Cache-Control"), "%v %s", answer.Header(), answer.Body)
	return decoded[alert.Acknowledgement](t, answer, 200)
}

// The first acknowledgement counts, also after the end.
func TestAckFirstCounts(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	first := asAcknowledgement(t, acknowledged(t, w.api(), id, adaTakesIt))
	assert.Equal(t, "ada", first.By, "ada is told %+v", first)
	assert.Equal(t, "calling the buyer", first.Note, "ada is told %+v", first)
	assert.False(t, first.At.IsZero(), "ada is told %+v", first)
	for range 2 {
		assert.Empty(t, cmp.Diff(first, asAcknowledgement(t, acknowledged(t, w.api(), id, `{"by":"grace"}`))), "grace is told otherwise")
		w.over(t, id)
	}
	shown := w.alert(t, id)
	require.NotNil(t, shown.Acknowledgement, "the alert is %+v", shown)
	assert.Equal(t, "ada", shown.Acknowledgement.By, "the alert is %+v", shown)
	assert.Equal(t, "delivered", shown.State, "the alert is %+v", shown)
}

// Two at once get the same answer.
func TestAckTwoAtOnce(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	var all sync.WaitGroup
	told := make([]alert.Acknowledgement, 2)
	for i, by := range []string{"ada", "grace"} {
		all.Go(func() {
			answer := acknowledged(t, w.api(), id, fmt.Sprintf(`{"by":%q}`, by))
			assert.Equal(t, 200, answer.Code, "%s %s", by, answer.Body)
			assert.NoError(t, json.Unmarshal(answer.Body.Bytes(), &told[i]), "%s %s", by, answer.Body)
		})
	}
	all.Wait()
	if told[0] != told[1] || told[0].By != "ada" && told[0].By != "grace" {
		t.Errorf("they are told %+v", told)
	}
}

// Asking again leaves no trace in the history.
func TestAckRepeatSendsNoUpdate(t *testing.T) {
	temporal := &mocks.Client{} // a fake that accepts no updates
	knows(t, temporal, alert.Log{ID: "event-1", Acknowledgement: &alert.Acknowledgement{By: "ada", At: start}}, true)
	a := asAcknowledgement(t, acknowledged(t, handlerOn(temporal), "event-1", `{"by":"grace"}`))
	assert.Equal(t, "ada", a.By, "grace is told %+v", a)
}

// An acknowledgement that came just before the end is answered.
func TestAckJustBeforeEnd(t *testing.T) {
	temporal := &mocks.Client{}
	for _, log := range []alert.Log{{ID: "event-1"}, {ID: "event-1", Acknowledgement: &alert.Acknowledgement{By: "ada", At: start}}} {
		temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(value(t, log), nil).Once()
	}
	temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(sent).Return(nil, serviceerror.NewNotFound(""))
	a := asAcknowledgement(t, acknowledged(t, handlerOn(temporal), "event-1", `{"by":"grace"}`))
	assert.Equal(t, "ada", a.By, "grace is told %+v", a)
}

// Where no receiver is asked, there is nothing to acknowledge.
func TestAckNotAsked(t *testing.T) {
	w := realWorld(t)
	running := w.raise(t, alert.Step{Receiver: "fraud-team", Targets: []alert.Target{"mail away@example.com"}})
	ended := w.raise(t)
	w.over(t, ended)
	for id, want := range map[string]string{
		running: "not acknowledged: the alert does not ask to be acknowledged",
		ended:   "not acknowledged: the alert is over",
	} {
		for range 2 {
			p := asProblem(t, acknowledged(t, w.api(), id, adaTakesIt))
			assert.Equal(t, 409, p.Status, "%+v", p)
			assert.Equal(t, want, p.Detail, "%+v", p)
		}
	}
	p := asProblem(t, acknowledged(t, w.api(), uuid.NewString(), adaTakesIt))
	assert.Equal(t, 404, p.Status, "an unknown one: %+v", p)
}

func TestAckMasksCardNumber(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	a := asAcknowledgement(t, acknowledged(t, w.api(), id, `{"by":"1234 5678 8765 4321","note":"card 1234-5678-8765-4321"}`))
	assert.Equal(t, "123456******4321", a.By, "%+v", a)
	assert.Equal(t, "card 123456******4321", a.Note, "%+v", a)
}

// All faults are reported at once.
func TestAckFaults(t *testing.T) {
	for body, want := range map[string]map[string]string{
		`[]`: {"#": "must be an object"},
		`{}`: {"#/by": "is required"},
		`{"by":" ","note":7,"at":"2026-01-02T03:04:05Z"}`: {
			"#/by": "must not be empty", "#/note": "must be a string", "#/at": "is not a known field",
		},
		`{"by":"` + strings.Repeat("x", 201) + `","note":"` + strings.Repeat("x", 501) + `"}`: {
			"#/by": "must have at most 200 characters", "#/note": "must have at most 500 characters",
		},
		`{"by":"a\u0000","4111111111111111":1}`: {
			"#/by": "must not hold control characters", "#/411111******1111": "is not a known field",
		},
	} {
		answer := acknowledged(t, unreachable(t), uuid.NewString(), body)
		assert.Equal(t, 422, answer.Code, body)
		assert.Empty(t, cmp.Diff(want, faultsOf(t, answer)), body)
	}
}

// An acknowledgement without an answer is 503, unless it is known why.
func TestAckUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		asked, sent error
		status      int
		detail      string
	}{
		"alertman is away":      {serviceerror.NewDeadlineExceeded(""), nil, 503, "no alertman answers"},
		"it goes away meantime": {nil, client.NewWorkflowUpdateServiceTimeoutOrCanceledError(serviceerror.NewDeadlineExceeded("")), 503, "no alertman answers"},
		"Temporal is away":      {nil, serviceerror.NewUnavailable(""), 503, "the workflow engine"},
		"Temporal is busy":      {nil, serviceerror.NewResourceExhausted(0, ""), 503, "the workflow engine"},
		"it ends meanwhile":     {nil, serviceerror.NewNotFound(""), 409, "the alert is over"},
		"alertman finds a fault": {
			nil, sdk.NewNonRetryableApplicationError("by: must say who", workflows.RequestInvalid, nil), 422, "the request is not valid: by: must say who",
		},
	} {
		temporal := &mocks.Client{}
		if c.asked != nil {
			temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(sent).Return(nil, c.asked)
		} else {
			knows(t, temporal, alert.Log{ID: "event-1"}, true)
			temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(sent).Return(nil, c.sent)
		}
		answer := acknowledged(t, handlerOn(temporal), "event-1", adaTakesIt)
		p := asProblem(t, answer)
		assert.Equal(t, c.status, p.Status, "%s: %v %+v", name, answer.Header(), p)
		assert.Contains(t, p.Detail, c.detail, "%s: %v %+v", name, answer.Header(), p)
		assert.Equal(t, answer.Header().Get("Retry-After") != "", p.Status == 503, "%s: %v %+v", name, answer.Header(), p)
	}
	p := asProblem(t, acknowledged(t, unreachable(t), "event-1", adaTakesIt))
	assert.Equal(t, 503, p.Status, "where no Temporal is: %+v", p)
}

// An acknowledgement waits for a worker as long as a verdict does, see TestVerdictOutlastsWorker.
func TestAcknowledgementOutlastsWorker(t *testing.T) {
	var patience time.Duration
	temporal := &mocks.Client{}
	knows(t, temporal, alert.Log{ID: "event-1"}, true)
	temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		until, _ := args.Get(0).(context.Context).Deadline()
		patience = time.Until(until)
	}).Return(nil, serviceerror.NewUnavailable(""))
	acknowledged(t, handlerOn(temporal), "event-1", adaTakesIt)
	assert.Greater(t, patience, 11*time.Second)
}

// FuzzAcknowledgement checks for any body that it is answered, never with a 500, that no answer repeats a card number, and
// that the workflow would refuse nothing of what is sent on.
func FuzzAcknowledgement(f *testing.F) {
	f.Add(adaTakesIt)
	f.Add(`{"by":"4111 1111 1111 1111","note":""}`)
	f.Add(`{"by":"12 (+4915112345678)/1","note":"a1234567890123/4"}`)
	f.Add(`{"4111111111111111":{"by":[1e99]}}`)
	temporal := &mocks.Client{}
	knows(f, temporal, alert.Log{ID: "event-1"}, true)
	temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		options, _ := args.Get(1).(client.UpdateWorkflowOptions)
		if a, _ := options.Args[0].(alert.Acknowledgement); a.Check() != nil || card.Redact(a.By) != a.By {
			panic(fmt.Sprintf("%q: %v", a, a.Check()))
		}
		sent(args)
	}).Return(nil, serviceerror.NewNotFound(""))
	handler := handlerOn(temporal)
	f.Fuzz(func(t *testing.T, body string) {
		answer := acknowledged(t, handler, "event-1", body, "Content-Type: application/json")
		if answer.Code != 409 && answer.Code != 400 && answer.Code != 413 && answer.Code != 422 {
			t.Fatalf("%d for %q: %s", answer.Code, body, answer.Body)
		}
		require.NotContains(t, answer.Body.String(), "4111111111111111", "the answer repeats a card number: %s", answer.Body)
	})
}
