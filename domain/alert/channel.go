package alert

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Channel is one way to reach people: mail, SMS, chat, webhook, console.
type Channel interface {
	// Deliver sends a message to an address, and returns in a few words what the other side said when it took it. An error
	// for which IsRefused is true is final. After any other error the delivery may be tried again, but not sooner than Later
	// says.
	Deliver(ctx context.Context, to string, message Message) (answer string, err error)
}

// Message is a notice, written for one channel.
type Message struct {
	// Key identifies the message to the other side. It is the same in every attempt, and differs for each target and each
	// step of an escalation: by it the other side can recognize a message that was sent twice.
	Key    string
	Notice Notice

	Subject string // for mail
	Text    string // plain text; for chat, in the provider's own markup
	HTML    string // for mail
}

// The channels' names. They are used in targets, and so in histories, and in the names of task queues: they must not change.
const (
	Mail    = "mail"
	SMS     = "sms"
	Chat    = "chat"
	Webhook = "webhook"
	Console = "console"
)

// Channels lists the names of all channels, in the order in which faults list them.
var Channels = []string{Mail, SMS, Chat, Webhook, Console}

// Target is a channel's name and an address on it, such as "mail jo@example.com". It is kept in histories, and means the
// same under another configuration. If an address is a secret, as a chat's is, its name in the configuration stands for it.
type Target string

// NewTarget returns the target for an address on a channel.
func NewTarget(channel, address string) Target {
	return Target(channel + " " + address)
}

// Split returns the two parts of a target.
func (t Target) Split() (channel, address string) {
	channel, address, _ = strings.Cut(string(t), " ")
	return channel, address
}

// RefusedError means that the other side refuses for good: trying again would change nothing.
type RefusedError struct {
	By    string // who refused, such as the mail server's name
	Cause error
}

// Error says who refused, and why.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused by %s: %v", e.By, e.Cause)
}

// Unwrap returns the other side's own words.
func (e *RefusedError) Unwrap() error {
	return e.Cause
}

// IsRefused reports whether err means that the other side refuses for good.
func IsRefused(err error) bool {
	_, is := errors.AsType[*RefusedError](err)
	return is
}

// LaterError means that the other side asks not to be contacted again for a while.
type LaterError struct {
	By    string
	After time.Duration
	Cause error
}

// Error says who put it off, for how long, and why.
func (e *LaterError) Error() string {
	return fmt.Sprintf("put off by %s for %s: %v", e.By, e.After, e.Cause)
}

// Unwrap returns the other side's own words.
func (e *LaterError) Unwrap() error {
	return e.Cause
}

// Later returns how long the other side asks not to be contacted again; 0 means that it has not said.
func Later(err error) time.Duration {
	if later, ok := errors.AsType[*LaterError](err); ok {
		return later.After
	}
	return 0
}
