package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/strictjson"
)

const labelDescription = "Keeps what turned out to be true about a transaction: from a dispute, from an early fraud warning of the " +
	"card network, or from a reviewer who looked at it outside a review. A transaction has one label of each source and word: " +
	"sending it again changes its note, keeps its time and is answered 200, so a label can safely be sent again. The notes that " +
	"it had before are kept in earlier, with who gave each and when. A label keeps 100 earlier notes; another change of its note is answered 409. " +
	"The transaction is always shown with its labels, and rules count them."

// labelRequest describes POST /transactions/{id}/labels for huma. The body is read by its table, labels.
type labelRequest struct {
	ID      string `path:"id" doc:"The transactionID of the transaction"`
	RawBody []byte `contentType:"application/json"`
}

// labelResponse is 201 if the label is new.
type labelResponse struct {
	Status   int
	Location string `header:"Location" doc:"Where the transaction is, with its labels"`
	Body     ledger.Label
}

func (s *server) registerLabel(api huma.API) {
	huma.Register(api, s.soon(s.short, takesBody(MaxBody, huma.Operation{
		OperationID:   "labelTransaction",
		Method:        http.MethodPost,
		Path:          "/transactions/{id}/labels",
		Summary:       "Say what turned out to be true about a transaction",
		Description:   labelDescription,
		Tags:          []string{"labels"},
		DefaultStatus: http.StatusCreated,
		Errors:        []int{404, 409, 422, 503},
	})), s.label)
	operation := api.OpenAPI().Paths["/transactions/{id}/labels"].Post
	describeBody(api.OpenAPI(), operation, labels,
		`{"label": "fraudulent", "source": "dispute", "note": "chargeback 4853"}`)
	operation.Responses["201"].Description = "A new label"
	known := *operation.Responses["201"]
	known.Description = "The transaction had this label; it has the note that was sent, and its time is as it was"
	operation.Responses["200"] = &known
}

func (s *server) label(ctx context.Context, r *labelRequest) (*labelResponse, error) {
	id, err := parseID(r.ID)
	if err != nil {
		return nil, err
	}
	label, err := readBody(r.RawBody, labels, "the label")
	if err != nil {
		return nil, err
	}
	if caller := subjectOf(ctx); isKnown(caller) {
		label.By = caller.Name
	}
	label.Time = time.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	known, earlier := s.known(ctx, merchantsOf(ctx), id), ""
	if i := slices.IndexFunc(known.Labels, label.Same); i >= 0 {
		earlier = inWords(known.Labels[i])
	}
	begun, p := s.audit.begin(ctx, audit.Entry{Object: id, Merchant: known.Merchant, After: inWords(label)})
	if p != nil {
		return nil, p
	}
	kept, err := s.Transactions.Label(ctx, merchantsOf(ctx), id, label)
	response := &labelResponse{Status: http.StatusOK, Location: "/transactions/" + id, Body: kept}
	if kept.Time.Equal(label.Time) {
		response.Status = http.StatusCreated
	}
	if err != nil {
		p = s.labelProblem(ctx, id, err)
	}
	s.audit.end(ctx, begun, earlier, statusOf(p, response.Status))
	if p != nil {
		return nil, p
	}
	return response, nil
}

// labelProblem returns the reason why a label was not kept, as far as it is known.
func (s *server) labelProblem(ctx context.Context, id string, err error) *Problem {
	if errors.Is(err, transaction.ErrNotFound) {
		return problem(http.StatusNotFound, "no such transaction")
	}
	if errors.Is(err, ledger.ErrTooManyNotes) {
		return problem(http.StatusConflict, fmt.Sprintf("the label already has %d earlier notes, the most it can have; its note was not changed", ledger.MostNotes))
	}
	s.Log.ErrorContext(ctx, "Label not kept", "transaction", id, "error", err)
	if errors.Is(err, ledger.ErrNotFound) {
		return retryLater(http.StatusServiceUnavailable, retryAfterPending,
			"the transaction was accepted, and is not in the ledger yet; nothing was kept, and the label can safely be sent again")
	}
	return unavailable("the ledger cannot be written now, or cannot say whether it has kept the label, which can safely be sent again")
}

// labels lists the members of a label. The label that is read has no time yet. Whatever could be a card number in its note
// is masked before it goes anywhere.
var labels = object[ledger.Label]{name: "LabelSchema", members: []member[ledger.Label]{
	{
		"label", true, choice("What turned out to be true", ledger.Fraudulent, ledger.Legitimate),
		func(v *strictjson.Value, l *ledger.Label) { l.Label = v.Literal() },
	},
	{
		"source", true, choice("Where that is known from", ledger.ByDispute, ledger.ByEarlyFraudWarning, ledger.ByReviewer),
		func(v *strictjson.Value, l *ledger.Label) { l.Source = v.Literal() },
	},
	{"note", false, noteSchema, func(v *strictjson.Value, l *ledger.Label) { l.Note = card.Redact(clean(v.Literal())) }},
}}
