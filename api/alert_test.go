package api_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/gateways/temporal"
	"dummyorders/workflows"
)

// shownAlert is the answer of GET /alerts/{id}, as far as it is more than the log.
type shownAlert struct {
	ID         string
	State      string
	Incomplete bool
	Resending  *alert.Resending
	Resent     []alert.Resending
	Chains     []struct {
		Receiver, Muted string

		Group *struct {
			Name, DigestID string
			Waiting        int
			Until          *time.Time
		}
		Steps []struct {
			Deliveries []struct {
				Target   alert.Target
				State    alert.State
				Attempts []alert.Attempt
				NextTry  *time.Time
			}
		}
	}
	Acknowledgement *alert.Acknowledgement
}

// An alert is shown with the tries that only Temporal knows.
func TestAlertShowsTries(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, alert.Step{Receiver: "fraud-team", Targets: []alert.Target{"mail jo@example.com", "mail away@example.com"}})
	eventually(t, func() error {
		a := w.alert(t, id)
		require.Equal(t, id, a.ID, "%+v", a)
		require.Equal(t, "delivering", a.State, "%+v", a)
		require.Len(t, a.Chains, 1, "%+v", a)
		if len(a.Chains[0].Steps) == 0 {
			return errors.New("nobody was told yet")
		}
		jo, away := a.Chains[0].Steps[0].Deliveries[0], a.Chains[0].Steps[0].Deliveries[1]
		if answers := known(jo.Attempts); jo.State != alert.Delivered || jo.NextTry != nil || !slices.Equal(answers, []string{"250 ok"}) {
			return fmt.Errorf("jo was told %+v", jo)
		}
		if away.NextTry == nil || time.Until(*away.NextTry) < 30*time.Minute ||
			!slices.Equal(known(away.Attempts), []string{"put off by mx.example.com for 1h0m0s: 451 try again later"}) {
			return fmt.Errorf("away was told %+v", away)
		}
		return nil
	})
	require.NoError(t, w.client.CancelWorkflow(t.Context(), workflows.AlertWorkflowID(id), ""))
	w.over(t, id)
	assert.Equal(t, "not_delivered", w.alert(t, id).State, "once it was ended with a delivery that is not over")
}

// known returns the answers of tries, except those that took so long on a slow machine that Temporal gave up on them.
func known(tries []alert.Attempt) []string {
	var answers []string
	for _, try := range tries {
		if !try.Unknown {
			answers = append(answers, try.Answer)
		}
	}
	return answers
}

// The alerts of a transaction are listed, the oldest first.
func TestAlertsOfTransaction(t *testing.T) {
	w, transaction := realWorld(t), uuid.NewString()
	var want []string
	for i, number := range []int{3, 1} {
		event := alert.Sample(alert.FraudDetected, workflows.EventID(workflows.TransactionWorkflowID(transaction), number),
			time.Now().Add(time.Duration(i)*time.Minute))
		want = append(want, w.take(t, event))
	}
	for id, want := range map[string][]string{transaction: want, strings.ToUpper(transaction): want, uuid.NewString(): nil} {
		answer := request(t, w.api(), http.MethodGet, "/alerts?transaction="+id, "")
		list := decoded[struct{ Alerts []shownAlert }](t, answer, 200)
		var got []string
		for _, a := range list.Alerts {
			got = append(got, a.ID)
		}
		require.NotNil(t, list.Alerts, "%s", answer.Body)
		assert.Empty(t, cmp.Diff(want, got), "%s", answer.Body)
	}
}

