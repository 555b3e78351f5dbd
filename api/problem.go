package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/card"
	"dummyorders/internal/strictjson"
)

const problemType = "application/problem+json"

// Problem is the body of every answer that is no success, RFC 9457. It never repeats what it was sent.
type Problem struct {
	Title         string  `json:"title" example:"Unprocessable Entity"`
	Status        int     `json:"status" example:"422"`
	Detail        string  `json:"detail" doc:"What is wrong, and what would be right"`
	TransactionID string  `json:"transactionID,omitempty" doc:"The transaction to ask for, where it cannot be known whether it was accepted"`
	Errors        []Fault `json:"errors,omitempty" doc:"Every fault that was found"`

	retryAfter string
}

// Fault is one wrong value. Pointer is a JSON Pointer in URI fragment form, as RFC 9457 shows it.
type Fault struct {
	Pointer string `json:"pointer" example:"#/order/cost"`
	Detail  string `json:"detail" example:"must be a number"`
}

// Error makes a Problem something that a handler can return.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is what every problem is sent as.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders says when to come back, where that helps.
func (p *Problem) GetHeaders() http.Header {
	if p.retryAfter == "" {
		return nil
	}
	return http.Header{"Retry-After": {p.retryAfter}}
}

func problem(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// comeBack is a problem that time may solve.
func comeBack(status int, seconds, detail string) *Problem {
	p := problem(status, detail)
	p.retryAfter = seconds
	return p
}

// maxPointer keeps a member name that a client made up from filling the answer.
const maxPointer = 200

// pointer is a JSON Pointer as a URI fragment (RFC 6901 §6). It may hold member names that a client made up: what
// could be a card number in them is masked, before they are cut.
func pointer(p string) string {
	p, rest := card.Redact(p), ""
	if len(p) > maxPointer {
		p, rest = strings.ToValidUTF8(p[:maxPointer], ""), "…"
	}
	return "#" + (&url.URL{Fragment: p}).EscapedFragment() + rest
}

// invalid tells every fault at once.
func invalid(faults []strictjson.Fault) *Problem {
	p := problem(http.StatusUnprocessableEntity, "the transaction cannot be accepted as it is: see errors")
	for _, f := range faults {
		p.Errors = append(p.Errors, Fault{Pointer: pointer(f.Pointer), Detail: f.Detail})
	}
	return p
}

// write is for what answers outside huma: the router and the middleware.
func (p *Problem) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone; there is nobody else to tell
}

// init makes huma's own errors problems of ours. Its details are left out: they repeat values.
func init() {
	huma.NewError = func(status int, message string, _ ...error) huma.StatusError {
		return problem(status, message)
	}
}
