// Package routing decides who is told of an alert, and how, by a file that operators write: receivers, routes, mutes and
// windows of time. A file is read and checked as a whole, and decides then without looking at anything but the event and
// the time.
package routing

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
	"dummyorders/domain/money"
	"dummyorders/gateways/chat"
	"dummyorders/gateways/webhook"
	"dummyorders/internal/safetext"
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

// defaultWindow is how long alerts of a group are collected where nobody says.
const defaultWindow = 5 * time.Minute

// defaultBy is what alerts of a group have in common where nobody says, beside their type.
var defaultBy = []string{"card", "reason"}

// grouping is how a receiver's alerts belong together. The nil grouping tells each by itself.
type grouping struct {
	by     []string // beside the type
	window time.Duration
}

// byType may be said, and is always so.
const byType = "type"

// trait is something that alerts of a group have in common: key tells groups apart, and name is for people.
type trait struct{ key, name string }

// traits are what alerts can be grouped by. One that an event does not have has an empty key.
var traits = map[string]func(e alert.Event) trait{
	"card":     card,
	"customer": customer,
	"reason":   reason,
	byType:     func(e alert.Event) trait { return trait{key: string(e.Type)} },
	"outcome":  func(e alert.Event) trait { return named(string(e.Data.Decision.Outcome), "outcome ") },
	"order":    func(e alert.Event) trait { return named(e.Data.OrderID, "order ") },
	"currency": func(e alert.Event) trait { return named(e.Data.Currency, "") },
}

func named(value, what string) trait {
	if value == "" {
		return trait{}
	}
	return trait{key: value, name: what + value}
}

// card is the customer where a payment was not made by a card that can be told from others.
func card(e alert.Event) trait {
	if e.Data.CardFingerprint == "" {
		return customer(e)
	}
	return trait{key: "card " + e.Data.CardFingerprint, name: "card " + e.Data.Card}
}

func customer(e alert.Event) trait {
	if e.Data.CustomerID == "" {
		return trait{}
	}
	return trait{key: "customer " + e.Data.CustomerID, name: "customer " + e.Data.CustomerID}
}

// reason is the first. An event without any is of those without.
func reason(e alert.Event) trait {
	code := e.Member().Reason
	return trait{key: "reason " + code, name: code}
}

// of is the group of an event; nil, it is told by itself, as it is where it lacks what it would be grouped by.
func (g *grouping) of(e alert.Event) *alert.Grouping {
	if g == nil {
		return nil
	}
	key := fmt.Sprintf("type=%q", e.Type.RoutingKey())
	names := []string{e.Type.RoutingKey()}
	for _, by := range g.by {
		common := traits[by](e)
		if common.key == "" {
			return nil
		}
		key += fmt.Sprintf(" %s=%q", by, common.key)
		if common.name != "" {
			names = append(names, common.name)
		}
	}
	return &alert.Grouping{Key: key, Name: safetext.Line(strings.Join(names, ", ")), Window: g.window}
}

// condition is what an event and the time must be: all of it.
type condition []test

// test says why it is not so; empty, it is.
type test func(event alert.Event, at time.Time) string

// misses is the first reason why an event does not meet the condition; empty, it does.
func (c condition) misses(event alert.Event, at time.Time) string {
	for _, t := range c {
		if why := t(event, at); why != "" {
			return why
		}
	}
	return ""
}

// among wants a value of the event to be one of some.
func among(what string, allowed []string, of func(alert.Event) string) test {
	return func(event alert.Event, _ time.Time) string {
		value := of(event)
		switch {
		case slices.Contains(allowed, value):
			return ""
		case value == "":
			return "it has no " + what
		}
		return fmt.Sprintf("%s is %s, not %s", what, safetext.Line(value), strings.Join(allowed, " or "))
	}
}

// scored wants a score from least on and below a bound.
func scored(least, below int) test {
	return func(event alert.Event, _ time.Time) string {
		switch score := event.Data.Decision.Score; {
		case score < least:
			return fmt.Sprintf("score is %d, not %d or more", score, least)
		case score >= below:
			return fmt.Sprintf("score is %d, not below %d", score, below)
		}
		return ""
	}
}

