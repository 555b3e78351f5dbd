package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/mocks"

	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

const lostDispute = `{"label":"fraudulent","source":"dispute","note":"chargeback 4853"}`

func labelled(t testing.TB, handler http.Handler, id, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, handler, http.MethodPost, "/transactions/"+id+"/labels", body, headers...)
}

// asLabel returns the label of an answer, and checks that the answer says where the transaction is.
func asLabel(t testing.TB, answer *httptest.ResponseRecorder, status int, id string) ledger.Label {
	t.Helper()
	require.Equal(t, "/transactions/"+id, answer.Header().Get("Location"), "%v %s", answer.Header(), answer.Body)
	return decoded[ledger.Label](t, answer, status)
}

// labelsOf returns a transaction's labels, and checks that they are the same when it is read alone and in a list.
func labelsOf(t *testing.T, handler http.Handler, id string) []ledger.Label {
	t.Helper()
	r := answered[ledger.Record](t, handler, http.MethodGet, "/transactions/"+id, "", 200)
	for _, other := range decoded[listed](t, request(t, handler, http.MethodGet, "/transactions?limit=200", ""), 200).Transactions {
		if diff := cmp.Diff(r.Labels, other.Labels); other.TransactionID == id && diff != "" {
			t.Errorf("alone and in the list (-alone +list):\n%s", diff)
		}
	}
	return r.Labels
}

// A label is shown wherever its transaction is.
func TestLabelIsShown(t *testing.T) {
	w := realWorld(t)
	id := decoded[ledger.Answer](t, request(t, w.api(), http.MethodPost, "/transact", paidBy(t, "amazonpay"), patient), 200).TransactionID
	w.ended(t, id)
	before := time.Now().UTC().Truncate(time.Microsecond)
	lost := asLabel(t, labelled(t, w.api(), id, lostDispute), 201, id)
	if want := (ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Note: "chargeback 4853", Time: lost.Time}); !lost.Equal(want) {
		t.Errorf("the label is %+v, want %+v", lost, want)
	}
	assert.False(t, lost.Time.Before(before), "its time is %s, want now", lost.Time)
	assert.False(t, lost.Time.After(time.Now()), "its time is %s, want now", lost.Time)
	won := asLabel(t, labelled(t, w.later(), strings.ToUpper(id), `{"label":"legitimate","source":"dispute","note":""}`), 201, id)
	assert.Empty(t, cmp.Diff([]ledger.Label{lost, won}, labelsOf(t, w.api(), id)), "labels (-want +got)")
}

// The same label again changes its note and is 200.
func TestLabelAgain(t *testing.T) {
	m := newMemory(entry(1))
	handler := handlerWith(options(nowhere(t), m))
	for id := range m.entries {
		first := asLabel(t, labelled(t, handler, id, lostDispute), 201, id)
		for _, note := range []string{"chargeback 4853", "closed", ""} {
			again := asLabel(t, labelled(t, handler, id, fmt.Sprintf(`{"label":"fraudulent","source":"dispute","note":%q}`, note)), 200, id)
			first.Note = note
			assert.Empty(t, cmp.Diff(first, again), "with the note %q (-want +got)", note)
			assert.Empty(t, cmp.Diff([]ledger.Label{first}, labelsOf(t, handler, id)), "labels (-want +got)")
		}
		p := asProblem(t, labelled(t, handler, id, `{"label":"fraudulent","source":"dispute","note":"one too many"}`))
		assert.Equal(t, 409, p.Status)
		assert.Contains(t, p.Detail, "already has 100 earlier notes")
	}
}

// A label says which client gave it.
func TestLabelBy(t *testing.T) {
	m := newMemory(entry(1))
	o := options(nowhere(t), m)
	o.Authenticators = clients(map[string]string{"shop": "secret-of-the-shop"})
	for id := range m.entries {
		l := asLabel(t, labelled(t, handlerWith(o), id, lostDispute, shopKey), 201, id)
		assert.Equal(t, "shop", l.By)
		p := asProblem(t, labelled(t, handlerWith(o), id, `{"label":"fraudulent","source":"dispute","by":"ada"}`, shopKey))
		assert.Equal(t, 422, p.Status, "%+v", p)
	}
}

