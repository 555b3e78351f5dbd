package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
)

// listTimeout is for a page of the longest list that there may be.
const listTimeout = 10 * time.Second

// listRequest is GET /transactions as huma sees it. The parameters are read by readQuery, which can say every fault at
// once; the fields are their descriptions.
type listRequest struct {
	Status  string `query:"status" doc:"Where the transaction stands, by code or name" example:"TRANSACTION_IN_REVIEW"`
	Outcome string `query:"outcome" doc:"What the fraud check found: approve, review, decline or not_evaluated" example:"review"`
	OrderID string `query:"orderID" doc:"The order's id, as it was posted" example:"1234"`
	Since   string `query:"since" doc:"Accepted at that time or later, RFC 3339" example:"2026-01-02T00:00:00Z"`
	Until   string `query:"until" doc:"Accepted before that time, RFC 3339" example:"2026-01-03T00:00:00Z"`
	Cursor  string `query:"cursor" doc:"The next of an earlier answer: the page after that one"`
	Limit   string `query:"limit" doc:"How many at most, 1 to 200; 50 when nothing is said"`

	url url.URL
}

// Resolve keeps the whole query, with what it should not hold.
func (r *listRequest) Resolve(ctx huma.Context) []error {
	r.url = ctx.URL()
	return nil
}

type listResponse struct {
	Link string `header:"Link" doc:"The next page, where there is one, as rel=\"next\" (RFC 8288)"`
	Body list
}

// list is a page of transactions, the newest first.
type list struct {
	Transactions []ledger.Record `json:"transactions" nullable:"false"`
	Next         string          `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one"`
}

func (s *server) registerList(api huma.API) {
	huma.Register(api, s.clients.protect(huma.Operation{
		OperationID: "listTransactions",
		Middlewares: huma.Middlewares{before(s.short.admit)},
		Method:      http.MethodGet,
		Path:        "/transactions",
		Summary:     "List transactions",
		Description: "Transactions from the ledger, the newest first, a page at a time. A cursor keeps its place while " +
			"transactions are added. The ledger follows a running transaction within moments; GET /transactions/{id} is exact, and " +
			"has the explanation of the decision, which lists leave out.",
		Tags:   []string{"transactions"},
		Errors: []int{422, 429, 503},
	}), s.list)
	operation := api.OpenAPI().Paths["/transactions"].Get
	describeParameter(operation, "status", huma.Schema{Enum: statusWords()})
	describeParameter(operation, "outcome", huma.Schema{Enum: []any{fraud.Approve, fraud.Review, fraud.Decline, fraud.NotEvaluated}})
	describeParameter(operation, "orderID", huma.Schema{MinLength: new(1), MaxLength: new(maxID)})
	describeParameter(operation, "since", huma.Schema{Format: "date-time"})
	describeParameter(operation, "until", huma.Schema{Format: "date-time"})
	describeParameter(operation, "cursor", huma.Schema{MinLength: new(1)})
	describeParameter(operation, "limit", huma.Schema{
		Type: huma.TypeInteger, Minimum: new(1.0), Maximum: new(float64(maxLimit)), Default: defaultLimit,
	})
}

func (s *server) list(ctx context.Context, r *listRequest) (*listResponse, error) {
	query, err := readQuery(r.url.RawQuery)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	page, err := s.ledger.List(ctx, query)
	if err != nil {
		s.log.ErrorContext(ctx, "Transactions not listed", "error", err)
		return nil, comeBack(http.StatusServiceUnavailable, retryAfterOutage, "the ledger cannot be read now")
	}
	response := &listResponse{Body: list{Transactions: make([]ledger.Record, len(page.Entries))}}
	for i := range page.Entries {
		response.Body.Transactions[i] = page.Entries[i].Record
		response.Body.Transactions[i].Explanation = nil // it is as large as all the rest
	}
	if page.Next != (ledger.Cursor{}) {
		response.Body.Next = writeCursor(page.Next)
		response.Link = nextLink(r.url, response.Body.Next)
	}
	return response, nil
}

// nextLink is the same question about the next page.
func nextLink(asked url.URL, cursor string) string {
	query := asked.Query()
	query.Set("cursor", cursor)
	return "</transactions?" + query.Encode() + `>; rel="next"`
}
