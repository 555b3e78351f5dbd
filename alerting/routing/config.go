// Package routing decides who receives an alert, and how, from a file that operators write: receivers, routes, mutes and
// time windows. It reads and checks the file as a whole; after that a decision depends only on the event and the time.
package routing

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/gateways/chat"
	"dummyorders/gateways/webhook"
	"dummyorders/internal/safetext"
	"dummyorders/internal/yamlfile"
)

// Config holds who receives which alerts. It holds secrets, and shows none. Any number of goroutines may use it at once.
type Config struct {
	receivers map[string]*receiver
	names     []string // of the receivers, in the file's order
	mutes     []mute
	routes    []route
	chats     map[string]chat.Endpoint
	webhooks  map[string]webhook.Endpoint

	file     string // empty if the configuration was not read from one
	uses     []channelUse
	warnings []yamlfile.Fault
	digest   string // of the file and all files that it names; empty if the configuration was not read from a file
}

var _ alert.Router = (*Config)(nil)

// receiver holds whom to alert, and how.
type receiver struct {
	name     string
	targets  []alert.Target
	group    *groupRule
	throttle *alert.Throttle
	within   time.Duration // time limit to acknowledge; 0 if no acknowledgement is needed
	then     string        // the receiver to escalate to; empty if there is none
	wordings map[string]*templates.Set
}

// channelUse records that a receiver uses a channel, and where the file says so.
type channelUse struct {
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

// ToMail returns a Config that sends every alert to one receiver, mail: each address and each alert separately.
func ToMail(addresses []string) *Config {
	c := newConfig()
	to := &receiver{name: alert.Mail}
	for _, address := range addresses {
		if target := alert.NewTarget(alert.Mail, address); !slices.Contains(to.targets, target) {
			to.targets = append(to.targets, target)
		}
	}
	c.receivers[to.name], c.names = to, []string{to.name}
	c.routes = []route{{name: "all", receivers: c.names}}
	return c
}

// Format shows no secret, whatever the verb.
func (c Config) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprint(state, "routing.Config")
}

// digestShown is how much of a digest Summary shows: enough to distinguish files by eye.
const digestShown = len("sha256:") + 12

// Digest returns the digest of the file and of all files that it names. It is empty if the configuration was not read from a
// file.
func (c *Config) Digest() string { return c.digest }

// Outline names what is in a configuration.
type Outline struct {
	Receivers []string `json:"receivers"`
	Routes    []string `json:"routes"`
	Mutes     []string `json:"mutes"`
	Digest    string   `json:"digest,omitempty"`
}

// Outline returns the names of all receivers, routes and mutes, in the file's order.
func (c *Config) Outline() Outline {
	o := Outline{Receivers: c.Receivers(), Routes: []string{}, Mutes: []string{}, Digest: c.digest}
	for _, r := range c.routes {
		o.Routes = append(o.Routes, r.name)
	}
	for _, m := range c.mutes {
		o.Mutes = append(o.Mutes, m.name)
	}
	return o
}

