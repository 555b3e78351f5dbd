package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/spelling"
)

// listTimeout allows for a page of the longest possible list.
const listTimeout = 10 * time.Second

// listRequest describes GET /transactions for huma. readQuery reads the parameters, because it can report every fault at
// once; the fields only describe them.
type listRequest struct {
	Status  string `query:"status" doc:"The transaction's status, by code or name" example:"TRANSACTION_IN_REVIEW"`
	Outcome string `query:"outcome" doc:"What the fraud check found: approve, review, decline or not_evaluated" example:"review"`
	OrderID string `query:"orderID" doc:"The order's id, as it was posted" example:"1234"`

	CustomerID    string `query:"customerID" doc:"The customer's id, as it was posted" example:"c-1"`
	SameCardAs    string `query:"sameCardAs" doc:"A transactionID: finds the transactions with its card, of those that the caller may see" example:"01990000-0000-7000-8000-000000000001"`
	CardLastFour  string `query:"cardLastFour" doc:"The last four digits of the card" example:"4321"`
	IP            string `query:"ip" doc:"The IP address that the buyer was said to have" example:"192.0.2.1"`
	Releasing     string `query:"releasing" doc:"true for those whose gateway is asked to give back what it may hold, and has not yet"`
	Merchant      string `query:"merchant" doc:"One of the merchants whose transactions the caller may see" example:"acme"`
	PaymentMethod string `query:"paymentMethod" doc:"How it was paid" example:"amazonpay"`
	Currency      string `query:"currency" doc:"The currency that was paid in" example:"INR"`
	AmountFrom    string `query:"amountFrom" doc:"The least amount that was paid, in currency, which must be named" example:"100.00"`
	AmountTo      string `query:"amountTo" doc:"The greatest amount that was paid, in currency, which must be named" example:"200.00"`
	Rule          string `query:"rule" doc:"The id of a rule that hit, also in shadow, for callers with the scope rules" example:"card_velocity"`
	Disagrees     string `query:"disagrees" doc:"What was tried in shadow had another outcome than the decision: the rules in shadow (rules), or the ruleset in shadow (ruleset). For callers with the scope rules" example:"rules"`

	Since  string `query:"since" doc:"Accepted at that time or later, RFC 3339" example:"2026-01-02T00:00:00Z"`
	Until  string `query:"until" doc:"Accepted before that time, RFC 3339" example:"2026-01-03T00:00:00Z"`
	Cursor string `query:"cursor" doc:"The value of next in an earlier answer: asks for the page after that one"`
	Limit  string `query:"limit" doc:"The largest number of transactions on a page, 1 to 200; 50 by default"`

	RawQuery
}

// RawQuery is the whole query of a request, including what it should not hold. It is exported for huma, which fills in requests.
type RawQuery struct {
	sent url.URL
}

// Resolve implements huma.Resolver.
func (q *RawQuery) Resolve(ctx huma.Context) []error {
	q.sent = ctx.URL()
	return nil
}

type listResponse struct {
	Link string `header:"Link" doc:"The next page, if there is one, as rel=\"next\" (RFC 8288)"`
	Body list
}

// list is a page of transactions, the newest first.
type list struct {
	Transactions []ledger.Record `json:"transactions" nullable:"false"`
	Next         string          `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one"`
	SearchedTo   *time.Time      `json:"searchedTo,omitempty" doc:"How far back this page has looked, if it has fewer transactions than limit and there is a next page"`
}

