package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// takenFor is how long a transaction in review is somebody's, unless it is taken again.
const takenFor = 15 * time.Minute

// queueRequest describes GET /reviews for huma, as listRequest does GET /transactions.
type queueRequest struct {
	Sort     string `query:"sort" doc:"The next deadline first; the greatest amount first, currency by currency; or the highest score first"`
	Merchant string `query:"merchant" doc:"Who owns the transaction" example:"acme"`
	Currency string `query:"currency" doc:"The currency of the amount" example:"EUR"`
	Mine     string `query:"mine" doc:"true for those that the caller has taken"`
	Free     string `query:"free" doc:"true for those that are free"`
	Queue    string `query:"queue" doc:"Those in a queue of the caller's, in a queue of others, or in none, as REVIEW_ASSIGN says"`
	Cursor   string `query:"cursor" doc:"The value of next in an earlier answer: asks for the page after that one"`
	Limit    string `query:"limit" doc:"The largest number of transactions on a page, 1 to 200; 50 by default"`

	RawQuery
}

// reviewQueue is a page of the transactions in review.
type reviewQueue struct {
	Reviews []waitingReview `json:"reviews" nullable:"false"`
	Next    string          `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one"`
}

// waitingReview is a transaction in review.
type waitingReview struct {
	Transaction ledger.Record      `json:"transaction"`
	Assignment  *ledger.Assignment `json:"assignment,omitempty" doc:"Who has taken it; absent if it is free"`
	Queue       string             `json:"queue,omitempty" doc:"The group or person that gets it first; absent if REVIEW_ASSIGN names none"`
}

// reviewDetail is what bears on a review.
type reviewDetail struct {
	Transaction ledger.Record      `json:"transaction"`
	Assignment  *ledger.Assignment `json:"assignment,omitempty" doc:"Who has taken it; absent if it is free"`
	Queue       string             `json:"queue,omitempty" doc:"The group or person that gets it first; absent if REVIEW_ASSIGN names none"`
	Posted      *postedDetail      `json:"posted,omitempty" doc:"What was posted beside what the transaction shows; absent until the ledger has it"`
}

// postedDetail is what a record leaves out of what was posted.
type postedDetail struct {
	IP              string       `json:"ip,omitempty"`
	BillingCountry  string       `json:"billingCountry,omitempty"`
	ShippingCountry string       `json:"shippingCountry,omitempty"`
	CustomerSince   time.Time    `json:"customerSince,omitzero" doc:"When the customer's account was made"`
	Client          string       `json:"client,omitempty" doc:"Who posted it; absent if callers need not say who they are"`
	Items           []postedItem `json:"items,omitempty"`
}

// postedItem is a line of the order.
type postedItem struct {
	ID       string      `json:"id"`
	Name     string      `json:"name,omitempty"`
	Quantity int64       `json:"quantity"`
	Cost     json.Number `json:"cost" doc:"Of one piece, in the order's currency"`
}

// assignRequest describes PUT /transactions/{id}/assignment for huma. The body is read by its table, assignments.
type assignRequest struct {
	ID      string `path:"id" doc:"The transactionID of the transaction in review"`
	RawBody []byte `contentType:"application/json"`
}

