package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

type transactionRequest struct {
	ID string `path:"id" doc:"The transactionID of the answer to POST /transact"`
}

func (s *server) registerTransactions(api huma.API) {
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "getTransaction",
		Method:      http.MethodGet,
		Path:        "/transactions/{id}",
		Summary:     "Look at a transaction",
		Description: "The transaction's status, what the fraud check found and how, what reviewers decided, the labels, " +
			"every step with its time, and what has failed and is tried again.",
		Tags:   []string{"transactions"},
		Errors: []int{404, 503},
	}), answering(s.transaction))
}

func (s *server) transaction(ctx context.Context, r *transactionRequest) (shown ledger.Record, _ error) {
	id, err := parseID(r.ID)
	if err != nil {
		return shown, err
	}
	record, err := s.Transactions.Record(ctx, merchantsOf(ctx), id)
	if err != nil {
		return shown, s.readProblem(ctx, id, err)
	}
	visitorOf(ctx).merchant = identity.MerchantOf(record.Merchant)
	return s.shown(ctx, *record), nil
}

func parseID(text string) (string, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return "", problem(http.StatusNotFound, "no such transaction: a transactionID is a UUID, as POST /transact answers it")
	}
	return id.String(), nil
}

// readProblem returns the reason why a transaction cannot be shown.
func (s *server) readProblem(ctx context.Context, id string, err error) *Problem {
	if errors.Is(err, transaction.ErrNotFound) {
		return problem(http.StatusNotFound, "no such transaction")
	}
	s.Log.ErrorContext(ctx, "Transaction not read", "transaction", id, "error", err)
	return unavailable("the transaction cannot be read now: the ledger does not show it, and the workflow engine or its orders worker is away")
}
