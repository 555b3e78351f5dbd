package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/gateways/temporal"
	"dummyorders/workflows"
)

// An alert exists for those alone who may see the alerts of all its merchants.
func TestAlertMerchants(t *testing.T) {
	w := realWorld(t)
	transaction := uuid.NewString()
	of := func(merchant string) alert.Event {
		e := alert.Sample(alert.FraudDetected, workflows.EventID(workflows.TransactionWorkflowID(transaction), 1), time.Now())
		e.Data.Merchant, e.Data.TransactionID = merchant, transaction
		return e
	}
	asked := []alert.Assignment{{Receiver: asking.Receiver, Route: "all", Steps: []alert.Step{asking}}}
	theirs, old := of("acme"), of("")
	old.ID = uuid.NewString()
	started, err := (&temporal.Alerts{Client: w.client}).Start(t.Context(), theirs, asked)
	require.NoError(t, err)
	require.True(t, started)
	w.take(t, old, asking)
	mixed := uuid.NewString()
	w.deliver(t, mixed, workflows.DeliverAlertInput{
		Event: theirs, DigestID: mixed, Assignments: asked, Digest: &alert.Digest{Members: []alert.Member{of("beta").Member()}},
	})

	for _, id := range []string{theirs.ID, old.ID, mixed} {
		w.alert(t, id) // it answers by now
	}
	o := options(w.client, w.ledger)
	both := aClient("acme", "both", identity.Alerts)
	both.Grants[0].Merchants = identity.OnlyMerchants("acme", "beta")
	o.Authenticators = []api.Authenticator{api.NewKeys(map[string]identity.Subject{
		"key-of-acme": aClient("acme", "shop", identity.Alerts), "key-of-beta": aClient("beta", "shop", identity.Alerts),
		"key-of-default": aClient("default", "shop", identity.Alerts), "key-of-both": both,
	})}
	handler := handlerWith(o)
	for id, sees := range map[string]string{theirs.ID: "acme both", old.ID: "default", mixed: "both", uuid.NewString(): ""} {
		for _, caller := range []string{"beta", "default", "acme", "both"} {
			key, want := "Authorization: Bearer key-of-"+caller, 404
			if strings.Contains(sees, caller) {
				want = 200
			}
			read := request(t, handler, http.MethodGet, "/alerts/"+id, "", key)
			assert.Equal(t, want, read.Code, "%s reads what %s may see: %s", caller, sees, read.Body)
			taken := request(t, handler, http.MethodPost, "/alerts/"+id+"/acknowledge", `{}`, key)
			assert.Equal(t, want, taken.Code, "%s acknowledges what %s may see: %s", caller, sees, taken.Body)
			if want == 404 {
				unknown := request(t, handler, http.MethodGet, "/alerts/"+uuid.NewString(), "", key)
				assert.Equal(t, unknown.Body.String(), read.Body.String())
			}
			listed := request(t, handler, http.MethodGet, "/alerts?transaction="+transaction, "", key)
			assert.Equal(t, strings.Contains("acme both", caller), strings.Contains(listed.Body.String(), theirs.ID), "%s lists %s", caller, listed.Body)
		}
	}
	shown := answered[alert.Log](t, handler, http.MethodGet, "/alerts/"+mixed, "", 200, "Authorization: Bearer key-of-both")
	assert.Equal(t, []string{"acme", "beta"}, shown.Merchants)
	assert.Equal(t, "acme/both", shown.Acknowledgement.By)
}

// While no alertman answers, it is not said either that another merchant has an alert.
func TestAlertMerchantNoAlertman(t *testing.T) {
	theirs := described(true)
	payload, err := converter.GetDefaultDataConverter().ToPayload("acme")
	require.NoError(t, err)
	theirs.WorkflowExecutionInfo.SearchAttributes = &common.SearchAttributes{
		IndexedFields: map[string]*common.Payload{workflows.MerchantKey.GetName(): payload},
	}
	event := alert.Sample(alert.FraudDetected, "event-1", time.Now())
	event.Data.Merchant = "acme"
	others := event.Member()
	others.Merchant = "gamma"
	for name, c := range map[string]struct {
		described *workflowservice.DescribeWorkflowExecutionResponse
		began     workflows.DeliverAlertInput
		want      map[string]int
	}{
		"an alert":                      {theirs, workflows.DeliverAlertInput{Event: event}, map[string]int{"acme": 503, "beta": 404}},
		"a digest of several merchants": {described(true), workflows.DeliverAlertInput{Event: event, DigestID: "event-1", Digest: &alert.Digest{Members: []alert.Member{event.Member(), others}}}, map[string]int{"acme": 404, "beta": 404}},
	} {
		server := &mocks.Client{}
		server.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(sent).Return(nil, serviceerror.NewFailedPrecondition(""))
		server.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).Return(c.described, nil)
		began := &mocks.HistoryEventIterator{}
		began.On("Next").Return(happened(t, "", c.began), nil)
		server.On("GetWorkflowHistory", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(began)
		o := options(server, newMemory())
		o.Authenticators = []api.Authenticator{api.NewKeys(map[string]identity.Subject{
			"key-of-acme": aClient("acme", "shop", identity.Alerts), "key-of-beta": aClient("beta", "shop", identity.Alerts),
		})}
		for caller, want := range c.want {
			key := "Authorization: Bearer key-of-" + caller
			assert.Equal(t, map[int]int{503: 200, 404: 404}[want], request(t, handlerWith(o), http.MethodGet, "/alerts/event-1", "", key).Code, "%s: %s", name, caller)
			for _, path := range []string{"acknowledge", "resend"} {
				assert.Equal(t, want, request(t, handlerWith(o), http.MethodPost, "/alerts/event-1/"+path, `{}`, key).Code, "%s: %s: %s", name, caller, path)
			}
		}
	}
}