func (s *server) registerQueue(api huma.API) {
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "listReviews",
		Method:      http.MethodGet,
		Path:        "/reviews",
		Summary:     "List what waits for a person",
		Description: "The transactions in review, in pages, with who has taken each. The ledger follows a running transaction within moments. " +
			"A page of large transactions may have fewer than limit.",
		Tags:   []string{"reviews"},
		Errors: []int{422, 503},
	}), answering(s.queue))
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "getReview",
		Method:      http.MethodGet,
		Path:        "/reviews/{id}",
		Summary:     "Look at a transaction in review",
		Description: "The transaction, what was posted with it, and who has taken it; also after it was decided.",
		Tags:        []string{"reviews"},
		Errors:      []int{404, 503},
	}), answering(s.getReview))
	huma.Register(api, s.soon(s.short, takesBody(MaxBody, huma.Operation{
		OperationID: "takeReview",
		Method:      http.MethodPut,
		Path:        "/transactions/{id}/assignment",
		Summary:     "Take a transaction in review",
		Description: "Others see for 15 minutes who works on it, and cannot take it. Taking it again begins them anew. It keeps no verdict of others " +
			"from the transaction: the first verdict counts.",
		Tags:          []string{"reviews"},
		DefaultStatus: http.StatusOK,
		Errors:        []int{404, 409, 422, 503},
	})), answering(s.take))
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "releaseReview",
		Method:      http.MethodDelete,
		Path:        "/transactions/{id}/assignment",
		Summary:     "Leave a transaction in review to others",
		Description: "Does nothing if it is free. Where callers need not say who they are, it takes the transaction from the one who has it.",
		Tags:        []string{"reviews"},
		Errors:      []int{404, 409, 503},
	}), s.release)
	operation := api.OpenAPI().Paths["/reviews"].Get
	describeParameter(operation, "sort", huma.Schema{Enum: []any{ledger.ByDeadline, ledger.ByAmount, ledger.ByScore}, Default: ledger.ByDeadline})
	describeParameter(operation, "merchant", huma.Schema{Pattern: namePattern})
	describeParameter(operation, "currency", huma.Schema{MinLength: new(3), MaxLength: new(3)})
	describeParameter(operation, "mine", huma.Schema{Type: huma.TypeBoolean})
	describeParameter(operation, "free", huma.Schema{Type: huma.TypeBoolean})
	describeParameter(operation, "queue", huma.Schema{Enum: []any{ledger.QueueMine, ledger.QueueOthers, ledger.QueueNone}})
	describePages(operation)
	describeBody(api.OpenAPI(), api.OpenAPI().Paths["/transactions/{id}/assignment"].Put, assignments(s.typicalCaller()), `{"reviewer": "ada"}`)
}

