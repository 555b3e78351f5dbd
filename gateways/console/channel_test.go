package console_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/console"
)

func message(id, text string) alert.Message {
	return alert.Message{Notice: alert.Notice{ID: id}, Text: text}
}

// A message is written below the name of its alert.
func TestDeliver(t *testing.T) {
	var out bytes.Buffer
	answer, err := console.New(&out).Deliver(t.Context(), "-", message("0199-1", "order 1234 declined\n\tü 𝄞\n"))
	require.NoError(t, err)
	assert.Equal(t, "written", answer)
	assert.Equal(t, "── alert 0199-1 ──\norder 1234 declined\n\tü 𝄞\n\n", out.String())
}

// A message cannot control a terminal.
func TestDeliverRemovesControls(t *testing.T) {
	var out bytes.Buffer
	_, err := console.New(&out).Deliver(t.Context(), "-", message("1\x1b[2J", "a\x1b]0;title\x07b\rc\x9bd"))
	require.NoError(t, err)
	assert.NotContains(t, out.String(), "\x1b")
	assert.Contains(t, out.String(), "a�]0;title�b�c�d")
}

// pieces records each write separately. Like a plain writer, it is not safe for concurrent use.
type pieces []string

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, string(b))
	return len(b), nil
}

// Messages that come at once are written one after the other.
func TestDeliverConcurrently(t *testing.T) {
	var out pieces
	c := console.New(&out)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := c.Deliver(t.Context(), "-", message("1", "a\nb"))
			assert.NoError(t, err)
		})
	}
	all.Wait()
	require.Len(t, out, 20)
	assert.Equal(t, strings.Repeat("── alert 1 ──\na\nb\n\n", 20), strings.Join(out, ""))
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A message that could not be written is tried again.
func TestDeliverWriteError(t *testing.T) {
	_, err := console.New(broken{}).Deliver(t.Context(), "-", message("1", "text"))
	require.ErrorContains(t, err, "write to the console: no space left on device")
	assert.False(t, alert.IsRefused(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	_, err = console.New(&out).Deliver(ctx, "-", message("1", "text"))
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, out.String())
}
