package telemetry

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/time/rate"
)

// concealing is an exporter that masks, in every text of a span, what none may hold: card numbers, mail addresses, and of a URL
// all but its scheme and host. It logs what could not be exported, at most once a minute.
type concealing struct {
	sdktrace.SpanExporter

	conceal   func(string) string
	masked    *lru.Cache[string, string] // the last texts, as text has masked them
	log       *slog.Logger
	lost      int
	sometimes rate.Sometimes
}

// ExportSpans exports masked copies. It is not called twice at the same time, and returns no error: it has logged it.
func (c *concealing) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	masked := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		masked[i] = c.mask(s)
	}
	if err := c.SpanExporter.ExportSpans(ctx, masked); err != nil {
		c.lost += len(spans)
		c.sometimes.Do(func() {
			c.log.WarnContext(ctx, "Spans were not exported and are lost; transactions go on", "spans", c.lost, "error", err)
			c.lost = 0
		})
	}
	return nil
}

func (c *concealing) mask(s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	m := &maskedSpan{ReadOnlySpan: s, name: c.text(s.Name()), status: s.Status(), attributes: c.attributes(s.Attributes())}
	m.status.Description = c.text(m.status.Description)
	for _, event := range s.Events() {
		event.Name, event.Attributes = c.text(event.Name), c.attributes(event.Attributes)
		m.events = append(m.events, event)
	}
	return m
}

// attributes masks values of every kind. What holds nothing to mask stays what it was.
func (c *concealing) attributes(all []attribute.KeyValue) []attribute.KeyValue {
	masked := slices.Clone(all)
	for i, a := range masked {
		text := a.Value.String()
		if changed := c.text(text); changed != text {
			masked[i] = a.Key.String(changed)
		}
	}
	return masked
}

var (
	mailAddress = regexp.MustCompile(`[^\s<>()"',;:=]+@[^\s<>()"',;:=/]+`)
	// afterHost finds a URL's user and password, and all that follows its host: paths of chats' URLs are secrets.
	afterHost = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/?#"'<>]*@)?([^\s/?#"'<>@]+)[^\s"'<>]*`)
)

// mostMasked bounds how many texts are kept.
const mostMasked = 1000

// text masks a text. It keeps the result: a statement comes with each transaction, and takes a tenth of a millisecond to search.
func (c *concealing) text(text string) string {
	masked, kept := c.masked.Get(text)
	if !kept {
		masked = text
		if strings.Contains(masked, "://") {
			masked = afterHost.ReplaceAllString(masked, "$1$2")
		}
		if strings.Contains(masked, "@") {
			masked = mailAddress.ReplaceAllLiteralString(masked, "***")
		}
		masked = c.conceal(masked)
		c.masked.Add(text, masked)
	}
	return masked
}

// maskedSpan is a span with other texts.
type maskedSpan struct {
	sdktrace.ReadOnlySpan

	name       string
	attributes []attribute.KeyValue
	events     []sdktrace.Event
	status     sdktrace.Status
}

// Name returns the masked name.
func (m *maskedSpan) Name() string { return m.name }

// Attributes returns the masked attributes.
func (m *maskedSpan) Attributes() []attribute.KeyValue { return m.attributes }

// Events returns the masked events, errors among them.
func (m *maskedSpan) Events() []sdktrace.Event { return m.events }

// Status returns the status with its masked description.
func (m *maskedSpan) Status() sdktrace.Status { return m.status }