// Each parameter of the list of alerts is checked.
func TestAlertsQuery(t *testing.T) {
	for query, want := range map[string]map[string]string{
		"transaction=":   {"transaction": "must not be empty: leave it out, or give it a value"},
		"transaction=42": {"transaction": "must be a transactionID as POST /transact answers it, which is a UUID"},
		"transaction=" + uuid.NewString() + "&limit=1": {
			"transaction": "must stand alone: a transaction's alerts are listed without other parameters",
		},
		"transaction=" + uuid.NewString() + "&transaction=x": {"transaction": "must not stand more than once"},
		"4111111111111111=": {"411111******1111": "is not a known parameter"},
		"cursor=YWxlcnRzLw": {"cursor": "must be the next of an earlier answer, as it stands there"}, // the beginning of each cursor
		"state=loud&type=orders.fraud.v1&merchant=%27&since=now&endedSince=then&cursor=%21&limit=51": {
			"endedSince": "must be a time such as 2026-05-17T08:30:00Z, with a + written as %2B",
			"state":      "must be unacknowledged, undelivered, open, failed, delivered or muted", "type": "must be the type of an event, such as orders.fraud.detected.v1",
			"merchant": "must be 1 to 64 letters, digits, - and _", "since": "must be a time such as 2026-05-17T08:30:00Z, with a + written as %2B",
			"cursor": "must be the next of an earlier answer, as it stands there", "limit": "must be a whole number from 1 to 50",
		},
	} {
		answer := request(t, unreachable(t), http.MethodGet, "/alerts?"+query, "")
		got := map[string]string{}
		for _, fault := range asProblem(t, answer).Errors {
			got[fault.Parameter] = fault.Detail
		}
		assert.Equal(t, 422, answer.Code, query)
		assert.Empty(t, cmp.Diff(want, got), query)
	}
}

// listedAlerts returns the ids that a list of alerts has on all its pages. On a slow machine alertman can take longer to answer
// than the API waits.
func listedAlerts(t *testing.T, handler http.Handler, query string, headers ...string) (ids []string) {
	t.Helper()
	for cursor := ""; ; {
		var answer *httptest.ResponseRecorder
		eventually(t, func() error {
			answer = request(t, handler, http.MethodGet, "/alerts?limit=2&"+query+cursor, "", headers...)
			if answer.Code == http.StatusServiceUnavailable || strings.Contains(answer.Body.String(), `"incomplete":true`) {
				return errors.New(answer.Body.String())
			}
			return nil
		})
		page := decoded[struct {
			Alerts []shownAlert
			Next   string
		}](t, answer, 200)
		for _, a := range page.Alerts {
			ids = append(ids, a.ID)
		}
		if page.Next == "" {
			return ids
		}
		cursor = "&cursor=" + page.Next
	}
}

// Alerts are listed by what has become of them, in pages, and to those only who may see them.
func TestAlertsList(t *testing.T) {
	w, merchant := realWorld(t), "list-"+uuid.NewString()[:8]
	start := func(of alert.Type, step alert.Step) string {
		event := alert.Sample(of, uuid.NewString(), time.Now())
		event.Data.Merchant = merchant
		fresh, err := (&temporal.Alerts{Client: w.client}).Start(t.Context(), event, []alert.Assignment{{Receiver: step.Receiver, Route: "all", Steps: []alert.Step{step}}})
		require.NoError(t, err)
		require.True(t, fresh)
		return event.ID
	}
	informed := alert.Step{Receiver: asking.Receiver, Targets: asking.Targets}
	older := start(alert.FraudDetected, informed)
	w.over(t, older)
	newer := start(alert.CompensationFailed, informed)
	w.over(t, newer)
	asked := start(alert.FraudDetected, asking)
	late := start(alert.FraudDetected, alert.Step{Receiver: "fraud-team", Targets: []alert.Target{"mail away@example.com"}})
	silent := start(alert.FraudDetected, alert.Step{Receiver: "fraud-team", Targets: asking.Targets, Within: time.Second})
	w.over(t, silent)

	o := options(w.client, w.ledger)
	o.Authenticators = []api.Authenticator{tokens{"own": aPerson(merchant, identity.Alerts), "other": aPerson("beta", identity.Alerts)}}
	handler := handlerWith(o)
	since := time.Now().Add(-24 * time.Hour)
	failedToday := "state=failed&endedSince=" + since.UTC().Format(time.RFC3339Nano)
	for query, want := range map[string][]string{
		"":                     {late, asked, silent, newer, older},
		"state=unacknowledged": {asked, silent},
		"state=undelivered":    {late},
		"state=open":           {late, asked},
		"state=failed":         {silent},
		failedToday:            {silent},
		"state=delivered":      {asked, silent, newer, older},
		"type=" + string(alert.CompensationFailed):    {newer},
		"merchant=" + merchant + "&state=undelivered": {late},
		"merchant=beta":                                nil,
		"since=2126-01-02T00:00:00Z":                   nil,
		"state=failed&endedSince=2126-01-02T00:00:00Z": nil,
	} {
		eventually(t, func() error {
			if got := listedAlerts(t, handler, query, "Authorization: Bearer own"); !slices.Equal(want, got) {
				return fmt.Errorf("%q lists %v, want %v", query, got, want)
			}
			return nil
		})
	}
	counted, err := temporal.NewOperator(w.client).Alerts(t.Context(), identity.OnlyMerchants(merchant), since)
	require.NoError(t, err)
	assert.Equal(t, []int64{2, 1}, []int64{counted.Open, counted.Failed}, "as many as state=open and failedToday list")
	assert.Empty(t, listedAlerts(t, handler, "", "Authorization: Bearer other"))
	assert.Empty(t, listedAlerts(t, handler, "merchant="+merchant, "Authorization: Bearer other"))
	for _, cursor := range []string{"none", "alerts/none", `alerts/{"CloseTime":1}`, `alerts/{"RunID":"\u0000"}`, `alerts/{"SearchAfter":1}`, `alerts/{}{}`} {
		foreign := request(t, handler, http.MethodGet, "/alerts?cursor="+base64.RawURLEncoding.EncodeToString([]byte(cursor)), "", "Authorization: Bearer own")
		assert.Equal(t, 422, foreign.Code, "%s: %s", cursor, foreign.Body)
		assert.Contains(t, foreign.Body.String(), `"parameter":"cursor"`)
	}
}

