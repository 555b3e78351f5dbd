// Package routing decides who is told of an alert, and how, by a file that operators write: receivers, routes, mutes and
// windows of time. A file is read and checked as a whole, and decides then without looking at anything but the event and
// the time.
package routing

import (
	"fmt"
	"slices"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/gateways/chat"
	"dummyorders/gateways/templates"
	"dummyorders/gateways/webhook"
	"dummyorders/internal/yamlfile"
)

// Config is who is told of what. It holds secrets, and shows none. Any number of goroutines may use it at once.
type Config struct {
	receivers map[string]*receiver
	names     []string // of the receivers, in the order of the file
	mutes     []mute
	routes    []route
	chats     map[string]chat.Endpoint
	webhooks  map[string]webhook.Endpoint

	uses     []use
	warnings []yamlfile.Fault
	digest   string // of the file and all that it names; empty for what is of no file
}

var _ alert.Router = (*Config)(nil)

// receiver is whom to tell, and how.
type receiver struct {
	name     string
	targets  []alert.Target
	group    *grouping
	throttle *alert.Throttle
	within   time.Duration // to acknowledge in; 0, nobody has to
	then     string        // the receiver that is told next; empty, none
	wordings map[string]*templates.Set
}

// use is that a receiver is told by a channel, and where that stands.
type use struct {
	channel string
	at      yamlfile.Fault // without a text
}

func newConfig() *Config {
	return &Config{
		receivers: map[string]*receiver{},
		chats:     map[string]chat.Endpoint{},
		webhooks:  map[string]webhook.Endpoint{},
	}
}

// ToMail tells one receiver, mail, of everything: each address by itself, each alert by itself.
func ToMail(addresses []string) *Config {
	c := newConfig()
	to := &receiver{name: alert.Mail}
	for _, address := range addresses {
		if target := alert.NewTarget(alert.Mail, address); !slices.Contains(to.targets, target) {
			to.targets = append(to.targets, target)
		}
	}
	c.receivers[to.name], c.names = to, []string{to.name}
	c.routes = []route{{name: "all", tell: c.names}}
	return c
}

// Format shows no secret, whatever the verb.
func (c Config) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, "routing.Config")
}

// digestShown is enough of a digest to tell files apart by eye.
const digestShown = len("sha256:") + 12

// Summary is the configuration in one line.
func (c *Config) Summary() string {
	text := fmt.Sprintf("%s, %s, %s", many(len(c.names), "receiver"), many(len(c.routes), "route"), many(len(c.mutes), "mute"))
	if c.digest == "" {
		return text
	}
	return text + ", " + c.digest[:digestShown]
}

func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Warnings are what is odd about the file and does not keep it from being used.
func (c *Config) Warnings() []yamlfile.Fault {
	return slices.Clone(c.warnings)
}

// Needs are faults, each at its place: a receiver is told by a channel that is not set up. lacking says for each of these
// channels what alertman must be started with, such as names of variables.
func (c *Config) Needs(lacking map[string]string) yamlfile.Faults {
	var faults []yamlfile.Fault
	for _, u := range c.uses {
		if with, is := lacking[u.channel]; is {
			u.at.Text = fmt.Sprintf("nobody can be told by %s: alertman must be started with %s", u.channel, with)
			faults = append(faults, u.at)
		}
	}
	return yamlfile.Bounded(faults)
}

// Receivers are the names of all, in the order of the file.
func (c *Config) Receivers() []string {
	return slices.Clone(c.names)
}

// Receiver is an assignment to a receiver by its name, to try it: its own targets alone, at once, and nobody has to
// acknowledge.
func (c *Config) Receiver(name string) (alert.Assignment, bool) {
	r, known := c.receivers[name]
	if !known {
		return alert.Assignment{}, false
	}
	step := alert.Step{Receiver: name, Targets: slices.Clone(r.targets)}
	return alert.Assignment{Receiver: name, Route: "test", Steps: []alert.Step{step}}, true
}

// Chat is an endpoint by its name, such as "fraud-team/chat".
func (c *Config) Chat(endpoint string) (chat.Endpoint, bool) {
	found, known := c.chats[endpoint]
	return found, known
}

// Webhook is an endpoint by its name, such as "fraud-team/webhook".
func (c *Config) Webhook(endpoint string) (webhook.Endpoint, bool) {
	found, known := c.webhooks[endpoint]
	return found, known
}

// Wording is how a receiver wants to be told on the target's channel; nil, in the default words.
func (c *Config) Wording(receiver string, target alert.Target) *templates.Set {
	r, known := c.receivers[receiver]
	if !known {
		return nil
	}
	channel, _ := target.Split()
	return r.wordings[channel]
}
