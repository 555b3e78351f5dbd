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
	// Deliver hands a message to an address, and returns what the other side said when it took it, in a few words. An
	// error that IsRefused is final. After any other it may be tried again: not sooner than Later says, where it says so.
	Deliver(ctx context.Context, to string, message Message) (answer string, err error)
}

// Message is a notice in the words of one channel.
type Message struct {
	// Key names the message to the other side. It is the same in every try, and another one for each target and each step of
	// an escalation: whoever goes by it takes a message that was sent twice for one.
	Key    string
	Notice Notice

	Subject string // of mail
	Text    string // plain; of chat, the provider's own markup
	HTML    string // of mail
}

// The channels' names. They stand in targets, and so in histories, and in the names of task queues: they must not change.
const (
	Mail    = "mail"
	SMS     = "sms"
	Chat    = "chat"
	Webhook = "webhook"
	Console = "console"
)

// Channels are all names.
var Channels = []string{Mail, SMS, Chat, Webhook, Console}

// Target is whom to tell, and how: a channel's name and an address on it, such as "mail jo@example.com". It stands in
// histories, and means the same under another configuration. Where an address is a secret, as a chat's is, its name in
// the configuration stands for it.
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

// LaterError is the other side's wish not to be asked again for a while.
type LaterError struct {
	By    string
	After time.Duration
	Cause error
}

// Error says who put it off, for how long, and why.
func (e *LaterError) Error() string {
	return fmt.Sprintf("put off by %s for %s: %v", e.By, e.After, e.Cause)
}

// Unwrap gives the other side's own words.
func (e *LaterError) Unwrap() error {
	return e.Cause
}

// Later is how long the other side wishes not to be asked again; 0, it has not said.
func Later(err error) time.Duration {
	if later, ok := errors.AsType[*LaterError](err); ok {
		return later.After
	}
	return 0
}
