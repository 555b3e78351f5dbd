package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/ledger"
)

type transactionRequest struct {
	ID string `path:"id" doc:"The transactionID of the answer to POST /transact"`
}

type transactionResponse struct {
	Body ledger.Record
}

func (s *server) registerTransactions(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "getTransaction",
		Method:      http.MethodGet,
		Path:        "/transactions/{id}",
		Summary:     "Look at a transaction",
		Description: "Where the transaction stands, what the fraud check found, and every step with its time.",
		Tags:        []string{"transactions"},
		Errors:      []int{404, 503},
	}, s.transaction)
}

func (s *server) transaction(ctx context.Context, r *transactionRequest) (*transactionResponse, error) {
	id, err := uuid.Parse(r.ID)
	if err != nil {
		return nil, problem(http.StatusNotFound, "no such transaction: a transactionID is a UUID, as POST /transact answers it")
	}
	record, err := s.saga.record(ctx, id.String())
	switch {
	case errors.Is(err, errNotFound):
		return nil, problem(http.StatusNotFound, "no such transaction")
	case err != nil:
		s.log.ErrorContext(ctx, "Transaction not read", "transaction", id.String(), "error", err)
		return nil, comeBack(http.StatusServiceUnavailable, retryAfterOutage,
			"the transaction cannot be read now: the workflow engine or its orders worker is away")
	}
	return &transactionResponse{Body: *record}, nil
}