func (s *server) queue(ctx context.Context, r *queueRequest) (page reviewQueue, _ error) {
	query, err := readQueueQuery(ctx, r.sent.RawQuery)
	if err != nil {
		return page, err
	}
	query.Queues = s.Queues
	if query.Sort == ledger.ByScore && s.Detail == NoDetail && !isAnalyst(ctx, query.Merchants) {
		return page, problem(http.StatusForbidden, "scores are shown here only with the scope "+string(identity.Rules)+": sort by deadline or amount")
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	page.Reviews = []waitingReview{}
	for limit, size := query.Limit, 0; limit > len(page.Reviews) && size < maxPage; {
		query.Limit = min(maxPart, limit-len(page.Reviews))
		part, err := s.Ledger.Reviews(ctx, query)
		if err != nil {
			return page, s.ledgerAway(ctx, err)
		}
		for _, w := range part.Reviews {
			page.Reviews = append(page.Reviews, waitingReview{s.shown(ctx, w.Record), w.Assignment, s.queueOf(w.Record)})
		}
		size += part.Size
		page.Next = ""
		if query.After = part.Next; part.Next == (ledger.ReviewCursor{}) {
			break
		}
		page.Next = writeReviewCursor(query.Sort, part.Next)
	}
	visitorOf(ctx).shown = fmt.Sprintf("%d transactions in review", len(page.Reviews))
	if n := len(page.Reviews); n > 0 {
		visitorOf(ctx).shown += fmt.Sprintf(", from %s to %s", page.Reviews[0].Transaction.TransactionID, page.Reviews[n-1].Transaction.TransactionID)
	}
	return page, nil
}

// queueOf returns who gets a transaction in review first.
func (s *server) queueOf(r ledger.Record) string {
	amount, _ := money.FromWire(r.Payment.Wire) // without one, it can be in a merchant's queue
	return s.Queues.Of(amount, identity.MerchantOf(r.Merchant))
}

// ledgerAway logs why the ledger cannot be read, and returns a problem that says that it cannot.
func (s *server) ledgerAway(ctx context.Context, err error) *Problem {
	s.Log.ErrorContext(ctx, "Ledger not read", "error", err)
	return unavailable("the ledger cannot be read now")
}

// readQueueQuery returns all faults at once, as a *Problem.
func readQueueQuery(ctx context.Context, raw string) (ledger.ReviewQuery, error) {
	p, err := readParameters(raw, "sort", "merchant", "currency", "mine", "free", "queue", "cursor", "limit")
	if err != nil {
		return ledger.ReviewQuery{}, err
	}
	q := ledger.ReviewQuery{
		Merchants: merchantsOf(ctx).Narrow(p.name("merchant")), Currency: p.values.Get("currency"), Sort: p.reviewSort(), Free: p.flag("free"), Now: time.Now(), Limit: p.wholeNumber("limit", defaultLimit, maxLimit),
	}
	if _, err := money.Currency(q.Currency).Digits(); q.Currency != "" && err != nil {
		p.wrong("currency", "must be a currency of ISO 4217, such as EUR")
	}
	if caller := subjectOf(ctx); p.flag("mine") {
		if q.Mine = caller.Name; !isKnown(caller) {
			p.wrong("mine", "is for callers who say who they are")
		}
	}
	switch q.Queue = ledger.QueueOf(p.values.Get("queue")); q.Queue {
	case "", ledger.QueueNone:
	case ledger.QueueMine, ledger.QueueOthers:
		caller := subjectOf(ctx)
		if q.Whose = append(slices.Clone(caller.Groups), caller.Name); !isKnown(caller) {
			p.wrong("queue", "must be none for callers who do not say who they are")
		}
	default:
		p.wrong("queue", "must be mine, others or none")
	}
	if text := p.values.Get("cursor"); text != "" {
		if q.After, err = readReviewCursor(q.Sort, text); err != nil {
			p.wrong("cursor", "must be the next of an earlier answer with the same sort, as it stands there")
		}
	}
	return q, p.problem("the reviews cannot be listed so: see errors")
}

func (p *parameters) reviewSort() ledger.ReviewSort {
	switch sort := ledger.ReviewSort(p.values.Get("sort")); sort {
	case "":
		return ledger.ByDeadline
	case ledger.ByDeadline, ledger.ByAmount, ledger.ByScore:
		return sort
	default:
		p.wrong("sort", "must be deadline, amount or score")
		return sort
	}
}

func (p *parameters) flag(name string) bool {
	text := p.values.Get(name)
	if !slices.Contains([]string{"", "true", "false"}, text) {
		p.wrong(name, "must be true or false")
	}
	return text == "true"
}

// writeReviewCursor encodes a cursor for clients, which hand it back and need not understand it.
func writeReviewCursor(sort ledger.ReviewSort, c ledger.ReviewCursor) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // all of it can be written as JSON
	}
	return base64.RawURLEncoding.EncodeToString(append([]byte(sort), text...))
}

func readReviewCursor(sort ledger.ReviewSort, text string) (c ledger.ReviewCursor, err error) {
	plain, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return c, err
	}
	written, is := strings.CutPrefix(string(plain), string(sort))
	if !is {
		return c, errors.New("it is of another order")
	}
	if err := json.Unmarshal([]byte(written), &c); err != nil {
		return c, err
	}
	_, err = uuid.Parse(c.TransactionID)
	return c, err
}

