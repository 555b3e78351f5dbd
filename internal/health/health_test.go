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
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/internal/health"
)

func ask(t *testing.T, path string, checks map[string]health.Check) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	health.Handler(t.Context(), slog.New(slog.DiscardHandler), checks, http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer
}

// A process is ready only when every check passes.
func TestReady(t *testing.T) {
	fine := func(context.Context) error { return nil }
	away := func(context.Context) error { return errors.New("connection refused") }
	answer := ask(t, "/readyz", map[string]health.Check{"temporal": fine, "rabbitmq": fine})
	assert.Equal(t, 200, answer.Code, "%s", answer.Body)
	assert.Equal(t, 200, ask(t, "/livez", map[string]health.Check{"rabbitmq": away}).Code, "a process is called dead for what is wrong elsewhere")
}

// The answer says what is not ready, and only the log says why.
func TestNotReadyDetailsOnlyInLog(t *testing.T) {
	fine := func(context.Context) error { return nil }
	away := func(context.Context) error { return errors.New("dial tcp 10.1.2.3:5672: connection refused") }
	var log bytes.Buffer
	handler := health.Handler(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), map[string]health.Check{"temporal": fine, "rabbitmq": away, "ledger": away}, http.NotFoundHandler())
	var answer *httptest.ResponseRecorder
	for range 3 {
		answer = httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	}
	body := answer.Body.String()
	assert.Equal(t, 503, answer.Code)
	assert.Contains(t, body, "not ready: ledger, rabbitmq;")
	assert.NotContains(t, body, "10.1.2.3")
	for _, name := range []string{"ledger", "rabbitmq"} {
		assert.Equal(t, 1, strings.Count(log.String(), "what="+name+` error="dial tcp 10.1.2.3:5672: connection refused"`),
			"the log does not have once why %s is not ready: %s", name, log.String())
	}
}

// A part that was never ready may still be starting, which is not logged as an error. A part that was ready before is.
func TestNotReadyLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var wrong error
		check := func(context.Context) error { return wrong }
		handler := health.Handler(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), map[string]health.Check{"ledger": check}, http.NotFoundHandler())
		for _, step := range []struct {
			after time.Duration
			wrong error
			said  string
		}{
			{0, errors.New("no tables"), `level=INFO msg="Not ready" what=ledger error="no tables"`},
			{time.Second, errors.New("no tables"), ""},
			{time.Minute, errors.New("refused"), `level=WARN msg="Not ready" what=ledger error=refused`},
			{time.Second, nil, "level=INFO msg=Ready what=ledger failedChecks=3"},
			{time.Second, nil, ""},
			{time.Second, errors.New("refused"), `level=ERROR msg="Not ready" what=ledger error=refused`},
		} {
			log.Reset()
			wrong = step.wrong
			time.Sleep(step.after)
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
			_, said, _ := strings.Cut(strings.TrimSpace(log.String()), " ")
			assert.Equal(t, step.said, said)
		}
	})
}

// A check that hangs is a failure and does not hang the answer.
func TestHungCheck(t *testing.T) {
	hangs := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	answer := ask(t, "/readyz", map[string]health.Check{"temporal": hangs})
	assert.Equal(t, 503, answer.Code, "%s", answer.Body)
}

// An asker that has hung up makes no check fail.
func TestAskerHungUp(t *testing.T) {
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	handler := health.Ready(t.Context(), slog.New(slog.DiscardHandler), map[string]health.Check{"temporal": func(ctx context.Context) error { return ctx.Err() }})
	answer := httptest.NewRecorder()
	handler(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
	assert.Equal(t, 200, answer.Code, "%s", answer.Body)
}

// A process that was asked to stop is not ready, whatever its checks say, and is alive.
func TestDraining(t *testing.T) {
	running, stop := context.WithCancel(t.Context())
	asked := 0
	check := func(context.Context) error { asked++; return nil }
	handler := health.Handler(running, slog.New(slog.DiscardHandler), map[string]health.Check{"temporal": check}, http.NotFoundHandler())
	get := func(path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return answer
	}
	assert.Equal(t, 200, get("/readyz").Code)
	stop()
	answer := get("/readyz")
	assert.Equal(t, 503, answer.Code)
	assert.Contains(t, answer.Body.String(), "draining")
	assert.Equal(t, 1, asked, "its parts were asked although it stops")
	assert.Equal(t, 200, get("/livez").Code)
}
