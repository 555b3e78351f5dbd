package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/internal/spelling"
)

// How many transactions a page has when nothing is said, and at most.
const (
	defaultLimit = 50
	maxLimit     = 200
)

var (
	listParameters = []string{"status", "outcome", "orderID", "since", "until", "cursor", "limit"}
	outcomes       = []fraud.Outcome{fraud.Approve, fraud.Review, fraud.Decline, fraud.NotEvaluated}
)

// parameters reads a query and gathers what is wrong with it. One that is empty, as where a page has filled in nothing, is
// refused: taken for absent, it would ask for the transactions of all.
type parameters struct {
	values url.Values
	faults []Fault
}

// readParameters fails with a *Problem where the query is none, and notes those that are not known.
func readParameters(raw string, known ...string) (*parameters, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "the query is not percent-encoded as it must be: name=value pairs with & between them")
	}
	p := &parameters{values: values}
	p.refuseUnknown(known)
	return p, nil
}

// problem tells every fault at once; nil, there is none.
func (p *parameters) problem(detail string) error {
	if len(p.faults) == 0 {
		return nil
	}
	problem := problem(http.StatusUnprocessableEntity, detail)
	problem.Errors = p.faults
	return problem
}

// readQuery returns every fault at once, as a *Problem.
func readQuery(raw string) (ledger.Query, error) {
	p, err := readParameters(raw, listParameters...)
	if err != nil {
		return ledger.Query{}, err
	}
	q := ledger.Query{
		Status:  p.status(),
		Outcome: p.outcome(),
		OrderID: p.orderID(),
		Since:   p.time("since"),
		Until:   p.time("until"),
		After:   p.cursor(),
		Limit:   p.limit(),
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Until.After(q.Since) {
		p.wrong("until", "must be later than since")
	}
	return q, p.problem("the transactions cannot be listed so: see errors")
}

// wrong notes the first fault of a parameter.
func (p *parameters) wrong(name, detail string) {
	name, rest := shorten(name)
	if !slices.ContainsFunc(p.faults, func(f Fault) bool { return f.Parameter == name+rest }) {
		p.faults = append(p.faults, Fault{Parameter: name + rest, Detail: detail})
	}
}

func (p *parameters) refuseUnknown(known []string) {
	names := make([]string, 0, len(p.values))
	for name := range p.values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case len(p.faults) == maxLimit: // enough said
			return
		case !slices.Contains(known, name):
			p.wrong(name, "is not a known parameter")
		case len(p.values[name]) > 1:
			p.wrong(name, "must not stand more than once")
		case strings.TrimSpace(p.values.Get(name)) == "":
			p.wrong(name, "must not be empty: leave it out, or give it a value")
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
	if outcome != "" && !slices.Contains(outcomes, outcome) {
		p.wrong("outcome", "must be approve, review, decline or not_evaluated")
	}
	return outcome
}

func (p *parameters) orderID() string {
	asked := p.values.Get("orderID")
	id := spelling.ID(asked)
	if utf8.RuneCountInString(asked) > maxID || !utf8.ValidString(asked) || !printable(asked) || id == "" && asked != "" {
		p.wrong("orderID", "must be an order's id: at most 64 characters, none of them a control character")
	}
	return id
}

func (p *parameters) time(name string) time.Time {
	text := p.values.Get(name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.wrong(name, "must be a time such as 2026-05-17T08:30:00Z, with a + written as %2B")
	}
	return at
}

func (p *parameters) cursor() ledger.Cursor {
	text := p.values.Get("cursor")
	if text == "" {
		return ledger.Cursor{}
	}
	cursor, err := readCursor(text)
	if err != nil {
		p.wrong("cursor", "must be the next of an earlier answer, as it stands there")
	}
	return cursor
}

func (p *parameters) limit() int {
	text := p.values.Get("limit")
	if text == "" {
		return defaultLimit
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxLimit {
		p.wrong("limit", "must be a whole number from 1 to 200")
	}
	return limit
}
