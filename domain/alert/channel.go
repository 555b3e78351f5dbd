package alert

import (
	"context"
	"errors"
	"fmt"
)

// Channel is one way to reach people: mail, SMS, chat.
type Channel interface {
	// Deliver tells the channel's receivers. nil means that the other side has accepted it. An error that IsRefused
	// is final; after any other it may be tried again.
	Deliver(ctx context.Context, event Event) error
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