func TestLabelMasksCardNumber(t *testing.T) {
	m := newMemory(entry(1))
	handler := handlerWith(options(nowhere(t), m))
	for id := range m.entries {
		l := asLabel(t, labelled(t, handler, id, `{"label":"fraudulent","source":"reviewer","note":"card 1234-5678-8765-4321"}`), 201, id)
		if l.Note != "card 123456******4321" || !m.labels[id][0].Equal(l) {
			t.Errorf("the note is answered as %q, and kept as %+v", l.Note, m.labels[id])
		}
	}
}

// A running transaction has the labels that the ledger has. The workflow, which is asked, knows only its reviewer's
// label.
func TestLabelsOfRunningTransaction(t *testing.T) {
	w := realWorld(t)
	id := w.held(t, heldForReview)
	handler := w.api()
	lost := asLabel(t, labelled(t, handler, id, lostDispute), 201, id)
	assert.Empty(t, cmp.Diff([]ledger.Label{lost}, labelsOf(t, handler, id)), "in review (-want +got)")
	decoded[ledger.Answer](t, judge(t, handler, id, adaApproves, patient), 200)
	w.ended(t, id)
	labels := labelsOf(t, handler, id)
	if len(labels) != 2 || !labels[0].Equal(lost) || labels[1].Source != ledger.ByReviewer {
		t.Errorf("after its end: %+v", labels)
	}
	asLabel(t, labelled(t, handler, id, `{"label":"legitimate","source":"reviewer","note":"known for years"}`), 200, id)
	labels[1].Note = "known for years"
	assert.Empty(t, cmp.Diff(labels, labelsOf(t, handler, id)), "with a note of later (-want +got)")
}

// The labels of workflow and ledger are shown together. A workflow's own label may be newer than the ledger's entry,
// and the label's note in the ledger newer than the workflow's.
func TestLabelsAreMerged(t *testing.T) {
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	own := ledger.Label{Label: ledger.Legitimate, Source: ledger.ByReviewer, Note: "known", Time: at(2)}
	noted, lost := own, ledger.Label{Label: ledger.Fraudulent, Source: ledger.ByDispute, Time: at(1)}
	noted.Note = "known for years"
	for name, c := range map[string]struct{ workflow, ledger, want []ledger.Label }{
		"neither has any":                  {nil, nil, nil},
		"the workflow alone":               {[]ledger.Label{own}, nil, []ledger.Label{own}},
		"the ledger alone":                 {nil, []ledger.Label{lost}, []ledger.Label{lost}},
		"each one of its own":              {[]ledger.Label{own}, []ledger.Label{lost}, []ledger.Label{lost, own}},
		"the ledger one with another note": {[]ledger.Label{own}, []ledger.Label{lost, noted}, []ledger.Label{lost, noted}},
	} {
		e := entry(1)
		inWorkflow := e.Record
		e.Record.Labels, inWorkflow.Labels = c.ledger, c.workflow
		value := &mocks.Value{}
		value.On("Get", mock.Anything).Run(func(args mock.Arguments) { *args.Get(0).(*ledger.Record) = inWorkflow }).Return(nil)
		temporal := undescribed()
		temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(value, nil)
		r := answered[ledger.Record](t, handlerWith(options(temporal, newMemory(e))), http.MethodGet, "/transactions/"+e.Record.TransactionID, "", 200)
		assert.Empty(t, cmp.Diff(c.want, r.Labels), "%s (-want +got)", name)
	}
}

// describes returns a Temporal that knows a workflow with that status, or fails.
func describes(status enums.WorkflowExecutionStatus, err error) *mocks.Client {
	temporal := &mocks.Client{}
	temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).
		Return(&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: status}}, err)
	return temporal
}

// undescribed returns a Temporal that describes no workflow.
func undescribed() *mocks.Client { return describes(0, serviceerror.NewUnavailable("")) }

