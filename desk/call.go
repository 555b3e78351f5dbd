package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
)

// visit is a person's request of a page.
type visit struct {
	*http.Request

	Person identity.Subject
	desk   *desk
}

func (d *desk) visit(r *http.Request) *visit {
	return &visit{Request: r, Person: d.person(r), desk: d}
}

// May reports whether the person has a scope, for any merchant.
func (v *visit) May(scope identity.Scope) bool {
	return !v.Person.For(scope).None()
}

// Problem is the API's answer to what it refuses or cannot do, or the desk's own in the same form.
type Problem struct {
	Status int     `json:"status"`
	Detail string  `json:"detail"`
	Errors []Fault `json:"errors"`
	// Decision is the fraud check's, which has got worse since a review began: an approval has to confirm it.
	Decision *fraud.Decision `json:"decision"`
}

// refusal returns err as the API's problem if it has one of these statuses, and else nil.
func refusal(err error, statuses ...int) *Problem {
	if p, is := errors.AsType[*Problem](err); is && slices.Contains(statuses, p.Status) {
		return p
	}
	return nil
}

// Fault is one wrong value of a request.
type Fault struct {
	Pointer   string `json:"pointer"`
	Parameter string `json:"parameter"`
	Detail    string `json:"detail"`
}

// Error says what is wrong, with every fault.
func (p *Problem) Error() string {
	text := p.Detail
	for _, f := range p.Errors {
		text += "; " + f.Pointer + f.Parameter + " " + f.Detail
	}
	return text
}

// param returns a part of the page's path. The router takes it from the path as it was sent, if that has characters that are escaped
// without need.
func param(v *visit, name string) string {
	text := chi.URLParam(v.Request, name)
	if plain, err := url.PathUnescape(text); err == nil && v.URL.RawPath != "" {
		return plain
	}
	return text
}

// pathOf returns a part of the page's path, as it can stand in a path.
func pathOf(v *visit, name string) string { return url.PathEscape(param(v, name)) }

// get reads what the API has at a path, into a value of the answer's form. It fails with a *Problem if the API refuses.
func (v *visit) get(path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return v.send(http.MethodGet, path, nil, into)
}

// send asks the API for something with a body in JSON, or without one if it is nil, and reads the answer into a value, unless
// that is nil. It fails with a *Problem if the API refuses.
func (v *visit) send(method, path string, body, into any) error {
	answer, err := v.ask(method, path, body)
	if err != nil {
		return err
	}
	if into == nil || answer.body.Len() == 0 {
		return nil
	}
	if err := json.Unmarshal(answer.body.Bytes(), into); err != nil {
		return fmt.Errorf("read the API's answer to %s %s: %w", method, path, err)
	}
	return nil
}

// ask passes a request to the API's handler. The answer is a success.
func (v *visit) ask(method, path string, body any) (*answer, error) {
	sent := io.Reader(http.NoBody)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("write the request %s %s: %w", method, path, err)
		}
		sent = bytes.NewReader(text)
	}
	// Without this the API's router would take itself for a part of the desk's.
	ctx := context.WithValue(v.Context(), chi.RouteCtxKey, nil)
	r, err := http.NewRequestWithContext(v.desk.As(ctx, v.Person), method, path, sent)
	if err != nil {
		return nil, fmt.Errorf("ask the API: %w", err)
	}
	r.RemoteAddr, r.RequestURI = v.RemoteAddr, r.URL.RequestURI()
	r.Header.Set("Content-Type", "application/json")
	r.Header["X-Forwarded-For"] = v.Header["X-Forwarded-For"]
	a := &answer{header: http.Header{}}
	v.desk.API.ServeHTTP(a, r)
	if a.status < http.StatusBadRequest {
		return a, nil
	}
	p := &Problem{Status: a.status, Detail: http.StatusText(a.status)}
	if err := json.Unmarshal(a.body.Bytes(), p); err != nil {
		return nil, fmt.Errorf("read the API's problem with %s %s: %w", method, path, err)
	}
	return nil, p
}

// answer is an answer of the API.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(body []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(body)
}
