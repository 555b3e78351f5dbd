package alert

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Channel is one way to reach people: mail, SMS, chat.
type Channel interface {
	// Deliver tells the receiver at an address. nil means that the other side has accepted it. An error that
	// IsRefused is final; after any other it may be tried again.
	Deliver(ctx context.Context, address string, event Event) error
}

// Target is whom to tell, and how: a channel's name and an address on it, such as "mail jo@example.com". It says all
// there is to know, so that it means the same under another configuration.
type Target string

// NewTarget names an address on a channel.
func NewTarget(channel, address string) Target {
	return Target(channel + " " + address)
}

// Split takes a target apart.
func (t Target) Split() (channel, address string) {
	channel, address, _ = strings.Cut(string(t), " ")
	return channel, address
}

// RefusedError is the other side's final no: trying again would change nothing.
type RefusedError struct {
	By    string // who refused, such as the mail server's name
	Cause error
}

// Error says who refused, and why.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused by %s: %v", e.By, e.Cause)
}

// Unwrap gives the other side's own words.
func (e *RefusedError) Unwrap() error {
	return e.Cause
}

// IsRefused says whether err is the other side's final no.
func IsRefused(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused)
}
