package templates

import (
	"embed"
	"fmt"
	"log/slog"
	"path"
	"strings"

	"dummyorders/domain/alert"
)

// Writer writes messages from the operator's templates, or from the defaults if there are none or they fail. It implements
// alert.Writer.
type Writer struct {
	Links   alert.Links
	Subject string // how a mail's subject begins
	Desk    string // where browsers reach the desk; empty if messages have no link to it
	// Choose returns the templates of a receiver for a target. If Choose is nil or returns nil, the defaults are used.
	Choose func(receiver string, target alert.Target) *Set
	Log    *slog.Logger
}

// Write puts a notice into words. If the operator's templates fail, it logs that, and the message has the default words.
// It returns an error only if the defaults fail, and no such case is known.
func (w *Writer) Write(t alert.DeliveryRequest) (alert.Message, error) {
	channel, _ := t.Target.Split()
	if _, known := defaults[channel]; !known {
		channel = alert.Console
	}
	m := alert.Message{Notice: t.Notice}
	written, err := w.own(t, channel)
	if err != nil {
		w.log().Error("The templates failed; the default words are used", "alert", t.Notice.ID, "receiver", t.Receiver,
			"channel", channel, "error", err)
	}
	if err != nil || written == (writing{}) {
		written, err = w.byDefault(t, channel)
	}
	if err != nil {
		return alert.Message{}, fmt.Errorf("write alert %s for %s: %w", t.Notice.ID, t.Target, err)
	}
	m.Subject, m.Text, m.HTML = written.subject, written.text, written.html
	return m, nil
}

// own returns a message from the operator's templates, or an empty one if there are none.
func (w *Writer) own(t alert.DeliveryRequest, channel string) (writing, error) {
	if w.Choose == nil {
		return writing{}, nil
	}
	set := w.Choose(t.Receiver, t.Target)
	if set == nil || set.channel != channel || t.Notice.Event.Data.Alarm != nil && !set.alarms {
		return writing{}, nil
	}
	v := w.view(t, channel, limitsFor(channel, 0))
	m, err := set.write(v, defaults[channel])
	if err != nil || !v.Test {
		return m, err
	}
	return m.markedAsTest(v.Headline), nil
}

// markedAsTest adds to a message that it is a test, where its template does not say so.
func (m writing) markedAsTest(headline string) writing {
	if !strings.Contains(m.text, headline) {
		m.text = headline + "\n\n" + m.text
	}
	if m.subject != "" && !strings.Contains(strings.ToLower(m.subject), "test") {
		m.subject = "Test: " + m.subject
	}
	if m.html != "" && !strings.Contains(m.html, headline) {
		m.html = "<p><b>" + headline + "</b></p>\n" + m.html
	}
	return m
}

// byDefault writes a message from the defaults. It shortens values, and lists less of a digest, until the message fits;
// the message says how many it leaves out.
func (w *Writer) byDefault(t alert.DeliveryRequest, channel string) (m writing, err error) {
	for halvings := range mostHalvings {
		v := w.view(t, channel, limitsFor(channel, halvings))
		if m, err = defaults[channel].write(v, defaults[channel]); err == nil {
			return m, nil
		}
	}
	return writing{}, err
}

func (w *Writer) log() *slog.Logger {
	if w.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return w.Log
}

// mostHalvings is how many sizes byDefault tries. The last leaves about 15 characters of a value, and no list.
const mostHalvings = 6

// members is how many of a digest's alerts a message lists.
var members = map[string]int{alert.Mail: 1000, alert.Chat: 20, alert.Console: 20}

// reviewLinks is how many reviews of a digest a message links to. Each link has about 200 characters.
var reviewLinks = map[string]int{alert.Mail: 100, alert.Chat: 3, alert.Console: 20}

// limitsFor returns the limits of a message after it was too long halvings times.
func limitsFor(channel string, halvings int) limits {
	r := limits{value: longestValue >> halvings, list: members[channel] >> halvings, links: reviewLinks[channel] >> halvings}
	if halvings == mostHalvings-1 {
		r.list = 0
	}
	return r
}

//go:embed default
var files embed.FS

// defaults holds each channel's default templates.
var defaults = map[string]*Set{
	alert.Mail:    mustCompile(alert.Mail, Texts{Subject: "{{.Subject}}", Text: file("mail.txt"), HTML: file("mail.html")}),
	alert.SMS:     mustCompile(alert.SMS, Texts{Text: file("sms.txt")}),
	alert.Chat:    mustCompile(alert.Chat, Texts{Text: file("chat.txt")}),
	alert.Console: mustCompile(alert.Console, Texts{Text: file("mail.txt")}),
	alert.Webhook: mustCompile(alert.Webhook, Texts{Text: "{{.Title}}"}),
}

func file(name string) string {
	text, err := files.ReadFile(path.Join("default", name))
	if err != nil {
		panic(err)
	}
	return string(text)
}

func mustCompile(channel string, t Texts) *Set {
	s := &Set{channel: channel}
	for _, err := range []error{
		s.compile(&s.subject, "subject", t.Subject), s.compile(&s.text, "text", t.Text), s.compile(&s.html, "html", t.HTML),
	} {
		if err != nil {
			panic(err)
		}
	}
	return s
}