// The state of an alert follows from its deliveries.
func TestAlertState(t *testing.T) {
	chain := func(states ...alert.State) alert.ChainLog {
		var step alert.StepLog
		for _, s := range states {
			step.Deliveries = append(step.Deliveries, alert.Delivery{State: s})
		}
		return alert.ChainLog{Steps: []alert.StepLog{step}}
	}
	muted, collected := alert.ChainLog{Muted: "by load-test"}, alert.ChainLog{Collected: &alert.Place{WorkflowID: "alert-group-1"}}
	for _, c := range []struct {
		want    string
		running bool
		chains  []alert.ChainLog
	}{
		{"delivering", true, []alert.ChainLog{chain(alert.Delivered, alert.Refused), chain(alert.Pending)}},
		{"delivering", true, []alert.ChainLog{chain(alert.Delivered), {}}},
		{"delivering", true, nil},
		{"not_delivered", false, []alert.ChainLog{chain(alert.Delivered), chain(alert.Pending)}},
		{"not_delivered", false, []alert.ChainLog{chain(alert.Delivered), {}}},
		{"not_delivered", true, []alert.ChainLog{chain(alert.Refused), chain(alert.Expired)}},
		{"expired", false, []alert.ChainLog{chain(alert.Delivered, alert.Expired)}},
		{"delivered", true, []alert.ChainLog{chain(alert.Delivered), muted, collected}},
		{"collected", false, []alert.ChainLog{muted, collected}},
		{"muted", false, []alert.ChainLog{muted}},
	} {
		temporal := &mocks.Client{}
		knows(t, temporal, alert.Log{ID: "event-1", Chains: c.chains}, c.running)
		temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, workflows.DigestsQuery).
			Return(nil, serviceerror.NewUnavailable(""))
		a := decoded[shownAlert](t, request(t, handlerOn(temporal), http.MethodGet, "/alerts/event-1", ""), 200)
		assert.Equal(t, c.want, a.State, "%+v, running: %v", c.chains, c.running)
	}
}

// A collected alert leads to its digest.
func TestGroupedAlertLinksDigest(t *testing.T) {
	until := start.Add(time.Minute)
	waiting := alert.GroupLog{Name: "card 123456******4321", Waiting: 3, Until: &until}
	told := alert.GroupLog{Name: "card 123456******4321", Digests: []alert.DigestLog{
		{ID: "digest-1", Events: []string{"event-0"}}, {ID: "digest-2", Events: []string{"event-1", "event-2"}},
	}}
	for name, c := range map[string]struct {
		run, latest *alert.GroupLog // nil: it cannot be asked
		digest      string
		waiting     int
		unknown     bool
	}{
		"told by the run":               {run: &told, digest: "digest-2"},
		"told by a later run":           {run: &waiting, latest: &told, digest: "digest-2"},
		"the run is forgotten":          {latest: &told, digest: "digest-2"},
		"it waits":                      {run: &waiting, latest: &waiting, waiting: 3},
		"nobody can be asked of groups": {unknown: true},
	} {
		temporal := &mocks.Client{}
		log := alert.Log{ID: "event-1", Chains: []alert.ChainLog{{Collected: &alert.Place{WorkflowID: "alert-group-1", RunID: "run-1"}}}}
		knows(t, temporal, log, false)
		for run, group := range map[string]*alert.GroupLog{"run-1": c.run, "": c.latest} {
			on := temporal.On("QueryWorkflow", mock.Anything, "alert-group-1", run, workflows.DigestsQuery)
			if group == nil {
				on.Return(nil, serviceerror.NewNotFound(""))
			} else {
				on.Return(value(t, *group), nil)
			}
		}
		group := decoded[shownAlert](t, request(t, handlerOn(temporal), http.MethodGet, "/alerts/event-1", ""), 200).Chains[0].Group
		if (group == nil) != c.unknown {
			t.Errorf("%s: %+v", name, group)
		} else if group != nil && (group.Name != waiting.Name || group.DigestID != c.digest || group.Waiting != c.waiting || (group.Until != nil) != (c.waiting > 0)) {
			t.Errorf("%s: %+v", name, group)
		}
	}
}

