package logging_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		require.NoError(t, err)
		log.Error("Not ready", "what", "ledger")
		assert.Equal(t, c.escapes, strings.Contains(out.String(), "\x1b"), "%s, colour %v", c.format, c.colour)
		assert.Contains(t, out.String(), "Not ready", "%s, colour %v", c.format, c.colour)
	}
}
