package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/ledger"
)

// transactRequest is POST /transact as huma sees it. The body is read by reader, because card digits, exact
// amounts and every fault at once are beyond a schema; transactionSchema is what it reads, for people.
type transactRequest struct {
	Prefer  string `header:"Prefer" doc:"respond-async to be answered 202 at once; wait=N to wait at most N seconds (RFC 7240)" example:"wait=5"`
	RawBody []byte `contentType:"application/json"`
}

// transactResponse is 200 when the answer is settled, else 202 with where to ask for it.
type transactResponse struct {
	Status            int
	Location          string `header:"Location"`
	RetryAfter        string `header:"Retry-After"`
	PreferenceApplied string `header:"Preference-Applied"`
	Body              ledger.Answer
}

func (s *server) registerTransact(api huma.API) {
	operation := huma.Operation{
		OperationID:      "transact",
		Method:           http.MethodPost,
		Path:             "/transact",
		Summary:          "Process a transaction",
		Description:      transactDescription,
		Tags:             []string{"transactions"},
		DefaultStatus:    http.StatusOK,
		SkipValidateBody: true,
		MaxBodyBytes:     2 * maxBody, // limitBody has refused larger ones already
		Middlewares:      huma.Middlewares{before(s.admit), before(limitBody)},
		Errors:           []int{400, 413, 415, 422, 429, 503},
	}
	huma.Register(api, operation, s.transact)
	describeTransact(api.OpenAPI())
}

func (s *server) transact(ctx context.Context, r *transactRequest) (*transactResponse, error) {
	posted, err := s.reader.read(r.RawBody)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, comeBack(http.StatusServiceUnavailable, retryAfterOutage, "no transaction id could be made; nothing was accepted")
	}
	posted.ID = id.String()
	prefer := readPrefer(r.Prefer)
	answer, err := s.saga.process(ctx, *posted, prefer.wait)
	if err != nil {
		return nil, s.unprocessed(ctx, posted.ID, err)
	}
	return respond(posted.ID, answer, prefer), nil
}

func respond(id string, answer *ledger.Answer, prefer preference) *transactResponse {
	if answer != nil {
		return &transactResponse{Status: http.StatusOK, PreferenceApplied: prefer.applied, Body: *answer}
	}
	return &transactResponse{
		Status:            http.StatusAccepted,
		Location:          "/transactions/" + id,
		RetryAfter:        retryAfterPending,
		PreferenceApplied: prefer.applied,
		Body:              ledger.PendingAnswer(id),
	}
}

// Seconds after which asking again makes sense.
const (
	retryAfterPending = "1"
	retryAfterOutage  = "5"
)

// unprocessed says what is known about a transaction that was not answered.
func (s *server) unprocessed(ctx context.Context, id string, err error) *Problem {
	s.log.ErrorContext(ctx, "Transaction not processed", "transaction", id, "error", err)
	switch {
	case errors.Is(err, errNotAccepted):
		return comeBack(http.StatusServiceUnavailable, retryAfterOutage,
			"the workflow engine cannot be reached; nothing was accepted, and the request can safely be sent again")
	case errors.Is(err, errBusy):
		return comeBack(http.StatusTooManyRequests, retryAfterOutage,
			"too many transactions at once; nothing was accepted, and the request can safely be sent again")
	default:
		p := comeBack(http.StatusServiceUnavailable, retryAfterOutage,
			"it cannot be known now whether the transaction was accepted: ask for it before sending it again")
		p.TransactionID = id
		return p
	}
}
