package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/telemetry"
)

// transactRequest describes POST /transact for huma. The body is read by reader, because huma cannot keep card digits and
// exact amounts, or report every fault at once. The OpenAPI document is made from reader's tables.
type transactRequest struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"Makes a retry safe: the same key with the same body is the same transaction. 1 to 255 printable ASCII characters, in quotes or without. Never a card number" example:"8e03978e-40d5-43e8-bc93-6894a57f9324"`
	Prefer         string `header:"Prefer" doc:"respond-async to be answered 202 at once; wait=N to wait at most N seconds (RFC 7240)" example:"wait=5"`
	RawBody        []byte `contentType:"application/json"`
}

// transactResponse is 200 if the answer is settled, else 202 with where to ask for it.
type transactResponse struct {
	Status             int
	Location           string `header:"Location" doc:"With a 202: where to ask for the transaction"`
	RetryAfter         string `header:"Retry-After" doc:"With a 202: after how many seconds to ask"`
	PreferenceApplied  string `header:"Preference-Applied"`
	IdempotentReplayed string `header:"Idempotent-Replayed" enum:"true" doc:"true if an earlier call with the same key was accepted, and this answer is about that one"`
	Body               ledger.Answer
}

func (s *server) registerTransact(api huma.API) {
	operation := s.protect(takesBody(MaxBody, huma.Operation{
		OperationID:   "transact",
		Method:        http.MethodPost,
		Path:          "/transact",
		Summary:       "Process a transaction",
		Description:   transactDescription,
		Tags:          []string{"transactions"},
		DefaultStatus: http.StatusOK,
		Middlewares:   huma.Middlewares{before(s.checkKey), s.waits.admit},
		Errors:        []int{422, 429, 503},
	}))
	huma.Register(api, operation, s.transact)
	describeTransact(api.OpenAPI(), s.RequireIdempotencyKey)
}

func (s *server) transact(ctx context.Context, r *transactRequest) (*transactResponse, error) {
	posted, receipt, err := s.reader.read(r.RawBody, r.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	subject, client := subjectOf(ctx), ""
	if subject.Merchant == "" || !merchantsOf(ctx).Has(subject.Merchant) {
		return nil, problem(http.StatusForbidden, "transactions are posted by clients, with an API key of their merchant")
	}
	if subject.Kind == identity.Client {
		client = subject.Name
	}
	posted.Merchant, posted.Receipt.Client = subject.Merchant, client
	if key := r.IdempotencyKey; key != "" {
		posted.ID = transactionID(client, key)
		posted.Receipt = receipt
		posted.Receipt.Client, posted.Receipt.Call = client, uuid.NewString()
	} else {
		posted.ID = uuid.Must(uuid.NewV7()).String() // fails only without a source of randomness, and then Go ends the process
	}
	begun, refused := s.audit.begin(ctx, audit.Entry{Object: posted.ID, Merchant: posted.Merchant, After: posted.Receipt.BodyDigest})
	if refused != nil {
		return nil, refused
	}
	prefer := readPrefer(r.Prefer)
	answer, replayed, err := s.Transactions.Process(ctx, *posted, prefer.wait)
	if err != nil { // otherwise the transaction itself says what became of it
		p := s.processProblem(ctx, posted, err)
		s.audit.end(ctx, begun, "", p.Status)
		return nil, p
	}
	if replayed {
		telemetry.IdempotentReplays.Inc(ctx)
	}
	return respond(s.Detail.answer(answer), replayed, prefer), nil
}

// respond returns the state of an accepted transaction, with 200 if that will not change any more.
func respond(answer ledger.Answer, replayed bool, prefer preference) *transactResponse {
	response := &transactResponse{Status: http.StatusOK, PreferenceApplied: prefer.applied, Body: answer}
	if replayed {
		response.IdempotentReplayed = "true"
	}
	if !answer.TransactionStatus.Code.Settled() {
		response.Status = http.StatusAccepted
		response.Location = "/transactions/" + answer.TransactionID
		response.RetryAfter = retryAfterPending
	}
	if answer.TransactionStatus.Code == transaction.InReview {
		response.RetryAfter = retryAfterReview
	}
	return response
}

// These are seconds after which it makes sense to ask again.
const (
	retryAfterPending = "1"
	retryAfterOutage  = "5"
	retryAfterReview  = "60" // people take their time
)

// processProblem returns what is known about a transaction that got no answer.
func (s *server) processProblem(ctx context.Context, t *transaction.Transaction, err error) *Problem {
	if errors.Is(err, transaction.ErrKeyUsed) {
		return keyProblem(http.StatusUnprocessableEntity, keyUsed,
			"this key was used with another body: send that body again, or use another key for another transaction")
	}
	s.Log.ErrorContext(ctx, "Transaction not processed", "transaction", t.ID, "error", err)
	switch {
	case errors.Is(err, transaction.ErrLedgerAway):
		return unavailable("the ledger cannot be asked whether this key is new; nothing was accepted, and the request can safely be sent again with the same key")
	case errors.Is(err, transaction.ErrNotAccepted):
		return unavailable("the workflow engine cannot be reached; nothing was accepted, and the request can safely be sent again")
	case errors.Is(err, transaction.ErrBusy):
		return limited(ctx, "temporal", retryAfterOutage,
			"too many transactions at once; nothing was accepted, and the request can safely be sent again")
	}
	p := unavailable("it is not known whether the transaction was accepted: ask for it before sending it again")
	if t.Receipt.Call != "" {
		p.Detail = "it is not known whether the transaction was accepted: ask for it, or send it again with the same Idempotency-Key, which is safe"
	}
	p.TransactionID = t.ID
	return p
}

const transactDescription = "Takes a transaction, has it checked for fraud, and pays for it or stops it. " +
	"The HTTP status says whether the service did its job; transactionStatus says how the transaction ended: " +
	"a fraud and a refused payment are 200. The answer is 202 until the transaction is settled, with the address to ask again; a " +
	"transaction in review is 202 at once, since a person decides about it." +
	"\n\nWith an Idempotency-Key a request can be sent again at any time: the same key with the same body, in any " +
	"order of its members, is the same transaction, with the same answer and Idempotent-Replayed: true, also while it " +
	"goes on, for as long as the ledger keeps transactions. The same key with another body is 422. Keys belong to the client whose API " +
	"key came with them. A request without a key is a new transaction each time."

// SeedExample is the demo's first curl body, character for character.
const SeedExample = `{"order": {"id": 1234, "name": "avengers 4 spoilers book", "cost": 123.00, "currency": "INR"}, ` +
	`"paymentMethod": "amazonpay", "payment": {"card": 1234567887654321, "type": "wallet", "amount": 123.00, "currency": "INR"}}`

// describeTransact adds to the operation what huma cannot infer: the request's schema, and the 202 answer.
func describeTransact(document *huma.OpenAPI, keyRequired bool) {
	operation := document.Paths["/transact"].Post
	describeBody(document, operation, transactions, SeedExample)
	items.describe(document)
	for _, f := range transaction.Fields {
		if f.Form == transaction.Object {
			objectOf(f).describe(document)
		}
	}
	document.Components.Schemas.Map()["PaymentSchema"].OneOf = []*huma.Schema{only("card"), only("token")}
	operation.Responses["200"].Description = "Settled: paid for, stopped, or payment refused"
	describeAccepted(operation, "Accepted and not settled yet, or in review; ask at Location")
	describeParameter(operation, keyHeader, huma.Schema{MinLength: new(1), MaxLength: new(maxKey + len(`""`))})
	for _, parameter := range operation.Parameters {
		if parameter.Name == keyHeader {
			parameter.Required = keyRequired
		}
	}
}

// only returns a schema that requires a member that is not null.
func only(name string) *huma.Schema {
	return &huma.Schema{
		Required: []string{name}, Properties: map[string]*huma.Schema{name: {Not: &huma.Schema{Enum: []any{nil}}}},
	}
}
