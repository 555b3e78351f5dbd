package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/card"
)

func handlerOn(temporal client.Client) http.Handler {
	return handlerWith(options(temporal, newMemory()))
}

func handlerWith(o api.Options) http.Handler {
	return api.New(context.Background(), o)
}

func options(temporal client.Client, l api.Ledger) api.Options {
	return api.Options{
		Temporal:    temporal,
		Ledger:      l,
		Cards:       card.NewDescriber([]byte("a key for tests, and nothing else")),
		MaxInFlight: 10,
		Log:         slog.New(slog.DiscardHandler),
	}
}

// unreachable is the API while no Temporal is anywhere: what is answered without asking it stays answered.
func unreachable(t testing.TB) http.Handler {
	t.Helper()
	return handlerOn(nowhere(t))
}

// nowhere is a client without a server.
func nowhere(t testing.TB) client.Client {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: quiet{}})
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// accepting is the API with a Temporal that takes everything: a fake, because a fuzzer asks too often for a real one.
func accepting(t testing.TB) http.Handler {
	t.Helper()
	c := &mocks.Client{}
	c.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, nil)
	return handlerOn(c)
}

func post(t testing.TB, handler http.Handler, body string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/transact", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "respond-async")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func asProblem(t testing.TB, answer *httptest.ResponseRecorder) api.Problem {
	t.Helper()
	if got := answer.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("Content-Type %q, want application/problem+json; body %s", got, answer.Body)
	}
	var p api.Problem
	must(t, json.Unmarshal(answer.Body.Bytes(), &p))
	if p.Status != answer.Code || p.Title == "" || p.Detail == "" {
		t.Fatalf("status %d with a problem of %+v", answer.Code, p)
	}
	return p
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	must(t, err)
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quiet drops what the Temporal client logs about a server that is not there.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// faultsOf are those that a problem tells, by where they are.
func faultsOf(t *testing.T, answer *httptest.ResponseRecorder) map[string]string {
	t.Helper()
	faults := map[string]string{}
	for _, fault := range asProblem(t, answer).Errors {
		faults[fault.Pointer] = fault.Detail
	}
	return faults
}
