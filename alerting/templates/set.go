// Package templates puts alerts into words: a subject, plain text and HTML for mail, short text for SMS, a chat's markup.
// Operators may supply their own templates; if those fail, the alert is sent with the default words.
package templates

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"dummyorders/domain/alert"
	"dummyorders/gateways/posting"
	"dummyorders/internal/safetext"
)

// Texts are templates in the language of Go's text/template; their data is a View. An empty one means the default. But a
// mail with its own text and no HTML of its own is sent as text only: a mailbox would show the default HTML instead.
type Texts struct {
	Subject string // of mail
	Text    string // of mail, SMS, chat and console; a webhook is sent JSON
	HTML    string // of mail
}

// longestTemplate is the greatest size of one template's source, in bytes.
const longestTemplate = 64 << 10

// Set holds the templates of one channel. Any number of goroutines may use it at once.
type Set struct {
	channel             string
	subject, text, html *part // nil: the default
	alarms              bool  // whether they are for alarms too: they name .Data.Alarm
}

// Parse parses templates that the channel has, and tries them on a sample of every alert, on a digest, on the last alert before
// a throttle, and on an alert that needs an acknowledgement; on alarms only if they name .Data.Alarm, as they are not used for
// alarms otherwise. Its error says for each part what is wrong, and at which line.
func Parse(channel string, t Texts) (*Set, error) {
	s := &Set{channel: channel, alarms: strings.Contains(t.Subject+t.Text+t.HTML, ".Alarm")}
	faults := errors.Join(
		s.compile(&s.subject, "subject", t.Subject), s.compile(&s.text, "text", t.Text), s.compile(&s.html, "html", t.HTML))
	if faults != nil {
		return nil, faults
	}
	if err := s.try(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Set) compile(to **part, name, text string) (err error) {
	switch {
	case text == "":
	case len(text) > longestTemplate:
		err = fmt.Errorf("%s: must not be longer than %d bytes", name, longestTemplate)
	default:
		*to, err = newPart(s.channel, name, text)
	}
	return err
}

// try writes a message of every kind. Its error reports the first sample on which each part fails.
func (s *Set) try() error {
	w := Writer{Links: sampleLinks, Desk: "https://desk.example.com", Subject: "Transaction Fraud Alert"}
	failed := map[string]bool{}
	var faults []error
	for _, sample := range samples(s.channel) {
		if sample.Notice.Event.Data.Alarm != nil && !s.alarms {
			continue
		}
		v := w.view(sample.DeliveryRequest, s.channel, limitsFor(s.channel, 0))
		for _, p := range []*part{s.subject, s.text, s.html} {
			if p == nil || failed[p.name] {
				continue
			}
			if _, err := p.write(v); err != nil {
				failed[p.name] = true
				faults = append(faults, fmt.Errorf("%w (tried on %s)", err, sample.of))
			}
		}
	}
	return errors.Join(faults...)
}

// writing is a message's texts as they are written.
type writing struct{ subject, text, html string }

// write writes a message from the set's templates, and uses defaults for those that the set lacks.
func (s *Set) write(v View, defaults *Set) (m writing, err error) {
	for _, one := range []struct {
		to  *string
		own *part
		or  *part
	}{{&m.subject, s.subject, defaults.subject}, {&m.text, s.text, defaults.text}, {&m.html, s.html, defaults.html}} {
		p := one.own
		if p == nil {
			p = one.or
		}
		if p == nil || one.own == nil && p.name == "html" && s.text != nil {
			continue
		}
		if *one.to, err = p.write(v); err != nil {
			return writing{}, err
		}
	}
	return m, nil
}

// part is one template. Its executions run one at a time because they share a budget; each takes about a millisecond.
type part struct {
	name     string
	channel  string
	template executable

	words []string // plain words in the template's actions

	turn    sync.Mutex
	budget  *budget
	printer printer
}

// write returns the text of one part, or an error if it exceeds its bounds or is empty.
func (p *part) write(v View) (string, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.budget.steps, p.printer = 0, printerFor(v, p.channel, p.words)
	out := &limited{most: mostBytes(v)}
	if err := p.template.Execute(out, v); err != nil {
		return "", explain(p.name, err)
	}
	text := out.text.String()
	if p.channel == alert.Chat {
		text = asCode(text)
	}
	text = strings.TrimSpace(text) + "\n"
	if p.name == "subject" {
		text = safetext.Cut(safetext.Line(text), longestSubject, "…")
	} else if p.channel != alert.Mail {
		text = strings.TrimSuffix(text, "\n")
	}
	if text == "\n" || text == "" {
		return "", fmt.Errorf("%s: writes nothing", p.name)
	}
	if most, bound := mostCharacters[p.channel]; bound && posting.Length(text) > most {
		return "", fmt.Errorf("%s: %w: %d characters, and %s takes %d", p.name, errTooLong, posting.Length(text), p.channel, most)
	}
	return text, nil
}

// longestSubject is the greatest length of a subject, in characters.
const longestSubject = 200

// mostCharacters holds the channels' limits. Twilio rejects an SMS of more than 1600 characters (its error 21617). Slack asks
// for at most 4,000 in a message (https://docs.slack.dev/reference/methods/chat.postMessage), and breaks longer ones into
// several; it truncates only at 40,000, see gateways/chat. posting.Length counts the characters.
var mostCharacters = map[string]int{alert.SMS: 1600, alert.Chat: 3500}

// The greatest size of a text or of HTML, in bytes: half of what a message may hold.
const (
	mostOfAlert  = 32 << 10
	mostOfDigest = 256 << 10
)

func mostBytes(v View) int {
	if v.Digest != nil {
		return mostOfDigest
	}
	return mostOfAlert
}