// A collected digest leads to the digest that has its alerts. A throttle's digest lists events, even if the throttle
// held back a group's digest.
func TestGroupedDigestLinksDigest(t *testing.T) {
	temporal := &mocks.Client{}
	log := alert.Log{
		ID: "digest-1", Digest: &alert.Digest{Members: []alert.Member{
			{EventID: "event-1", TransactionID: uuid.NewString()}, {EventID: "event-2", TransactionID: uuid.NewString()},
		}},
		Chains: []alert.ChainLog{{Collected: &alert.Place{WorkflowID: "alert-throttle-on-call"}}},
	}
	knows(t, temporal, log, false)
	temporal.On("QueryWorkflow", mock.Anything, "alert-throttle-on-call", "", workflows.DigestsQuery).
		Return(value(t, alert.GroupLog{Digests: []alert.DigestLog{{ID: "digest-9", Events: []string{"event-7", "event-1", "event-2"}}}}), nil)
	a := decoded[shownAlert](t, request(t, handlerOn(temporal), http.MethodGet, "/alerts/digest-1", ""), 200)
	group := a.Chains[0].Group
	require.NotNil(t, group)
	assert.Equal(t, "digest-9", group.DigestID)
}

// A try that is still running is not shown as broken off.
func TestAlertRunningTry(t *testing.T) {
	tries := []alert.Attempt{{Number: 1, Answer: "451 later"}, {Number: 2, Answer: "nobody knows", Unknown: true}}
	onGoing := []alert.Attempt{tries[0], {Number: 2, Answer: "under way"}}
	telling := alert.DeliveryRequest{Receiver: "fraud-team", Target: "mail jo@example.com"}
	for name, c := range map[string]struct {
		given   any // to the activity
		state   enums.PendingActivityState
		attempt int32
		left    any
		want    []alert.Attempt
	}{
		"it goes on":               {telling, enums.PENDING_ACTIVITY_STATE_STARTED, 2, tries, onGoing},
		"the one after it goes on": {telling, enums.PENDING_ACTIVITY_STATE_STARTED, 3, tries, tries},
		"it is waited for":         {telling, enums.PENDING_ACTIVITY_STATE_SCHEDULED, 2, tries, tries},
		"another step's":           {alert.DeliveryRequest{Receiver: telling.Receiver, Target: telling.Target, Step: 1}, enums.PENDING_ACTIVITY_STATE_SCHEDULED, 2, tries, nil},
		"another target's":         {alert.DeliveryRequest{Receiver: telling.Receiver, Target: "mail al@example.com"}, enums.PENDING_ACTIVITY_STATE_SCHEDULED, 2, tries, nil},
		"another activity's":       {alert.GroupRequest{}, enums.PENDING_ACTIVITY_STATE_SCHEDULED, 2, "something", nil},
	} {
		log := alert.Log{ID: "event-1", Chains: []alert.ChainLog{{Steps: []alert.StepLog{{
			Receiver: telling.Receiver, Deliveries: []alert.Delivery{{Target: telling.Target, State: alert.Pending}},
		}}}}}
		left, err := converter.GetDefaultDataConverter().ToPayloads(c.left)
		require.NoError(t, err)
		found := described(true)
		found.PendingActivities = []*workflow.PendingActivityInfo{{ActivityId: "5", State: c.state, Attempt: c.attempt, HeartbeatDetails: left}}
		temporal := &mocks.Client{}
		temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).Return(found, nil)
		knows(t, temporal, log, true, happened(t, "", workflows.DeliverAlertInput{}), happened(t, "5", c.given))
		answer := request(t, handlerOn(temporal), http.MethodGet, "/alerts/event-1", "")
		got := decoded[shownAlert](t, answer, 200).Chains[0].Steps[0].Deliveries[0].Attempts
		assert.Empty(t, cmp.Diff(c.want, got, cmpopts.EquateEmpty()), "%s %s", name, answer.Body)
		assert.NotNil(t, got, "%s %s", name, answer.Body)
	}
}