// worth wants an amount of one currency, from least on and below a bound, where there are such. Amounts of other
// currencies are not compared.
func worth(currency money.Currency, least, below *money.Money) test {
	return func(event alert.Event, _ time.Time) string {
		if event.Data.Currency != string(currency) {
			return fmt.Sprintf("amount is in %s, not in %s", safetext.Line(event.Data.Currency), currency)
		}
		amount, err := money.Parse(event.Data.Amount.String(), currency)
		switch {
		case err != nil:
			return "amount is none that can be compared: it " + err.Error()
		case least != nil && amount.Minor < least.Minor:
			return fmt.Sprintf("amount is %s, not %s or more", amount, least)
		case below != nil && amount.Minor >= below.Minor:
			return fmt.Sprintf("amount is %s, not below %s", amount, below)
		}
		return ""
	}
}

// during wants the time to be in a window.
func during(w window) test {
	return func(_ alert.Event, at time.Time) string {
		if w.has(at) {
			return ""
		}
		return fmt.Sprintf("it is %s, not during %s", w.clock(at), w.name)
	}
}

// outside wants the time not to be in a window.
func outside(w window) test {
	return func(_ alert.Event, at time.Time) string {
		if !w.has(at) {
			return ""
		}
		return fmt.Sprintf("it is %s, not outside %s", w.clock(at), w.name)
	}
}

// since wants the time not to be before a moment.
func since(from time.Time) test {
	return func(_ alert.Event, at time.Time) string {
		if !at.Before(from) {
			return ""
		}
		return "it begins at " + from.Format(time.RFC3339)
	}
}

// before wants the time to be before a moment.
func before(until time.Time) test {
	return func(_ alert.Event, at time.Time) string {
		if at.Before(until) {
			return ""
		}
		return "it was over at " + until.Format(time.RFC3339)
	}
}

// window is a span of each of some days, by the clock on a wall: the hour that daylight saving time leaves out is in no
// window, and the one that it repeats is twice in it.
type window struct {
	name string
	zone *time.Location
	days map[time.Weekday]bool
	// from and to are minutes since midnight. Where from is not before to, the window goes on after midnight, and the
	// part there belongs to the day on which it began.
	from, to int
}

const minutesOfADay = 24 * 60

// has says whether a time is in the window.
func (w window) has(at time.Time) bool {
	local := at.In(w.zone)
	now, today := local.Hour()*60+local.Minute(), local.Weekday()
	if w.from < w.to {
		return w.days[today] && w.from <= now && now < w.to
	}
	yesterday := (today + 6) % 7
	return w.days[today] && now >= w.from || w.days[yesterday] && now < w.to
}

// clock is the time where the window is, for people.
func (w window) clock(at time.Time) string {
	return fmt.Sprintf("%s in %s", at.In(w.zone).Format("Mon 15:04"), w.zone)
}

// Current is the configuration of now, such as Source.Current or one that never changes.
type Current func() *Config

var _ alert.Router = Current(nil)

// Route asks the configuration of now, so that all assignments are of one.
func (c Current) Route(event alert.Event, at time.Time) []alert.Assignment {
	return c().Route(event, at)
}

// discreet are faults as they may be logged: where a name should stand, somebody may have written a URL or a secret. What a
// fault repeats of the file, it has in quotes; the rest of it is this program's own words, and stays.
func discreet(faults []yamlfile.Fault) []yamlfile.Fault {
	for i := range faults {
		faults[i].Text = quoted.ReplaceAllStringFunc(faults[i].Text, func(value string) string {
			if secretive(value) {
				return value[:1] + hidden + value[:1]
			}
			return value
		})
	}
	return faults
}

// hidden stands where a secret was.
const hidden = "…"

var (
	// quoted is a value as %q writes it, or a word as the YAML library does.
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^'\s]*'`)
	// addressed is the part of a URL from the scheme or the host on, with its port or its domain, and of a webhook's secret.
	addressed = regexp.MustCompile(`(?i)[.:][^\s/]*/|whsec_`)
	// lump is what may be a key by itself: 24 characters of base64 are 18 bytes. No name that is known here is as long.
	lump = regexp.MustCompile(`[A-Za-z0-9+/=]{24,}`)
)

// secretive says whether a value may be a secret, or hold one. A long word of letters alone is a time zone or a name.
func secretive(value string) bool {
	return addressed.MatchString(value) || slices.ContainsFunc(lump.FindAllString(value, -1), func(word string) bool {
		return strings.ContainsAny(word, "0123456789+=")
	})
}

// offered are names that a fault may list without quotes: what does not look like a name may be a secret.
func offered(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !nameLook.MatchString(name) })
}
