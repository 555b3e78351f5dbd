package velocity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/velocity"
)

// A span is written in the largest unit that fits.
func TestParseSpan(t *testing.T) {
	for text, want := range map[string]struct {
		length  time.Duration
		written string
	}{
		"1m":      {time.Minute, "1m"},
		"90m":     {90 * time.Minute, "90m"},
		"60m":     {time.Hour, "1h"},
		"24h":     {24 * time.Hour, "1d"},
		"25h":     {25 * time.Hour, "25h"},
		"1440m":   {24 * time.Hour, "1d"},
		"30d":     {velocity.MaxWindow, "30d"},
		"999999m": {999999 * time.Minute, "999999m"},
	} {
		length, err := velocity.ParseSpan(text)
		require.NoError(t, err, text)
		require.Equal(t, want.length, length, text)
		require.Equal(t, want.written, velocity.FormatSpan(length), text)
	}
}

// The error quotes the text that is not a span.
func TestParseSpanRefuses(t *testing.T) {
	for _, text := range []string{
		"", "m", "10", "0m", "01m", "-1m", "+1m", "1.5h", "10s", "1w", "1M", "1H", "1 h", " 1h", "1h ", "1h\n", "1h30m", "１h", "1234567m",
	} {
		_, err := velocity.ParseSpan(text)
		require.ErrorContains(t, err, `must be whole minutes, hours or days, such as "10m", "24h" or "30d"`, "%q", text)
	}
	_, err := velocity.ParseSpan("106752d") // too long for a time.Duration
	require.EqualError(t, err, `"106752d" is longer than can be reckoned with: at most 106751d`)
}

func FuzzParseSpan(f *testing.F) {
	for _, text := range []string{"10m", "24h", "30d", "0d", "999999d", "106751d", "-1m", "1h\n", "9223372036854775807m"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		length, err := velocity.ParseSpan(text)
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, length, time.Minute, text)
		require.Zero(t, length%time.Minute, text)
		written := velocity.FormatSpan(length)
		again, err := velocity.ParseSpan(written)
		require.NoError(t, err, "%q %q", text, written)
		require.Equal(t, length, again, "%q %q", text, written)
		require.NotEqual(t, text, strings.TrimRight(text, "mhd"))
	})
}