func TestAlertErrors(t *testing.T) {
	unsent := func(mock.Arguments) {}
	for name, c := range map[string]struct {
		went   func(mock.Arguments)
		err    error
		status int
		detail string
	}{
		"an unknown one":     {sent, serviceerror.NewNotFound(""), 404, "no such alert"},
		"no Temporal":        {sent, serviceerror.NewUnavailable(""), 503, "the workflow engine cannot be asked"},
		"no way to Temporal": {unsent, serviceerror.NewDeadlineExceeded(""), 503, "the workflow engine cannot be asked"},
	} {
		temporal := &mocks.Client{}
		temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(c.went).Return(nil, c.err)
		temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).Return(described(true), nil)
		answer := request(t, handlerOn(temporal), http.MethodGet, "/alerts/event-1", "")
		p := asProblem(t, answer)
		assert.Equal(t, c.status, p.Status, "%s: %d %v %s", name, answer.Code, answer.Header(), answer.Body)
		assert.Contains(t, p.Detail, c.detail, "%s: %d %v %s", name, answer.Code, answer.Header(), answer.Body)
		assert.Equal(t, answer.Header().Get("Retry-After") != "", p.Status == 503, "%s: %d %v %s", name, answer.Code, answer.Header(), answer.Body)
		list := request(t, handlerOn(temporal), http.MethodGet, "/alerts?transaction="+uuid.NewString(), "")
		if (list.Code == 503) != (c.status == 503) || list.Code != 503 && list.Code != 200 {
			t.Errorf("%s: the list is %d %s", name, list.Code, list.Body)
		}
	}
	p := asProblem(t, request(t, unreachable(t), http.MethodGet, "/alerts/event-1", ""))
	assert.Equal(t, 503, p.Status, "where no Temporal is: %+v", p)
	assert.Contains(t, p.Detail, "workflow engine", "where no Temporal is: %+v", p)
}

// Without an alertman, an alert is shown as Temporal itself has it, and a list has those that may be in the state that it asks for.
func TestAlertsNoAlertman(t *testing.T) {
	event := alert.Sample(alert.ReviewRequested, "event-1", time.Now())
	of := func(muted string) []alert.Assignment {
		return []alert.Assignment{{Receiver: "fraud-team", Route: "all", Muted: muted, Steps: []alert.Step{asking}}}
	}
	for name, c := range map[string]struct {
		err    error
		muted  string
		status enums.WorkflowExecutionStatus
		want   string
		listed []string
	}{
		"under way":     {serviceerror.NewDeadlineExceeded(""), "", enums.WORKFLOW_EXECUTION_STATUS_RUNNING, "delivering", []string{"unacknowledged", "undelivered"}},
		"ended well":    {serviceerror.NewFailedPrecondition(""), "", enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, "over", []string{"delivered"}},
		"muted":         {serviceerror.NewFailedPrecondition(""), "load test", enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, "muted", []string{"muted"}},
		"failed":        {serviceerror.NewFailedPrecondition(""), "", enums.WORKFLOW_EXECUTION_STATUS_FAILED, "failed", []string{"unacknowledged", "undelivered"}},
		"ended by hand": {serviceerror.NewFailedPrecondition(""), "", enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, "failed", []string{"unacknowledged", "undelivered"}},
	} {
		server, found := &mocks.Client{}, described(true)
		found.WorkflowExecutionInfo.Status = c.status
		server.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(sent).Return(nil, c.err)
		server.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).Return(found, nil)
		began := &mocks.HistoryEventIterator{}
		began.On("Next").Return(happened(t, "", workflows.DeliverAlertInput{Event: event, Assignments: of(c.muted)}), nil)
		server.On("GetWorkflowHistory", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(began)
		server.On("ListWorkflow", mock.Anything, mock.Anything).Return(&workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflow.WorkflowExecutionInfo{
			{Execution: &common.WorkflowExecution{WorkflowId: workflows.AlertWorkflowID("event-1")}},
		}}, nil)
		a := decoded[shownAlert](t, request(t, handlerOn(server), http.MethodGet, "/alerts/event-1", ""), 200)
		assert.True(t, a.Incomplete, name)
		assert.Equal(t, []string{c.want, "fraud-team", c.muted}, []string{a.State, a.Chains[0].Receiver, a.Chains[0].Muted}, name)
		var listed []string
		for _, state := range []string{"unacknowledged", "undelivered", "delivered", "muted"} {
			answer := request(t, handlerOn(server), http.MethodGet, "/alerts?state="+state, "")
			require.Equal(t, 200, answer.Code, answer.Body)
			if strings.Contains(answer.Body.String(), `"event-1"`) {
				listed = append(listed, state)
			}
		}
		assert.Equal(t, c.listed, listed, name)
		again := asProblem(t, request(t, handlerOn(server), http.MethodPost, "/alerts/event-1/resend", `{"by": "ada"}`))
		assert.Equal(t, 503, again.Status, name)
		assert.Contains(t, again.Detail, "nothing was sent again", name)
	}
}

