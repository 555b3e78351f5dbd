package health_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dummyorders/internal/health"
)

func ask(t *testing.T, path string, checks map[string]health.Check) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	health.Handler(checks).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer
}

func TestAProcessIsReadyOnlyWhenEveryCheckPasses(t *testing.T) {
	fine := func(context.Context) error { return nil }
	away := func(context.Context) error { return errors.New("connection refused") }
	if answer := ask(t, "/readyz", map[string]health.Check{"temporal": fine, "rabbitmq": fine}); answer.Code != 200 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	answer := ask(t, "/readyz", map[string]health.Check{"temporal": fine, "rabbitmq": away})
	if answer.Code != 503 || !strings.Contains(answer.Body.String(), "rabbitmq: connection refused") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if answer := ask(t, "/livez", map[string]health.Check{"rabbitmq": away}); answer.Code != 200 {
		t.Errorf("a process is called dead for what is wrong elsewhere: %d", answer.Code)
	}
}

func TestACheckThatHangsIsAFailureAndNotAHang(t *testing.T) {
	hangs := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	if answer := ask(t, "/readyz", map[string]health.Check{"temporal": hangs}); answer.Code != 503 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}