func (s *server) registerList(api huma.API) {
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "listTransactions",
		Method:      http.MethodGet,
		Path:        "/transactions",
		Summary:     "List transactions",
		Description: "Transactions from the ledger, the newest first, in pages. A cursor keeps its place while " +
			"transactions are added. A page may have fewer than limit, or be empty, although more follow: go on until next is absent. The ledger follows a running transaction within moments; GET /transactions/{id} is exact, and " +
			"has the explanation of the decision, which lists leave out. A parameter such as metadata.channel=web " +
			"finds transactions by their metadata. It and paymentMethod, currency, amountFrom, amountTo, rule and disagrees are looked for in each " +
			"transaction that the others leave. For these, and for several other filters at once, a page looks at a few thousand transactions at most, " +
			"and searchedTo says how far back it has looked.",
		Tags:   []string{"transactions"},
		Errors: []int{404, 422, 503},
	}), s.list)
	operation := api.OpenAPI().Paths["/transactions"].Get
	describeParameter(operation, "status", huma.Schema{Enum: statusWords()})
	describeParameter(operation, "outcome", huma.Schema{Enum: []any{fraud.Approve, fraud.Review, fraud.Decline, fraud.NotEvaluated}})
	describeParameter(operation, "orderID", huma.Schema{MinLength: new(1), MaxLength: new(transaction.MaxID)})
	describeParameter(operation, "customerID", huma.Schema{MinLength: new(1), MaxLength: new(transaction.MaxID)})
	describeParameter(operation, "sameCardAs", huma.Schema{Format: "uuid"})
	describeParameter(operation, "cardLastFour", huma.Schema{Pattern: "^[0-9]{4}$"})
	describeParameter(operation, "releasing", huma.Schema{Type: huma.TypeBoolean})
	describeParameter(operation, "merchant", huma.Schema{Pattern: namePattern})
	describeParameter(operation, "paymentMethod", huma.Schema{MinLength: new(1), MaxLength: new(transaction.MaxWord)})
	describeParameter(operation, "currency", huma.Schema{Pattern: "^[A-Z]{3}$"})
	describeParameter(operation, "rule", huma.Schema{MinLength: new(1), MaxLength: new(maxRuleID)})
	describeParameter(operation, "disagrees", huma.Schema{Enum: []any{fraud.ShadowRules, fraud.ShadowRuleset}})
	describeParameter(operation, "since", huma.Schema{Format: "date-time"})
	describeParameter(operation, "until", huma.Schema{Format: "date-time"})
	describePages(operation)
}

func (s *server) list(ctx context.Context, r *listRequest) (*listResponse, error) {
	query, err := s.reader.readQuery(r.sent.RawQuery)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	query.Merchants = merchantsOf(ctx).Narrow(r.Merchant) // whether another's exists is not said
	if query.Outcome != "" && s.Detail == NoDetail && !isAnalyst(ctx, query.Merchants) {
		return nil, problem(http.StatusForbidden, "outcomes are shown here only with the scope "+string(identity.Rules)+": leave the parameter outcome out")
	}
	if (query.Rule != "" || query.Disagrees != "") && !isAnalyst(ctx, query.Merchants) {
		return nil, problem(http.StatusForbidden, "rules are shown only with the scope "+string(identity.Rules)+": leave the parameters rule and disagrees out")
	}
	if err := s.sameCard(ctx, r.SameCardAs, &query); err != nil {
		return nil, err
	}
	page, err := s.page(ctx, query)
	if err != nil {
		return nil, s.unlisted(ctx, err)
	}
	response := &listResponse{Body: list{Transactions: make([]ledger.Record, len(page.Entries))}}
	for i := range page.Entries {
		response.Body.Transactions[i] = s.shown(ctx, page.Entries[i].Record)
	}
	if n := len(page.Entries); n > 0 {
		visitorOf(ctx).shown = fmt.Sprintf("%d transactions, from %s back to %s", n, page.Entries[0].Record.TransactionID, page.Entries[n-1].Record.TransactionID)
	}
	if page.Next != (ledger.Cursor{}) {
		response.Body.Next = writeCursor(page.Next)
		if len(page.Entries) < query.Limit {
			response.Body.SearchedTo = &page.Next.StartTime
		}
		asked := r.sent.Query()
		if query.OrderID != "" { // as it is looked for, which may be masked
			asked.Set("orderID", query.OrderID)
		}
		response.Link = nextLink("/transactions", asked, response.Body.Next)
	}
	return response, nil
}

