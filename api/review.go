package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/strictjson"
)

const reviewDescription = "Approves or declines a transaction in review: its money is held, and is taken or given back. " +
	"Before an approval the fraud check is asked again; where it has got worse the answer is 409, and the approval has to " +
	"be sent again with confirm. The first verdict counts: another reviewer is answered 409 with who decided, and the same " +
	"reviewer with the same verdict gets the same answer again." +
	"\n\nA caller with an API key or a token decides under its own name. The client that posted a transaction may decline it, and " +
	"not approve it. Where a review needs a second person, the first approval is answered 202, with review.first, and another " +
	"person has to approve too; either can decline at once." +
	"\n\nA signed link, as messages hold it, needs no API key: with its by, until and signature the receiver of the link " +
	"decides, and the body is the form of the link's page, which answers with a page."

const reviewPageDescription = "The page that a signed link in a message leads to: the order, its amount, what the fraud check " +
	"found, and two buttons. Opening the page decides nothing, because mail scanners open every link. The link expires with the review's deadline."

// reviewRequest describes POST /transactions/{id}/review for huma. The body is read by its table, reviews. A link's form is
// not read here.
type reviewRequest struct {
	ID      string `path:"id" doc:"The transactionID of the transaction in review"`
	Prefer  string `header:"Prefer" doc:"respond-async not to wait until it is settled; wait=N to wait at most N seconds (RFC 7240)" example:"wait=5"`
	RawBody []byte `contentType:"application/json"`
}

// reviewForm is what the link's page sends.
type reviewForm struct {
	Decision string `json:"decision" enum:"approve,decline" doc:"The button that was pressed"`
	Confirm  bool   `json:"confirm,omitempty" doc:"true approves although the fraud check has got worse, as the page said before"`
	Name     string `json:"name,omitempty" maxLength:"64" doc:"Who decides, if several people get the message"`
	Note     string `json:"note,omitempty" maxLength:"500"`
}

// registerReview bounds reviews like transactions, since they wait in the same way.
func (s *server) registerReview(api huma.API, router chi.Router) {
	operation := s.protect(takesBody(MaxBody, huma.Operation{
		OperationID:   "reviewTransaction",
		Method:        http.MethodPost,
		Path:          "/transactions/{id}/review",
		Summary:       "Decide about a transaction in review",
		Description:   reviewDescription,
		Tags:          []string{"reviews"},
		DefaultStatus: http.StatusOK,
		Middlewares:   huma.Middlewares{s.waits.admit},
		Errors:        []int{403, 404, 409, 422, 429, 503},
	}))
	operation.Middlewares = append(huma.Middlewares{s.byLink(alert.Reviewing, s.waits, s.reviewByLink)}, operation.Middlewares...)
	huma.Register(api, operation, s.review)
	router.Get("/transactions/{id}/review", s.linkPage(alert.Reviewing, s.showReviewPage))
	s.describeReview(api.OpenAPI())
}

func (s *server) describeReview(document *huma.OpenAPI) {
	operation := document.Paths["/transactions/{id}/review"].Post
	describeBody(document, operation, reviews(s.typicalCaller()),
		`{"decision": "approve", "reviewer": "ada", "note": "the buyer was called"}`)
	describeAccepted(operation, "The verdict is taken, and the transaction is not settled yet; ask at Location. "+
		"Where review.first is there and no verdict, a second person has to agree")
	operation.RequestBody.Content[formType] = &huma.MediaType{
		Schema:  document.Components.Schemas.Schema(reflect.TypeFor[reviewForm](), true, "ReviewForm"),
		Example: reviewForm{Decision: "approve", Name: "ada", Note: "the buyer was called"},
	}
	describeLink(document, operation, huma.Operation{
		OperationID: "reviewPage",
		Path:        "/transactions/{id}/review",
		Summary:     "Open a signed link to a review",
		Description: reviewPageDescription,
	}, map[string]string{
		"404": "A page that says that the transaction was not found, or that links are not in use",
		"429": "A page that says that the service has too many requests at once",
		"503": "A page that says that the transaction cannot be shown now",
	})
}