// An id that no alert can have is not found, without asking Temporal.
func TestAlertImpossibleID(t *testing.T) {
	for _, id := range []string{"%FF", strings.Repeat("x", 1000)} { // the fake Temporal panics if it is asked
		for _, answer := range []*httptest.ResponseRecorder{
			request(t, handlerOn(&mocks.Client{}), http.MethodGet, "/alerts/"+id, ""),
			request(t, handlerOn(&mocks.Client{}), http.MethodPost, "/alerts/"+id+"/acknowledge", adaTakesIt, "Content-Type: application/json"),
		} {
			p := asProblem(t, answer)
			assert.Equal(t, 404, p.Status, "%.10s: %d %s", id, answer.Code, answer.Body)
			assert.Contains(t, p.Detail, "no such alert", "%.10s: %d %s", id, answer.Code, answer.Body)
		}
	}
}

// knows makes a fake Temporal know an alert, and the beginning of its history. As in every log, each delivery has a target
// and a list of attempts.
func knows(t testing.TB, temporal *mocks.Client, log alert.Log, running bool, events ...*history.HistoryEvent) {
	t.Helper()
	log.Chains = append([]alert.ChainLog{}, log.Chains...)
	for i := range log.Chains {
		chain := &log.Chains[i]
		chain.Steps = append([]alert.StepLog{}, chain.Steps...)
		for _, step := range chain.Steps {
			for k := range step.Deliveries {
				if step.Deliveries[k].Target == "" {
					step.Deliveries[k].Target = "mail jo@example.com"
				}
				step.Deliveries[k].Attempts = append([]alert.Attempt{}, step.Deliveries[k].Attempts...)
			}
		}
	}
	temporal.On("QueryWorkflow", mock.Anything, workflows.AlertWorkflowID(log.ID), "", workflows.DeliveriesQuery).Return(value(t, log), nil)
	temporal.On("DescribeWorkflowExecution", mock.Anything, workflows.AlertWorkflowID(log.ID), "").Return(described(running), nil)
	temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, "").Return(nil, serviceerror.NewNotFound("")) // it was not sent again
	iterator := &mocks.HistoryEventIterator{}
	for _, event := range events {
		iterator.On("HasNext").Return(true).Once()
		iterator.On("Next").Return(event, nil).Once()
	}
	iterator.On("HasNext").Return(false)
	temporal.On("GetWorkflowHistory", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(iterator)
}

// happened returns the event of an activity that began with an input, or of the workflow if there is no activity.
func happened(t testing.TB, activity string, input any) *history.HistoryEvent {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(input)
	require.NoError(t, err)
	if activity == "" {
		return &history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &history.WorkflowExecutionStartedEventAttributes{Input: payloads},
		}}
	}
	return &history.HistoryEvent{Attributes: &history.HistoryEvent_ActivityTaskScheduledEventAttributes{
		ActivityTaskScheduledEventAttributes: &history.ActivityTaskScheduledEventAttributes{ActivityId: activity, Input: payloads},
	}}
}

func described(running bool) *workflowservice.DescribeWorkflowExecutionResponse {
	status := enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	if running {
		status = enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: status}}
}

func value(t testing.TB, v any) converter.EncodedValue {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(v)
	require.NoError(t, err)
	return client.NewValue(payloads)
}
