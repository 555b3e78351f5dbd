// Package channeltest holds what every alert.Channel has to do, as tests, and stand-ins for the providers behind the
// channels over HTTP, each strict about its form.
package channeltest

import (
	"dummyorders/domain/alert"
)

// Subject is a channel under test.
type Subject struct {
	Channel alert.Channel
	To      string
	Far     Far
	// Keyed says that the far side is told the message's key, and Far.Taken names it.
	Keyed bool
	// Secrets are what no error and no answer may show.
	Secrets []string
}

// Far is the far side of a channel, which does as it is told.
type Far interface {
	// Behave makes it meet all messages from now on that way. It is false where its protocol knows no such thing.
	Behave(how Behaviour) bool
	// Asked is how many tries have reached it, taken or not.
	Asked() int
	// Taken are the messages that it took, each as often as it did.
	Taken() []Accepted
	// Violations are what was wrong with the tries.
	Violations() []string
}

// Behaviour is how the far side meets messages.
type Behaviour string

// The behaviours.
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
	Repeats        Behaviour = "fails, and repeats all that it was told"
	Babbles        Behaviour = "speaks another protocol"
	CutsBefore     Behaviour = "breaks off, and has not taken them"
	CutsAfter      Behaviour = "breaks off, and has taken them"
	Dawdles        Behaviour = "does not answer before the sender is gone"
	Away           Behaviour = "is not there, and never comes back"
)
