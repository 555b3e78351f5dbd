package logging_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"dummyorders/internal/logging"
)

// Only the pretty format has colours, and only where they are wanted.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		format          string
		colour, escapes bool
	}{{"pretty", true, true}, {"pretty", false, false}, {"text", true, false}, {"json", true, false}} {
		var out bytes.Buffer
		log, err := logging.New(&out, "api", c.format, c.colour, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		log.Error("Not ready", "what", "ledger")
		if got := strings.Contains(out.String(), "\x1b"); got != c.escapes || !strings.Contains(out.String(), "Not ready") {
			t.Errorf("%s, colour %v: escapes %v: %q", c.format, c.colour, got, out.String())
		}
	}
}
