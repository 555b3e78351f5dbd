package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
)

// mostWords bounds a parameter that an entry's text is compared with.
const mostWords = 200

// maxEntriesExamined bounds the time that a page takes: how many entries of the audit trail a search looks at for one.
const maxEntriesExamined = 20_000

// trailRequest describes GET /audit for huma. readTrailQuery reads the parameters, because it can report every fault at once;
// the fields only describe them.
type trailRequest struct {
	Subject  string `query:"subject" doc:"Who did it: a name, such as acme/shop, a kind, such as anonymous, or both, such as client acme/shop" example:"ada@example.com"`
	Merchant string `query:"merchant" doc:"The merchant that it is about" example:"acme"`
	Action   string `query:"action" doc:"An operation of the API, or a command" example:"reviewTransaction"`
	Object   string `query:"object" doc:"What it was done to, such as the id of a transaction" example:"01990000-0000-7000-8000-000000000001"`
	Result   string `query:"result" doc:"An HTTP status, begun, done or failed" example:"403"`
	Since    string `query:"since" doc:"Done at that time or later, RFC 3339" example:"2026-01-02T00:00:00Z"`
	Until    string `query:"until" doc:"Done before that time, RFC 3339" example:"2026-01-03T00:00:00Z"`
	Cursor   string `query:"cursor" doc:"The value of next in an earlier answer: asks for the page after that one"`
	Limit    string `query:"limit" doc:"The largest number of entries on a page, 1 to 200; 50 by default"`

	RawQuery
}

type trailResponse struct {
	Link string `header:"Link" doc:"The next page, if there is one, as rel=\"next\" (RFC 8288)"`
	Body auditEntries
}

// auditEntries is a page of the audit trail, the newest entry first.
type auditEntries struct {
	Entries []audit.Kept `json:"entries" nullable:"false"`
	Next    string       `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one"`

	SearchedTo *time.Time `json:"searchedTo,omitempty" doc:"How far back this page has looked, if it has fewer entries than limit and there is a next page"`
}

func (s *server) registerTrail(api huma.API) {
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "listAudit",
		Method:      http.MethodGet,
		Path:        "/audit",
		Summary:     "List entries of the audit trail",
		Description: "Who did what, from where, on which object, and with which result, the newest entry first, in pages. " +
			"A page may have fewer than limit, or be empty, although more follow: go on until next is absent. Unless object is asked for, a page looks " +
			"at 20,000 entries at most, and searchedTo says how far back it has looked. " +
			"Who has the scope for some merchants only is shown the entries about each of them. Where the ledger is in PostgreSQL, " +
			"the API's own user may not read the trail, and this is answered 503: the desk and orders audit list can read it.",
		Tags:   []string{"audit"},
		Errors: []int{422, 503},
	}), s.listAudit)
	operation := api.OpenAPI().Paths["/audit"].Get
	for _, name := range []string{"subject", "action", "object", "result"} {
		describeParameter(operation, name, huma.Schema{MinLength: new(1), MaxLength: new(mostWords)})
	}
	describeParameter(operation, "merchant", huma.Schema{Pattern: namePattern})
	describeParameter(operation, "since", huma.Schema{Format: "date-time"})
	describeParameter(operation, "until", huma.Schema{Format: "date-time"})
	describePages(operation)
	huma.Register(api, s.soon(s.verifications, huma.Operation{
		OperationID: "verifyAudit",
		Method:      http.MethodGet,
		Path:        "/audit/verification",
		Summary:     "Verify the audit trail",
		Description: "Checks the whole chain as it is now: that no entry was changed, removed or put in between. It says which entry is " +
			"the first that is not as it was. One verification runs at a time, for 20 seconds at most: orders audit verify takes as long as it needs.",
		Tags:   []string{"audit"},
		Errors: []int{503},
	}), answering(s.verifyAudit))
}

