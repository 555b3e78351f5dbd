package health_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dummyorders/internal/health"
)

func ask(t *testing.T, path string, checks map[string]health.Check) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	health.Handler(slog.New(slog.DiscardHandler), checks).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer
}

// A process is ready only when every check passes.
func TestReady(t *testing.T) {
	fine := func(context.Context) error { return nil }
	away := func(context.Context) error { return errors.New("connection refused") }
	if answer := ask(t, "/readyz", map[string]health.Check{"temporal": fine, "rabbitmq": fine}); answer.Code != 200 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if answer := ask(t, "/livez", map[string]health.Check{"rabbitmq": away}); answer.Code != 200 {
		t.Errorf("a process is called dead for what is wrong elsewhere: %d", answer.Code)
	}
}

// The answer says what is not ready, and only the log says why.
func TestNotReadyDetailsOnlyInLog(t *testing.T) {
	fine := func(context.Context) error { return nil }
	away := func(context.Context) error { return errors.New("dial tcp 10.1.2.3:5672: connection refused") }
	var log bytes.Buffer
	handler := health.Handler(slog.New(slog.NewTextHandler(&log, nil)), map[string]health.Check{"temporal": fine, "rabbitmq": away, "ledger": away})
	var answer *httptest.ResponseRecorder
	for range 3 {
		answer = httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	}
	if body := answer.Body.String(); answer.Code != 503 || !strings.Contains(body, "not ready: ledger, rabbitmq;") || strings.Contains(body, "10.1.2.3") {
		t.Errorf("%d %s", answer.Code, body)
	}
	for _, name := range []string{"ledger", "rabbitmq"} {
		if strings.Count(log.String(), "what="+name+` error="dial tcp 10.1.2.3:5672: connection refused"`) != 1 {
			t.Errorf("the log does not have once why %s is not ready: %s", name, log.String())
		}
	}
}

// A check that hangs is a failure and does not hang the answer.
func TestHungCheck(t *testing.T) {
	hangs := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	if answer := ask(t, "/readyz", map[string]health.Check{"temporal": hangs}); answer.Code != 503 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}