func (s *server) getReview(ctx context.Context, r *transactionRequest) (detail reviewDetail, _ error) {
	id, err := parseID(r.ID)
	if err != nil {
		return detail, err
	}
	of := merchantsOf(ctx)
	record, err := s.Transactions.Record(ctx, of, id)
	if err != nil {
		return detail, s.readProblem(ctx, id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	visitorOf(ctx).merchant = identity.MerchantOf(record.Merchant)
	detail = reviewDetail{Transaction: s.shown(ctx, *record), Queue: s.queueOf(*record)}
	entry, err := s.Ledger.Find(ctx, of, id)
	switch {
	case err == nil:
		detail.Posted = postedOf(entry.Transaction)
	case !errors.Is(err, ledger.ErrNotFound):
		return detail, s.ledgerAway(ctx, err)
	}
	if detail.Assignment, err = s.Ledger.Assigned(ctx, of, id, time.Now()); err != nil {
		return detail, s.ledgerAway(ctx, err)
	}
	return detail, nil
}

func postedOf(t transaction.Transaction) *postedDetail {
	p := &postedDetail{IP: t.IP, BillingCountry: t.BillingCountry, ShippingCountry: t.ShippingCountry, Client: t.Receipt.Client}
	if t.Customer != nil {
		p.CustomerSince = t.Customer.CreatedAt
	}
	for _, i := range t.Order.Items {
		p.Items = append(p.Items, postedItem{ID: i.ID, Name: i.Name, Quantity: i.Quantity, Cost: i.Cost.Wire().Amount})
	}
	return p
}

func (s *server) take(ctx context.Context, r *assignRequest) (a ledger.Assignment, _ error) {
	id, err := parseID(r.ID)
	if err != nil {
		return a, err
	}
	caller := subjectOf(ctx)
	if a, err = readBody(r.RawBody, assignments(caller), "the assignment"); err != nil {
		return a, err
	}
	if isKnown(caller) {
		a.Person = caller.Name
	}
	now := time.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	a.Until = now.Add(takenFor)
	err = s.assign(ctx, id, fmt.Sprintf("%s until %s", a.Person, a.Until.Format(time.RFC3339)), http.StatusOK, func(of identity.Merchants) error {
		return s.Ledger.Assign(ctx, of, id, a, now)
	})
	return a, err
}

func (s *server) release(ctx context.Context, r *transactionRequest) (*struct{}, error) {
	id, err := parseID(r.ID)
	if err != nil {
		return nil, err
	}
	person := ""
	if caller := subjectOf(ctx); isKnown(caller) {
		person = caller.Name
	}
	return nil, s.assign(ctx, id, "", http.StatusNoContent, func(of identity.Merchants) error {
		return s.Ledger.Release(ctx, of, id, person, time.Now())
	})
}

// assign changes who works on a transaction, between two entries of the audit trail.
func (s *server) assign(ctx context.Context, id, after string, success int, do func(identity.Merchants) error) error {
	of := merchantsOf(ctx)
	entry, err := s.Ledger.Find(ctx, of, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return problem(http.StatusNotFound, "no such transaction in the ledger")
	}
	if err != nil {
		return s.ledgerAway(ctx, err)
	}
	refusal := func(ctx context.Context, err error) *Problem {
		return s.assignProblem(ctx, id, entry.Record, err)
	}
	e := audit.Entry{Object: id, Merchant: identity.MerchantOf(entry.Record.Merchant), After: after}
	return s.changed(ctx, e, success, refusal, func(*audit.Entry) error { return do(of) })
}

func (s *server) assignProblem(ctx context.Context, id string, r ledger.Record, err error) *Problem {
	if taken, is := errors.AsType[*ledger.TakenError](err); is {
		p := problem(http.StatusConflict, taken.Error())
		p.Assignment = &taken.Assignment
		return p
	}
	if errors.Is(err, ledger.ErrNotInReview) {
		why := "the transaction is not in review: it is " + r.TransactionStatus.Status
		if r.Review.Decided() {
			why = "the transaction was " + r.Review.By()
		}
		p := problem(http.StatusConflict, why)
		p.TransactionStatus = &r.TransactionStatus
		return p
	}
	s.Log.ErrorContext(ctx, "Review not assigned", "transaction", id, "error", err)
	return unavailable("the ledger cannot be written now; the request can safely be sent again")
}

// assignments lists the members of an assignment.
func assignments(caller identity.Subject) object[ledger.Assignment] {
	return object[ledger.Assignment]{name: "AssignmentSchema", members: []member[ledger.Assignment]{
		byName(caller, "reviewer", review.MaxReviewer, "Who takes it", func(a *ledger.Assignment, name string) { a.Person = name }),
	}}
}
