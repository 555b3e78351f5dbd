// Package logging makes the logger that all parts of a process use.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/lmittmann/tint"
	"go.opentelemetry.io/otel/trace"
)

// Formats lists the values of LOG_FORMAT.
var Formats = []string{"text", "json", "pretty"}

// New returns a logger that writes records of a level and above to w, each with its source line and the process's name.
// Every text passes through conceal, which masks what no log may hold. Only the format pretty uses colour.
func New(w io.Writer, process, format string, colour bool, level slog.Level, conceal func(string) string) (*slog.Logger, error) {
	replace := func(groups []string, a slog.Attr) slog.Attr { return concealed(shortSource(groups, a), conceal) }
	options := &slog.HandlerOptions{Level: level, AddSource: true, ReplaceAttr: replace}
	var handler slog.Handler
	switch format {
	case "text":
		handler = slog.NewTextHandler(w, options)
	case "json":
		handler = slog.NewJSONHandler(w, options)
	case "pretty":
		handler = tint.NewTextHandler(w, &tint.Options{Level: level, AddSource: true, ReplaceAttr: replace, TimeFormat: time.TimeOnly, NoColor: !colour})
	default:
		return nil, fmt.Errorf("log format %q: must be one of %v", format, Formats)
	}
	return slog.New(late{Handler: handler.WithAttrs([]slog.Attr{slog.String("process", process)}), repeats: &repeats{faults: map[string]*fault{}}}), nil
}

// late writes out and conceals a logger's attributes only when something is logged: Temporal's SDK makes a logger with nine
// attributes for each task, and rarely logs.
type late struct {
	slog.Handler // of the process

	repeats *repeats
	with    []func(slog.Handler) slog.Handler
}

// WithAttrs keeps the attributes for later.
func (l late) WithAttrs(attrs []slog.Attr) slog.Handler {
	return late{l.Handler, l.repeats, append(slices.Clip(l.with), func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })}
}

// WithGroup keeps the group for later.
func (l late) WithGroup(name string) slog.Handler {
	return late{l.Handler, l.repeats, append(slices.Clip(l.with), func(h slog.Handler) slog.Handler { return h.WithGroup(name) })}
}

// Handle writes the record, with the trace and the span of ctx if it has one. Warnings and errors that come again and again are counted instead.
func (l late) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		return l.repeats.handle(ctx, l, r)
	}
	return l.write(ctx, r)
}

func (l late) write(ctx context.Context, r slog.Record) error {
	handler := l.Handler
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		handler = handler.WithAttrs([]slog.Attr{
			slog.String("trace_id", span.TraceID().String()), //nolint:sloglint // OpenTelemetry's names
			slog.String("span_id", span.SpanID().String()),   //nolint:sloglint // OpenTelemetry's names
		})
	}
	return l.extend(handler).Handle(ctx, r)
}

// extend returns a handler with the attributes and groups that were kept.
func (l late) extend(handler slog.Handler) slog.Handler {
	for _, with := range l.with {
		handler = with(handler)
	}
	return handler
}

// concealed returns an attribute whose value, as text, has passed through conceal. What conceal leaves stays what it was.
func concealed(a slog.Attr, conceal func(string) string) slog.Attr {
	value := a.Value.Resolve()
	switch value.Kind() {
	case slog.KindString, slog.KindInt64, slog.KindUint64, slog.KindAny:
		if text := fmt.Sprintf("%+v", value.Any()); conceal(text) != text {
			return slog.String(a.Key, conceal(text))
		}
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindTime, slog.KindGroup, slog.KindLogValuer:
	}
	return a
}

// shortSource shortens the source to folder and file: enough to find the line, without the path of the build.
func shortSource(_ []string, a slog.Attr) slog.Attr {
	if source, ok := a.Value.Any().(*slog.Source); ok && a.Key == slog.SourceKey && source != nil {
		short := filepath.Join(filepath.Base(filepath.Dir(source.File)), filepath.Base(source.File))
		return slog.String(slog.SourceKey, fmt.Sprintf("%s:%d", short, source.Line))
	}
	return a
}
