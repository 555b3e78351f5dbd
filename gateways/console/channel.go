// Package console delivers alerts to whoever reads along: a terminal, or a log that is kept elsewhere.
package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"dummyorders/domain/alert"
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
	text := fmt.Sprintf("── alert %s ──\n%s\n\n", harmless(message.Notice.ID), strings.TrimRight(harmless(message.Text), "\n"))
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

// harmless is the text without what a terminal would obey: an order's name comes from outside.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
