// Package channeltest holds tests that every alert.Channel must pass, and stand-ins for the providers behind the
// channels over HTTP, each of them strict about its form.
package channeltest

import (
	"dummyorders/domain/alert"
)

// Subject is a channel under test.
type Subject struct {
	Channel alert.Channel
	To      string
	Far     Far
	// Keyed says that the far side receives the message's key, and Far.Taken returns it.
	Keyed bool
	// Secrets lists what errors and answers must not show.
	Secrets []string
}

// Far is the far side of a channel. Tests control how it behaves.
type Far interface {
	// Behave sets how it treats all messages from now on. It returns false if its protocol has no such behaviour.
	Behave(how Behaviour) bool
	// Asked returns how many tries have reached it, accepted or not.
	Asked() int
	// Taken returns the messages that it accepted, each as often as it did.
	Taken() []Accepted
	// Violations returns what was wrong with the tries.
	Violations() []string
}

// Behaviour is how the far side treats messages.
type Behaviour string

// These are the behaviours.
const (
	Takes          Behaviour = "takes them"
	Refuses        Behaviour = "refuses them for good"
	Gone           Behaviour = "says that it is gone"
	Redirects      Behaviour = "redirects to itself"
	PutsOff        Behaviour = "puts them off for seven seconds"
	PutsOffUntil   Behaviour = "puts them off until a date in 90 seconds"
	PutsOffForLong Behaviour = "puts them off for a day"
	Unavailable    Behaviour = "is unavailable, for seven seconds"
	Busy           Behaviour = "is busy, and does not say for how long"
	Fails          Behaviour = "fails"
	FailsAtLength  Behaviour = "fails, and says megabytes about it"
	Repeats        Behaviour = "fails, and repeats all that it was sent"
	Babbles        Behaviour = "speaks another protocol"
	CutsBefore     Behaviour = "breaks off, and has not taken them"
	CutsAfter      Behaviour = "breaks off, and has taken them"
	Dawdles        Behaviour = "does not answer before the sender is gone"
	Away           Behaviour = "is not there, and never comes back"
)
