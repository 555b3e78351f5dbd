// Package console delivers alerts to a terminal, or to a log that is kept elsewhere.
package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"dummyorders/domain/alert"
	"dummyorders/internal/safetext"
)

// Channel writes messages one after another. Its only address is "-".
type Channel struct {
	mu sync.Mutex
	to io.Writer
}

// New returns a Channel that writes to w, which need not be safe for concurrent use.
func New(w io.Writer) *Channel {
	return &Channel{to: w}
}

// Deliver writes the message's text in one piece, below a line that names the alert.
func (c *Channel) Deliver(ctx context.Context, _ string, message alert.Message) (string, error) {
	text := fmt.Sprintf("── alert %s ──\n%s\n\n", safetext.Block(message.Notice.ID), strings.TrimRight(safetext.Block(message.Text), "\n"))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("write to the console: %w", err)
	}
	if _, err := io.WriteString(c.to, text); err != nil {
		return "", fmt.Errorf("write to the console: %w", err)
	}
	return "written", nil
}
