package logging

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"
)

// A fault that comes again is counted, and the count logged after shortestSpan, and then after spans that double up to
// longestSpan, for as long as it comes again. The shortest is longer than the waits between the tries of what is tried again.
const (
	shortestSpan = 2 * time.Minute
	longestSpan  = 10 * time.Minute
	// mostFaults bounds how many faults are counted at once. More are logged each time.
	mostFaults = 1000
)

// repeats logs a warning or an error once, and then only how often it came again. Two records are the same fault if they
// differ in nothing but numbers, times and durations, and the digits of an error.
type repeats struct {
	mu     sync.Mutex
	faults map[string]*fault
}

// fault is one that was logged, and may come again.
type fault struct {
	span  time.Duration
	since time.Time // when it was logged
	times int       // since then
	ctx   context.Context
	log   late
	last  slog.Record // that was not logged
}

// handle logs a record, or counts it.
func (s *repeats) handle(ctx context.Context, l late, r slog.Record) error {
	key := keyOf(ctx, l, r)
	s.mu.Lock()
	known := s.faults[key]
	if known != nil {
		known.times++
		known.ctx, known.log, known.last = context.WithoutCancel(ctx), l, r.Clone()
		s.mu.Unlock()
		return nil
	}
	if len(s.faults) < mostFaults {
		s.faults[key] = &fault{span: shortestSpan, since: time.Now()}
		time.AfterFunc(shortestSpan, func() { s.look(key) })
	}
	s.mu.Unlock()
	return l.write(ctx, r)
}

// look logs how often a fault came again, or forgets one that did not.
func (s *repeats) look(key string) {
	s.mu.Lock()
	known := s.faults[key]
	if known.times == 0 {
		delete(s.faults, key)
		s.mu.Unlock()
		return
	}
	again := known.counted()
	known.span = min(2*known.span, longestSpan)
	time.AfterFunc(known.span, func() { s.look(key) })
	s.mu.Unlock()
	again.write()
}

// counted returns how often a fault came again, and begins to count anew.
func (f *fault) counted() fault {
	again := *f
	f.times, f.since = 0, time.Now()
	return again
}

func (f fault) write() {
	f.last.AddAttrs(slog.Int("times", f.times), slog.Duration("within", time.Since(f.since).Round(time.Second)))
	_ = f.log.write(f.ctx, f.last) // slog drops such errors too
}

// Flush has a logger of New log what it has counted so far. It is for the end of a process.
func Flush(log *slog.Logger) {
	l, ours := log.Handler().(late)
	if !ours {
		return
	}
	var all []fault
	l.repeats.mu.Lock()
	for _, f := range l.repeats.faults {
		if f.times > 0 {
			all = append(all, f.counted())
		}
	}
	l.repeats.mu.Unlock()
	slices.SortFunc(all, func(a, b fault) int { return a.since.Compare(b.since) })
	for _, f := range all {
		f.write()
	}
}

// keyOf returns a record as text, without what differs between two records of the same fault.
func keyOf(ctx context.Context, l late, r slog.Record) string {
	var text bytes.Buffer
	handler := l.extend(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: withoutNumbers}))
	_ = handler.Handle(ctx, r) // a buffer takes everything
	return text.String()
}

var digits = regexp.MustCompile(`\d+`)

func withoutNumbers(groups []string, a slog.Attr) slog.Attr {
	value := a.Value.Resolve()
	switch value.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindDuration, slog.KindTime:
		return slog.Attr{}
	case slog.KindAny, slog.KindString:
		if err, is := value.Any().(error); is || len(groups) == 0 && (a.Key == "error" || a.Key == "Error") {
			text := value.String()
			if is {
				text = err.Error()
			}
			return slog.String(a.Key, digits.ReplaceAllString(text, "#"))
		}
	case slog.KindBool, slog.KindGroup, slog.KindLogValuer:
	}
	return a
}
