package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/domain/card"
	"dummyorders/internal/logging"
)

// Only the pretty format has colours, and only where they are wanted.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		format          string
		colour, escapes bool
	}{{"pretty", true, true}, {"pretty", false, false}, {"text", true, false}, {"json", true, false}} {
		var out bytes.Buffer
		log, err := logging.New(&out, "api", c.format, c.colour, slog.LevelInfo, strings.Clone)
		require.NoError(t, err)
		log.Error("Not ready", "what", "ledger")
		assert.Equal(t, c.escapes, strings.Contains(out.String(), "\x1b"), "%s, colour %v", c.format, c.colour)
		assert.Contains(t, out.String(), "Not ready", "%s, colour %v", c.format, c.colour)
	}
}

// secret is printed by fmt, as errors and structs in logs are.
type secret struct{ Text string }

// Whatever kind of value holds a secret, and in the message too, it is concealed, in every format.
func TestConcealed(t *testing.T) {
	for _, format := range logging.Formats {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			log, err := logging.New(&out, "api", format, false, slog.LevelInfo, strings.NewReplacer("4242", "****").Replace)
			require.NoError(t, err)
			log = log.With("with", "4242").WithGroup("group")
			log.Info("message 4242", "text", "a 4242", "number", 4242, "error", errors.New("4242"), "struct", secret{"4242"}, "seen", 17,
				slog.Group("inner", "pointer", &secret{"4242"}, "list", []string{"4242"}))
			assert.NotContains(t, out.String(), "4242")
			assert.Equal(t, 8, strings.Count(out.String(), "****"), &out)
			assert.Contains(t, out.String(), "17")
		})
	}
}

// A fault that comes again and again is one line, and then one with a count.
func TestRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		log, err := logging.New(&out, "api", "text", false, slog.LevelInfo, strings.Clone)
		require.NoError(t, err)
		for i := range 40 {
			log.With("worker", "orders").Warn("Temporal cannot be reached", "error", fmt.Errorf("dial from port %d: refused", 50000+i), "in", time.Duration(i))
			if i == 0 {
				time.Sleep(6 * time.Second)
				continue
			}
			time.Sleep(12 * time.Second)
		}
		lines := strings.Split(strings.TrimSpace(out.take()), "\n")
		require.Len(t, lines, 3, "at once, after 2 minutes, and after 4 more: %s", lines)
		assert.NotContains(t, lines[0], "times=")
		assert.Contains(t, lines[1], "port 50010: refused")
		assert.Contains(t, lines[1], "times=10 within=2m0s")
		assert.Contains(t, lines[2], "times=20 within=4m0s")
		time.Sleep(time.Hour)
		out.take()
		log.With("worker", "orders").Warn("Temporal cannot be reached", "error", errors.New("dial from port 1: refused"), "in", time.Second)
		assert.Equal(t, 1, strings.Count(out.take(), "\n"), "it was forgotten")
		time.Sleep(time.Hour)
	})
}

// What was counted and not logged yet is logged at the end of a process, once.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		log, err := logging.New(&out, "api", "text", false, slog.LevelInfo, strings.Clone)
		require.NoError(t, err)
		log.Warn("Logged once")
		time.Sleep(time.Second)
		for range 3 {
			log.With("worker", "orders").Warn("Temporal cannot be reached")
			time.Sleep(10 * time.Second)
		}
		log.Warn("Logged once and counted")
		log.Warn("Logged once and counted")
		out.take()
		for range 2 {
			logging.Flush(log.With("other", "attributes"))
		}
		lines := strings.Split(strings.TrimSpace(out.take()), "\n")
		require.Len(t, lines, 2, "%s", lines)
		assert.Contains(t, lines[0], `msg="Temporal cannot be reached" process=api worker=orders times=2 within=30s`)
		assert.Contains(t, lines[1], `msg="Logged once and counted" process=api times=1 within=0s`)
		logging.Flush(slog.New(slog.DiscardHandler))
		time.Sleep(time.Hour)
	})
}

// lockedBuffer is a buffer that timers write to.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// take returns what was written, and forgets it.
func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// Different faults are all logged, and so is everything below a warning.
func TestNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log, err := logging.New(&out, "api", "text", false, slog.LevelInfo, strings.Clone)
		require.NoError(t, err)
		for _, id := range []string{"a1", "a2"} {
			log.Error("Transaction not processed", "transaction", id, "error", errors.New("refused"))
			log.Error("Transaction not processed", "transaction", id, "error", errors.New("reset"))
			log.With("connection", id).Warn("No connection")
			log.Info("Listening")
		}
		assert.Equal(t, 8, strings.Count(out.String(), "\n"), &out)
		time.Sleep(time.Hour)
	})
}

// The keys of a line in JSON are those of docs/operating.md, at the top and in this order, also for a logger with a group.
func TestJSONKeys(t *testing.T) {
	var out bytes.Buffer
	log, err := logging.New(&out, "api", "json", false, slog.LevelInfo, strings.Clone)
	require.NoError(t, err)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	log.With("transaction", "01a2").WithGroup("group").ErrorContext(trace.ContextWithSpanContext(t.Context(), span), "Transaction not read", "error", errors.New("away"))
	documented, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	var keys []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| always|(?m)^\\| `([a-z_]+)` \\| in ").FindAllStringSubmatch(string(documented), -1) {
		keys = append(keys, row[1]+row[2])
	}
	line := map[string]any{}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, []string{"time", "level", "source", "msg", "process", "trace_id", "span_id"}, keys)
	for _, key := range keys {
		assert.Contains(t, line, key)
	}
	assert.Equal(t, "01a2", line["transaction"])
	assert.Equal(t, map[string]any{"error": "away"}, line["group"])
	assert.Len(t, line, len(keys)+2)
	assert.Equal(t, "01000000000000000000000000000000", line["trace_id"])
	assert.Equal(t, "ERROR", line["level"])
	_, err = time.Parse(time.RFC3339Nano, fmt.Sprint(line["time"]))
	assert.NoError(t, err)
}

// BenchmarkWith makes a logger as Temporal's SDK does for each task. If each attribute is written out at once, that takes ten
// times as long.
func BenchmarkWith(b *testing.B) {
	log, err := logging.New(io.Discard, "worker", "text", false, slog.LevelInfo, card.Conceal)
	require.NoError(b, err)
	const id = "01a20824-dd12-7275-9583-01a192dcec83"
	b.ReportAllocs()
	for b.Loop() {
		log.With("Namespace", "default", "TaskQueue", "orders", "WorkerID", "1@host@orders", "WorkflowType", "ProcessTransaction",
			"WorkflowID", "transaction-"+id, "RunID", id, "ActivityID", "11", "ActivityType", "CheckFraud", "Attempt", 1)
	}
}
