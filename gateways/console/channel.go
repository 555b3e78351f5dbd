// Package console delivers alerts to whoever reads along: a terminal, or a log that is kept elsewhere.
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

// Channel writes messages one after the other. Its one address is "-".
type Channel struct {
	mu sync.Mutex
	to io.Writer
}

// New writes to w, which need not be safe for use by several at once.
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