// unlisted says that the ledger could not be read.
func (s *server) unlisted(ctx context.Context, err error) error {
	s.Log.ErrorContext(ctx, "Transactions not listed", "error", err)
	return unavailable("the ledger cannot be read now; a shorter time may help")
}

// These bound the memory that lists take, also for readers that are slow.
const (
	maxLists = 16        // how many are handled at once; one caller has half of them at most
	maxPage  = 512 << 10 // bytes after which a page ends
	maxPart  = 25        // how many transactions are read from the ledger at once
)

// maxExamined bounds the time that a page takes: how many transactions a search looks at for one.
const maxExamined = 2000

// page reads a page in parts. It ends early, with a cursor, if its transactions are large, or if enough were looked at.
func (s *server) page(ctx context.Context, q ledger.Query) (page ledger.Page, err error) {
	q.Brief = true
	if q.DownTo, err = s.Ledger.Reach(ctx, q, maxExamined); err != nil {
		return ledger.Page{}, err
	}
	for limit, size := q.Limit, 0; limit > len(page.Entries) && size < maxPage; q.After = page.Next {
		q.Limit = min(maxPart, limit-len(page.Entries))
		part, err := s.Ledger.List(ctx, q)
		if err != nil {
			return ledger.Page{}, err
		}
		page.Entries = append(page.Entries, part.Entries...)
		size += part.Size
		if page.Next = part.Next; page.Next == (ledger.Cursor{}) {
			page.Next = q.DownTo
			break
		}
	}
	return page, nil
}

// nextLink returns a link to the next page of the list that was asked for.
func nextLink(path string, asked url.Values, cursor string) string {
	asked.Set("cursor", cursor)
	return "<" + path + "?" + asked.Encode() + `>; rel="next"`
}

// How many transactions a page has by default, and at most.
const (
	defaultLimit = 50
	maxLimit     = 200
)

var listParameters = []string{
	"status", "outcome", "orderID", "customerID", "sameCardAs", "cardLastFour", "ip", "releasing", "merchant", "paymentMethod", "currency", "amountFrom", "amountTo",
	"rule", "disagrees", metadataPrefix, "since", "until", "cursor", "limit",
}

// parameters reads a query and collects its faults. It refuses an empty parameter, as a web page sends for an empty field:
// if that counted as absent, the list would not be filtered by it.
type parameters struct {
	values url.Values
	faults []Fault
}

// readParameters fails with a *Problem if the query is malformed, and notes parameters that are unknown, repeated or empty.
func readParameters(raw string, known ...string) (*parameters, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "the query is not percent-encoded as it must be: name=value pairs with & between them")
	}
	p := &parameters{values: values}
	p.refuseUnknown(known)
	return p, nil
}

// problem returns all faults at once, or nil if there are none.
func (p *parameters) problem(detail string) error {
	if len(p.faults) == 0 {
		return nil
	}
	problem := problem(http.StatusUnprocessableEntity, detail)
	problem.Errors = p.faults
	return problem
}

// readQuery returns all faults at once, as a *Problem.
func (r reader) readQuery(raw string) (ledger.Query, error) {
	p, err := readParameters(raw, listParameters...)
	if err != nil {
		return ledger.Query{}, err
	}
	q := ledger.Query{
		Status:  p.status(),
		Outcome: p.outcome(),
		OrderID: r.orderID(p.id("orderID", "an order's id", r.maskOrderIDs)),
		After:   p.cursor(),
		Limit:   p.wholeNumber("limit", defaultLimit, maxLimit),
	}
	q.Since, q.Until = p.span()
	p.name("merchant")
	p.search(&q)
	return q, p.problem("the transactions cannot be listed so: see errors")
}

// wrong notes the first fault of a parameter.
func (p *parameters) wrong(name, detail string) {
	name, rest := shorten(name)
	if !slices.ContainsFunc(p.faults, func(f Fault) bool { return f.Parameter == name+rest }) {
		p.faults = append(p.faults, Fault{Parameter: name + rest, Detail: detail})
	}
}

