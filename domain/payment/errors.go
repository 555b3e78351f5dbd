package payment

import (
	"errors"
	"fmt"
	"time"
)

// DeclinedError is a gateway's final no: nothing was done, and asking again changes nothing.
type DeclinedError struct {
	Gateway string
	Code    string      // the gateway's own word, such as insufficient_funds
	Reason  DeclineCode // what that means; empty where the gateway's word is not known
	Detail  string      // for people, where the word does not say enough; may be empty
}

// Error says who declined, and why.
func (e *DeclinedError) Error() string {
	text := fmt.Sprintf("gateway %s declined: %s", e.Gateway, e.Code)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// TemporaryError is a gateway's no for now: this call did nothing, and asking again may help. It does not say what an
// earlier call under the same key did.
type TemporaryError struct {
	Gateway string
	Code    string        // the gateway's own word, such as rate_limit
	After   time.Duration // when to ask again; 0 where the gateway did not say
}

// Error says who cannot, and why.
func (e *TemporaryError) Error() string {
	return fmt.Sprintf("gateway %s cannot now: %s", e.Gateway, e.Code)
}

// UnknownError means that nobody knows whether the gateway did what it was asked to. Only asking again under the same
// key settles it.
type UnknownError struct {
	Gateway string
	Err     error
}

// Error says who did not answer, and what came instead.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("gateway %s gave no answer, and what it did is unknown: %v", e.Gateway, e.Err)
}

// Unwrap is what came instead of an answer.
func (e *UnknownError) Unwrap() error { return e.Err }

// CapturedError refuses a void: the money was taken already, and only a refund gives it back.
type CapturedError struct {
	Gateway         string
	AuthorizationID string
}

// Error says what was taken.
func (e *CapturedError) Error() string {
	return fmt.Sprintf("gateway %s has taken the money of authorization %s already", e.Gateway, e.AuthorizationID)
}

// ReasonOf returns why a gateway has declined, and GenericDecline where it does not say so.
func ReasonOf(err error) DeclineCode {
	declined, _ := errors.AsType[*DeclinedError](err)
	if declined == nil {
		return GenericDecline
	}
	return NewDecline(declined.Reason).Code
}

// IsDeclined says whether err is a gateway's final no.
func IsDeclined(err error) bool {
	return errors.As(err, new(*DeclinedError))
}

// IsTemporary says whether err is a gateway's no for now.
func IsTemporary(err error) bool {
	return errors.As(err, new(*TemporaryError))
}

// IsCaptured says whether err refuses a void because the money was taken.
func IsCaptured(err error) bool {
	return errors.As(err, new(*CapturedError))
}

// IsUnknown says whether err leaves it unknown what the gateway did.
func IsUnknown(err error) bool {
	return errors.As(err, new(*UnknownError))
}
