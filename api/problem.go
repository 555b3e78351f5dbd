package api

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/internal/strictjson"
	"dummyorders/internal/telemetry"
)

const problemType = "application/problem+json"

// Problem is the body of every answer that is not a success, by RFC 9457. It never repeats what the client sent.
type Problem struct {
	Title         string  `json:"title" example:"Unprocessable Entity"`
	Status        int     `json:"status" example:"422"`
	Detail        string  `json:"detail" doc:"What is wrong, and what would be right"`
	TransactionID string  `json:"transactionID,omitempty" doc:"The transaction to ask for, if it is not known whether it was accepted"`
	Errors        []Fault `json:"errors,omitempty" doc:"Every fault that was found"`

	TransactionStatus *ledger.Status     `json:"transactionStatus,omitempty" doc:"With a 409: the status of the transaction"`
	Decision          *fraud.Decision    `json:"decision,omitempty" doc:"With a 409 that asks for confirm: what the fraud check says now"`
	Assignment        *ledger.Assignment `json:"assignment,omitempty" doc:"With a 409: who has taken the transaction"`

	headers http.Header
	worse   *fraud.Decision // as Decision, for people who see all of it
}

// Fault is one wrong value, in the body, in the query, in the path or in a header. Pointer is a JSON Pointer in URI fragment form, as in RFC 9457's
// examples.
type Fault struct {
	Pointer   string `json:"pointer,omitempty" example:"#/order/cost"`
	Parameter string `json:"parameter,omitempty" example:"limit" doc:"The parameter of the query or the path that is wrong"`
	Header    string `json:"header,omitempty" example:"Idempotency-Key" doc:"The header that is wrong"`
	Detail    string `json:"detail" example:"must be a number"`
}

// Error makes a Problem an error, so that a handler can return it.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the content type of every problem.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders returns headers that help the client, such as when to come back, or what is missing.
func (p *Problem) GetHeaders() http.Header { return p.headers }

func problem(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// retryLater returns a problem that may go away with time.
func retryLater(status int, seconds, detail string) *Problem {
	p := problem(status, detail)
	p.headers = http.Header{"Retry-After": {seconds}}
	return p
}

// unavailable returns the problem of a part that does not answer now. Where this process lacks a setting or a right,
// waiting does not help: that is a 503 without Retry-After, by problem.
func unavailable(detail string) *Problem {
	return retryLater(http.StatusServiceUnavailable, retryAfterOutage, detail)
}

// limited returns a problem for a request that a limit refuses. limit is a word of a fixed set, for metrics.
func limited(ctx context.Context, limit, seconds, detail string) *Problem {
	telemetry.HTTPLimited.Inc(ctx, limit)
	return retryLater(http.StatusTooManyRequests, seconds, detail)
}

// maxPointer keeps a member name that a client made up from filling the answer.
const maxPointer = 200

// pointer returns a JSON Pointer as a URI fragment (RFC 6901 §6). It may hold member names that a client made up: whatever
// could be a card number in them is masked before they are cut. A slash in a name is written ~1, whose digit would hide a number.
func pointer(p string) string {
	names := strings.Split(p, "/")
	for i, name := range names {
		names[i] = escaped.Replace(card.Redact(unescaped.Replace(name)))
	}
	p, rest := shorten(strings.Join(names, "/"))
	return "#" + (&url.URL{Fragment: p}).EscapedFragment() + rest
}

var (
	escaped   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaped = strings.NewReplacer("~1", "/", "~0", "~")
)

// shorten masks and cuts a name that a client made up. rest shows that it was cut.
func shorten(name string) (short, rest string) {
	name = card.Redact(name)
	if len(name) > maxPointer {
		return strings.ToValidUTF8(name[:maxPointer], ""), "…"
	}
	return name, ""
}

// invalid returns a problem with all faults of a body.
func invalid(what string, faults []strictjson.Fault) *Problem {
	p := problem(http.StatusUnprocessableEntity, what+" cannot be accepted as it is: see errors")
	for _, f := range faults {
		p.Errors = append(p.Errors, Fault{Pointer: pointer(f.Pointer), Detail: f.Detail})
	}
	return p
}

// write sends the problem. It is for answers outside huma: from the router and the middleware.
func (p *Problem) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone; the error can be reported nowhere
}

// init turns huma's own errors into Problems. Its faults, which are about parts of paths, are named without their values.
func init() {
	huma.NewError = func(status int, message string, faults ...error) huma.StatusError {
		p := problem(status, message)
		for _, err := range faults {
			if fault, is := errors.AsType[*huma.ErrorDetail](err); is {
				p.Errors = append(p.Errors, Fault{Parameter: strings.TrimPrefix(fault.Location, "path."), Detail: "is not as /openapi.json describes it: " + fault.Message})
			}
		}
		return p
	}
}