// refuseUnknown takes a known name with a point at its end for all names that begin with it.
func (p *parameters) refuseUnknown(known []string) {
	names := make([]string, 0, len(p.values))
	for name := range p.values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case len(p.faults) == maxLimit: // more faults would not help
			return
		case !slices.ContainsFunc(known, func(k string) bool { return k == name || strings.HasSuffix(k, ".") && strings.HasPrefix(name, k) }):
			p.wrong(name, "is not a known parameter")
		case len(p.values[name]) > 1:
			p.wrong(name, "must not stand more than once")
		case strings.TrimSpace(p.values.Get(name)) == "":
			p.wrong(name, "must not be empty: leave it out, or give it a value")
		case name != "orderID" && name != "sameCardAs" && name != "cursor" && holdsNumber(p.values.Get(name)):
			p.wrong(name, anyNumber)
		}
	}
}

func (p *parameters) status() transaction.Status {
	text := p.values.Get("status")
	status, known := transaction.ParseStatus(text)
	if text != "" && !known {
		p.wrong("status", "must be a status by code or name, such as 19 or TRANSACTION_IN_REVIEW")
	}
	return status
}

func (p *parameters) outcome() fraud.Outcome {
	outcome := fraud.Outcome(p.values.Get("outcome"))
	if outcome != "" && !slices.Contains(fraud.Outcomes, outcome) {
		p.wrong("outcome", "must be approve, review, decline or not_evaluated")
	}
	return outcome
}

// id returns an id that a merchant has given to something.
func (p *parameters) id(name, what string, mayHoldNumber bool) string {
	asked := p.values.Get(name)
	id := spelling.ID(asked)
	if utf8.RuneCountInString(asked) > transaction.MaxID || !utf8.ValidString(asked) || !printable(asked) || id == "" && asked != "" {
		p.wrong(name, "must be "+what+": at most 64 characters, without control characters")
	}
	if !mayHoldNumber && holdsNumber(asked) {
		p.wrong(name, anyNumber)
	}
	return id
}

func (p *parameters) time(name string) time.Time {
	text := p.values.Get(name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		p.wrong(name, "must be a time such as 2026-05-17T08:30:00Z, with a + written as %2B")
	case at.IsZero() || !alert.IsSayable(at):
		p.wrong(name, sayable)
	}
	return at
}

// span returns from when on and before when, where these are asked for.
func (p *parameters) span() (since, until time.Time) {
	since, until = p.time("since"), p.time("until")
	if !since.IsZero() && !until.IsZero() && !until.After(since) {
		p.wrong("until", "must be later than since")
	}
	return since, until
}

func (p *parameters) cursor() ledger.Cursor {
	text := p.values.Get("cursor")
	if text == "" {
		return ledger.Cursor{}
	}
	cursor, err := readCursor(text)
	if err != nil {
		p.wrong("cursor", foreignCursor)
	}
	return cursor
}

// foreignCursor is what is wrong with a cursor that no list has given out.
const foreignCursor = "must be the next of an earlier answer, as it stands there"

// wholeNumber returns a number from 1 to most, and usual if the parameter is absent.
func (p *parameters) wholeNumber(name string, usual, most int) int {
	text := p.values.Get(name)
	if text == "" {
		return usual
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > most {
		p.wrong(name, fmt.Sprintf("must be a whole number from 1 to %d", most))
	}
	return number
}

// writeCursor encodes a cursor for clients, which hand it back and need not understand it.
func writeCursor(c ledger.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.StartTime.UTC().Format(time.RFC3339Nano) + "/" + c.TransactionID))
}

func readCursor(text string) (ledger.Cursor, error) {
	plain, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return ledger.Cursor{}, err
	}
	at, id, _ := strings.Cut(string(plain), "/")
	start, timeErr := time.Parse(time.RFC3339Nano, at)
	_, idErr := uuid.Parse(id)
	return ledger.Cursor{StartTime: start, TransactionID: id}, errors.Join(timeErr, idErr)
}