// Summary describes the configuration in one line.
func (c *Config) Summary() string {
	text := fmt.Sprintf("%s, %s, %s", plural(len(c.names), "receiver"), plural(len(c.routes), "route"), plural(len(c.mutes), "mute"))
	if c.digest == "" {
		return text
	}
	return text + ", " + c.digest[:digestShown]
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Warnings returns what is odd about the file, but does not prevent its use.
func (c *Config) Warnings() []yamlfile.Fault {
	return slices.Clone(c.warnings)
}

// Needs returns a fault for each use of a channel that is not set up, at its place in the file. lacking holds these
// channels, and what alertman must be started with for each, such as names of variables.
func (c *Config) Needs(lacking map[string]string) yamlfile.Faults {
	var faults []yamlfile.Fault
	for _, u := range c.uses {
		if with, is := lacking[u.channel]; is {
			u.at.Text = fmt.Sprintf("%s cannot be used: alertman must be started with %s", u.channel, with)
			faults = append(faults, u.at)
		}
	}
	return yamlfile.Bounded(faults)
}

// Receivers returns the names of all receivers, in the file's order.
func (c *Config) Receivers() []string {
	return slices.Clone(c.names)
}

// Receiver returns an assignment to test a receiver: only to its own targets, at once, and with no acknowledgement. It
// reports whether there is a receiver of that name.
func (c *Config) Receiver(name string) (alert.Assignment, bool) {
	r, known := c.receivers[name]
	if !known {
		return alert.Assignment{}, false
	}
	step := alert.Step{Receiver: name, Targets: slices.Clone(r.targets)}
	return alert.Assignment{Receiver: name, Route: "test", Steps: []alert.Step{step}}, true
}

// Chat returns a chat endpoint by its name, such as "fraud-team/chat".
func (c *Config) Chat(endpoint string) (chat.Endpoint, bool) {
	found, known := c.chats[endpoint]
	return found, known
}

// Webhook returns a webhook endpoint by its name, such as "fraud-team/webhook".
func (c *Config) Webhook(endpoint string) (webhook.Endpoint, bool) {
	found, known := c.webhooks[endpoint]
	return found, known
}

// Wording returns the receiver's templates for the target's channel, or nil for the default words.
func (c *Config) Wording(receiver string, target alert.Target) *templates.Set {
	r, known := c.receivers[receiver]
	if !known {
		return nil
	}
	channel, _ := target.Split()
	return r.wordings[channel]
}

// defaultWindow is how long alerts of a group are collected by default.
const defaultWindow = 5 * time.Minute

// defaultBy is what alerts of a group have in common by default, besides their type.
var defaultBy = []string{"card", "reason"}

// groupRule is how a receiver's alerts are grouped. With a nil groupRule each alert is sent separately.
type groupRule struct {
	by     []string // besides the type
	window time.Duration
}

// byType and byMerchant may be written in the file, and always apply: no group has alerts of two merchants.
const (
	byType     = "type"
	byMerchant = "merchant"
)

// trait is something that alerts of a group have in common: key distinguishes groups, and name is for people.
type trait struct{ key, name string }

// traits are what alerts can be grouped by. A trait that an event lacks has an empty key.
var traits = map[string]func(e alert.Event) trait{
	"card":     card,
	"customer": customer,
	"reason":   reason,
	byType:     func(e alert.Event) trait { return trait{key: string(e.Type)} },
	byMerchant: func(e alert.Event) trait { return named(identity.MerchantOf(e.Data.Merchant), "merchant ") },
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

// card returns the event's card, or its customer if the payment has no card fingerprint to distinguish cards by.
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

// reason returns the event's first reason. Events without a reason form one group.
func reason(e alert.Event) trait {
	code := e.Member().Reason
	return trait{key: "reason " + code, name: code}
}

// of returns the group of an event, or nil to send it separately, which is so if it lacks a trait to group by.
func (g *groupRule) of(e alert.Event) *alert.Grouping {
	if g == nil {
		return nil
	}
	key := fmt.Sprintf("type=%q", e.Type.RoutingKey())
	names, all := []string{e.Type.RoutingKey()}, g.by
	switch identity.MerchantOf(e.Data.Merchant) {
	case identity.DefaultMerchant, identity.NoMerchant: // keys of before there were merchants stay
	default:
		all = append([]string{byMerchant}, all...)
	}
	for _, by := range all {
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

// condition is a list of tests that an event and the time must all pass.
type condition []test

// test is a part of a condition. says is what must hold, in words; fails returns why the event or the time fails, or "" if they pass.
type test struct {
	says  string
	fails func(event alert.Event, at time.Time) string
}

// misses returns the first reason why an event does not meet the condition, or "" if it does.
func (c condition) misses(event alert.Event, at time.Time) string {
	for _, t := range c {
		if why := t.fails(event, at); why != "" {
			return why
		}
	}
	return ""
}

// words says what must hold.
func (c condition) words() []string {
	all := make([]string, len(c))
	for i, t := range c {
		all[i] = t.says
	}
	return all
}

// among returns a test that a value of the event is one of those allowed.
func among(what string, allowed []string, of func(alert.Event) string) test {
	choice := strings.Join(allowed, " or ")
	return test{what + " is " + choice, func(event alert.Event, _ time.Time) string {
		value := of(event)
		switch {
		case slices.Contains(allowed, value):
			return ""
		case value == "":
			return "it has no " + what
		}
		return fmt.Sprintf("%s is %s, not %s", what, safetext.Line(value), choice)
	}}
}

// scored returns a test that the score is at least least, and below below.
func scored(least, below int) test {
	says := fmt.Sprintf("score is %d or more", least)
	switch {
	case least == 0:
		says = fmt.Sprintf("score is below %d", below)
	case below <= fraud.MaxScore:
		says += fmt.Sprintf(" and below %d", below)
	}
	return test{says, func(event alert.Event, _ time.Time) string {
		switch score := event.Data.Decision.Score; {
		case event.Data.Alarm != nil:
			return "an alarm has no score"
		case score < least:
			return fmt.Sprintf("score is %d, not %d or more", score, least)
		case score >= below:
			return fmt.Sprintf("score is %d, not below %d", score, below)
		}
		return ""
	}}
}

// worth returns a test that the amount is in the currency, at least least, and below below; a nil bound is not tested.
// Amounts in other currencies are not compared: they fail the test.
func worth(currency money.Currency, least, below *money.Money) test {
	var bounds []string
	if least != nil {
		bounds = append(bounds, least.String()+" or more")
	}
	if below != nil {
		bounds = append(bounds, "below "+below.String())
	}
	return test{"amount is " + strings.Join(bounds, " and "), func(event alert.Event, _ time.Time) string {
		switch event.Data.Currency {
		case string(currency):
		case "":
			return "it has no amount"
		default:
			return fmt.Sprintf("amount is in %s, not in %s", safetext.Line(event.Data.Currency), currency)
		}
		amount, err := money.FromWire(event.Data.Wire)
		switch {
		case err != nil:
			return "amount is none that can be compared: it " + err.Error()
		case least != nil && amount.Minor < least.Minor:
			return fmt.Sprintf("amount is %s, not %s or more", amount, least)
		case below != nil && amount.Minor >= below.Minor:
			return fmt.Sprintf("amount is %s, not below %s", amount, below)
		}
		return ""
	}}
}

// during returns a test that the time is in a window.
func during(w window) test {
	return test{"it is during " + w.name, func(_ alert.Event, at time.Time) string {
		if w.has(at) {
			return ""
		}
		return fmt.Sprintf("it is %s, not during %s", w.clock(at), w.name)
	}}
}

// outside returns a test that the time is not in a window.
func outside(w window) test {
	return test{"it is outside " + w.name, func(_ alert.Event, at time.Time) string {
		if !w.has(at) {
			return ""
		}
		return fmt.Sprintf("it is %s, not outside %s", w.clock(at), w.name)
	}}
}

// since returns a test that the time is not before a moment.
func since(from time.Time) test {
	return test{"it is " + from.Format(time.RFC3339) + " or later", func(_ alert.Event, at time.Time) string {
		if !at.Before(from) {
			return ""
		}
		return "it begins at " + from.Format(time.RFC3339)
	}}
}

// before returns a test that the time is before a moment.
func before(until time.Time) test {
	return test{"it is before " + until.Format(time.RFC3339), func(_ alert.Event, at time.Time) string {
		if at.Before(until) {
			return ""
		}
		return "it was over at " + until.Format(time.RFC3339)
	}}
}

// window is a span of time on certain weekdays, by local wall-clock time: the hour that daylight saving time skips is in
// no window, and the hour that it repeats is in the window both times.
type window struct {
	name string
	zone *time.Location
	days map[time.Weekday]bool
	// from and to are minutes since midnight. If from is not before to, the window continues after midnight, and that
	// part belongs to the day on which it began.
	from, to int
}

const minutesOfADay = 24 * 60

// has reports whether a time is in the window.
func (w window) has(at time.Time) bool {
	local := at.In(w.zone)
	now, today := local.Hour()*60+local.Minute(), local.Weekday()
	if w.from < w.to {
		return w.days[today] && w.from <= now && now < w.to
	}
	yesterday := (today + 6) % 7
	return w.days[today] && now >= w.from || w.days[yesterday] && now < w.to
}

// clock returns the time in the window's zone, for people.
func (w window) clock(at time.Time) string {
	return fmt.Sprintf("%s in %s", at.In(w.zone).Format("Mon 15:04"), w.zone)
}

// Current returns the configuration now in force, such as Source.Current or one that never changes.
type Current func() *Config

var _ alert.Router = Current(nil)

// Route uses the configuration now in force, so that all assignments come from the same one.
func (c Current) Route(event alert.Event, at time.Time) []alert.Assignment {
	return c().Route(event, at)
}

// redacted removes what may be secret from faults, so that they may be logged: an operator may have written a URL or a
// secret in the place of a name. A fault quotes what it repeats of the file; the rest is this program's own words, and
// stays.
func redacted(faults []yamlfile.Fault) []yamlfile.Fault {
	for i := range faults {
		faults[i].Text = quoted.ReplaceAllStringFunc(faults[i].Text, func(value string) string {
			if mayBeSecret(value) {
				return value[:1] + hidden + value[:1]
			}
			return value
		})
	}
	return faults
}

// hidden replaces a secret.
const hidden = "…"

var (
	// quoted matches a value as %q writes it, or a word as the YAML library does.
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^'\s]*'`)
	// addressed matches the part of a URL from a dot or colon in its scheme or host to the next slash, or the start of a
	// webhook's secret.
	addressed = regexp.MustCompile(`(?i)[.:][^\s/]*/|whsec_`)
	// lump matches what may be a key by itself: 24 characters of base64 are 18 bytes. No name known here is that long.
	lump = regexp.MustCompile(`[A-Za-z0-9+/=]{24,}`)
)

// mayBeSecret reports whether a value may be a secret, or contain one. A long word of letters alone is a time zone or a name.
func mayBeSecret(value string) bool {
	return addressed.MatchString(value) || slices.ContainsFunc(lump.FindAllString(value, -1), func(word string) bool {
		return strings.ContainsAny(word, "0123456789+=")
	})
}

// safeNames returns the names that a fault may list without quotes: text that does not look like a name may be a secret.
func safeNames(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !nameLook.MatchString(name) })
}