func (s *server) review(ctx context.Context, r *reviewRequest) (*transactResponse, error) {
	id, err := parseID(r.ID)
	if err != nil {
		return nil, err
	}
	caller := subjectOf(ctx)
	q, err := readBody(r.RawBody, reviews(caller), "the review")
	if err != nil {
		return nil, err
	}
	if isKnown(caller) {
		q.Reviewer, q.Person = caller.Name, caller.Name
	}
	prefer := readPrefer(r.Prefer)
	answer, refused := s.decide(ctx, merchantsOf(ctx), id, q, prefer.wait)
	if refused != nil {
		return nil, refused
	}
	if !isAnalyst(ctx, merchantsOf(ctx)) {
		answer = s.Detail.answer(answer)
	}
	response := respond(answer, false, prefer)
	if response.Status == http.StatusAccepted && !answer.Review.AwaitsSecond() {
		response.RetryAfter = retryAfterPending // no person has to be waited for any more
	}
	return response, nil
}

// decide hands in a verdict, between two entries of the audit trail.
func (s *server) decide(ctx context.Context, of identity.Merchants, id string, q review.Request, wait time.Duration) (ledger.Answer, *Problem) {
	known := s.known(ctx, of, id)
	begun, p := s.audit.begin(ctx, audit.Entry{
		Object: id, Merchant: known.Merchant, After: fmt.Sprintf("%s, by %s: %s", q.Verdict, q.Reviewer, q.Note),
	})
	if p != nil {
		return ledger.Answer{}, p
	}
	answer, err := s.Transactions.Review(ctx, of, id, q, wait)
	if err != nil {
		p = s.reviewProblem(ctx, id, err)
	}
	s.audit.end(ctx, begun, known.TransactionStatus.Status, statusOf(p, http.StatusOK))
	return answer, p
}

// reviewProblem returns what is known about a verdict that got no answer.
func (s *server) reviewProblem(ctx context.Context, id string, err error) *Problem {
	if closed, is := errors.AsType[*ledger.ClosedError](err); is {
		p := problem(http.StatusConflict, closed.Why)
		p.TransactionStatus = closed.Status
		return p
	}
	if worse, is := errors.AsType[*ledger.WorseError](err); is {
		why, now := worse.Why, worse.Now
		if !isAnalyst(ctx, merchantsOf(ctx)) {
			why, now = "the fraud check has got worse", s.Detail.decision(now)
		}
		p := problem(http.StatusConflict, why+`: nothing was decided; send it again with "confirm": true to approve all the same`)
		p.Decision, p.worse = now, worse.Now
		return p
	}
	if poster, is := errors.AsType[*ledger.PosterError](err); is {
		return problem(http.StatusForbidden, poster.Why)
	}
	if errors.Is(err, transaction.ErrInvalid) {
		return problem(http.StatusUnprocessableEntity, err.Error())
	}
	if errors.Is(err, transaction.ErrNotFound) || errors.Is(err, transaction.ErrUnavailable) {
		return s.readProblem(ctx, id, err)
	}
	s.Log.ErrorContext(ctx, "Review not taken", "transaction", id, "error", err)
	switch {
	case errors.Is(err, transaction.ErrNotAccepted):
		return unavailable("the workflow engine cannot be reached; nothing was decided, and the verdict can safely be sent again")
	case errors.Is(err, transaction.ErrBusy):
		return limited(ctx, "temporal", retryAfterOutage,
			"too many reviews at once; nothing was decided, and the verdict can safely be sent again")
	}
	p := unavailable("it is not known whether the verdict was taken: look at the transaction, or send the same verdict again, which is safe")
	p.TransactionID = id
	return p
}

// Bounds of what a reviewer may write, in characters.
const (
	maxReviewer = review.MaxReviewer
	maxNote     = review.MaxNote
)

// noteSchema is for what people write beside a verdict, a label or an acknowledgement.
var noteSchema = optionalText(maxNote, "A note for later readers, without card numbers or verification values", "the buyer was called")

// reviews lists the members of a review. People paste what they should not, so whatever could be a card number is masked
// before it goes anywhere.
func reviews(caller identity.Subject) object[review.Request] {
	return object[review.Request]{name: "ReviewSchema", members: []member[review.Request]{
		{
			"decision", true, choice("approve takes the money, decline gives it back", string(review.Approve), string(review.Decline)),
			func(v *strictjson.Value, q *review.Request) { q.Verdict = review.Verdict(v.Literal()) },
		},
		byName(caller, "reviewer", maxReviewer, "Who decides", func(q *review.Request, name string) { q.Reviewer = name }),
		{"note", false, noteSchema, func(v *strictjson.Value, q *review.Request) { q.Note = card.Redact(clean(v.Literal())) }},
		{"confirm", false, &huma.Schema{
			Type: huma.TypeBoolean, Nullable: true, Description: "true approves although the fraud check has got worse",
		}, func(v *strictjson.Value, q *review.Request) { q.Confirm = v.Literal() == "true" }},
	}}
}