// If the ledger lacks a transaction, the answer says whether it will come.
func TestLabelNotInLedger(t *testing.T) {
	const running, completed = enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	away := newMemory()
	away.goAway(true)
	for name, c := range map[string]struct {
		ledger   *memory
		temporal *mocks.Client
		status   int
		after    string
		detail   string
	}{
		"neither knows it":                      {newMemory(), describes(running, serviceerror.NewNotFound("")), 404, "", "no such transaction"},
		"it was accepted a moment ago":          {newMemory(), describes(running, nil), 503, "1", "is not in the ledger yet; nothing was kept"},
		"the ledger has lost it":                {newMemory(), describes(completed, nil), 404, "", "no such transaction"},
		"the ledger lacks it, Temporal is away": {newMemory(), describes(running, serviceerror.NewUnavailable("")), 503, "5", "safely be sent again"},
		"the ledger is away":                    {away, &mocks.Client{}, 503, "5", "the ledger cannot be written now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some of them wait for the ledger
			answer := labelled(t, handlerWith(options(c.temporal, c.ledger)), uuid.NewString(), lostDispute)
			p := asProblem(t, answer)
			assert.Equal(t, c.status, p.Status, "%+v", p)
			assert.Contains(t, p.Detail, c.detail, "%+v", p)
			assert.Equal(t, c.after, answer.Header().Get("Retry-After"), "seconds")
		})
	}
	p := asProblem(t, labelled(t, unreachable(t), "42", lostDispute))
	assert.Equal(t, 404, p.Status, "not a transactionID: %+v", p)
}

func TestLabelWaitsForLedger(t *testing.T) {
	e, m, asked := entry(1), newMemory(), make(chan struct{})
	temporal := &mocks.Client{}
	temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).
		Run(func(mock.Arguments) { close(asked) }).
		Return(&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
			Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		}}, nil)
	saved := make(chan struct{})
	go func() { defer close(saved); <-asked; m.save(e) }()
	asLabel(t, labelled(t, handlerWith(options(temporal, m)), e.Record.TransactionID, lostDispute), 201, e.Record.TransactionID)
	<-saved
}

// All faults are reported at once.
func TestLabelFaults(t *testing.T) {
	for body, want := range map[string]map[string]string{
		`[]`: {"#": "must be an object"},
		`{}`: {"#/label": "is required", "#/source": "is required"},
		`{"label":"Fraudulent","source":"rumour","note":7,"time":"2026-01-02T03:04:05Z"}`: {
			"#/label": "must be fraudulent or legitimate", "#/source": "must be dispute, early_fraud_warning or reviewer",
			"#/note": "must be a string", "#/time": "is not a known field",
		},
		`{"label":true,"source":null,"note":"` + strings.Repeat("x", 501) + `","4111111111111111":1}`: {
			"#/label": "must be a string", "#/source": "must be a string", "#/note": "must have at most 500 characters",
			"#/411111******1111": "is not a known field",
		},
		`{"label":"fraudulent","source":"dispute","note":true}`: {"#/note": "must be a string"},
	} {
		answer := labelled(t, unreachable(t), uuid.NewString(), body)
		assert.Equal(t, 422, answer.Code, body)
		assert.Empty(t, cmp.Diff(want, faultsOf(t, answer)), body)
	}
}

// FuzzLabel checks for any body that it is answered, never with a 500, and that neither the answer nor the ledger has a
// card number.
func FuzzLabel(f *testing.F) {
	f.Add(lostDispute)
	f.Add(`{"label":"legitimate","source":"reviewer","note":"4111 1111 1111 1111"}`)
	f.Add(`{"4111111111111111":{"label":[1e99]}}`)
	f.Add(`[[[[`)
	f.Fuzz(func(t *testing.T, body string) {
		id := uuid.NewString()
		m := newMemory(ledger.Entry{Record: *ledger.Open(transaction.Transaction{ID: id}, start)})
		answer := labelled(t, handlerWith(options(&mocks.Client{}, m)), id, body, "Content-Type: application/json")
		if answer.Code != 201 && answer.Code != 400 && answer.Code != 413 && answer.Code != 422 {
			t.Fatalf("%d for %q: %s", answer.Code, body, answer.Body)
		}
		for _, text := range []string{answer.Body.String(), fmt.Sprint(m.labels[id])} {
			require.NotContains(t, text, "4111111111111111")
			require.NotContains(t, text, "4111 1111 1111 1111")
		}
	})
}