func (s *server) listAudit(ctx context.Context, r *trailRequest) (*trailResponse, error) {
	query, err := readTrailQuery(r.sent.RawQuery)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	query.Merchants = merchantsOf(ctx)
	limit := query.Last
	query.Last++ // which shows whether there is a next page
	answer := &trailResponse{Body: auditEntries{Entries: []audit.Kept{}}}
	if s.Trail == nil {
		return nil, s.trailProblem(ctx, audit.ErrMayNotRead)
	}
	reach, err := s.Trail.ReachAudit(ctx, query, maxEntriesExamined)
	if err != nil {
		return nil, s.trailProblem(ctx, err)
	}
	query.After = max(0, reach.Number-1)
	for kept, err := range s.Trail.Audit(ctx, query) {
		if err != nil {
			return nil, s.trailProblem(ctx, err)
		}
		answer.Body.Entries = append(answer.Body.Entries, kept)
	}
	switch all := answer.Body.Entries; {
	case len(all) > limit:
		answer.Body.Entries, answer.Body.Next = all[:limit], strconv.FormatInt(all[limit-1].Number, 10)
	case reach.Number > 0:
		answer.Body.Next = strconv.FormatInt(reach.Number, 10)
		if len(all) < limit {
			answer.Body.SearchedTo = &reach.Time
		}
	}
	if answer.Body.Next != "" {
		answer.Link = nextLink("/audit", r.sent.Query(), answer.Body.Next)
	}
	if all := answer.Body.Entries; len(all) > 0 {
		visitorOf(ctx).shown = fmt.Sprintf("%d entries, from %d back to %d", len(all), all[0].Number, all[len(all)-1].Number)
	}
	return answer, nil
}

func (s *server) verifyAudit(ctx context.Context, _ *struct{}) (report audit.Report, err error) {
	if s.Trail == nil {
		return report, s.trailProblem(ctx, audit.ErrMayNotRead)
	}
	report, err = s.Trail.VerifyAudit(ctx)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return report, problem(http.StatusServiceUnavailable, "the audit trail is too long for this process to verify while you wait: run orders audit verify")
	case err != nil:
		return report, s.trailProblem(ctx, err)
	}
	visitorOf(ctx).shown = fmt.Sprintf("%d entries, whole", report.Entries)
	if report.Broken != nil {
		visitorOf(ctx).shown = report.Broken.String()
	}
	return report, nil
}

// trailProblem returns the reason why the audit trail was not read.
func (s *server) trailProblem(ctx context.Context, err error) *Problem {
	if errors.Is(err, audit.ErrMayNotRead) {
		return problem(http.StatusServiceUnavailable, "this process may only add to the audit trail: read it on the desk, or by orders audit, "+
			"whose users of the ledger's database may read it")
	}
	s.Log.ErrorContext(ctx, "Audit trail not read", "error", err)
	return unavailable("the audit trail cannot be read now")
}

// readTrailQuery returns all faults at once, as a *Problem.
func readTrailQuery(raw string) (audit.Query, error) {
	p, err := readParameters(raw, "subject", "merchant", "action", "object", "result", "since", "until", "cursor", "limit")
	if err != nil {
		return audit.Query{}, err
	}
	q := audit.Query{
		Subject: p.text("subject", mostWords), Merchant: p.name("merchant"), Action: p.text("action", mostWords),
		Object: p.text("object", mostWords), Result: p.text("result", mostWords),
		Before: p.number("cursor"), Last: p.wholeNumber("limit", defaultLimit, maxLimit),
	}
	q.Since, q.Until = p.span()
	return q, p.problem("the audit trail cannot be listed so: see errors")
}

// name returns a parameter that names a merchant or a client.
func (p *parameters) name(name string) string {
	text := p.values.Get(name)
	if text != "" && !identity.IsName(text) {
		p.wrong(name, nameFault)
	}
	return text
}

// nameFault says how merchants and clients may be called.
const nameFault = "must be 1 to 64 letters, digits, - and _"

var namePattern = pattern(`^[A-Za-z0-9_-]{1,64}$`, nameFault)
