// Package reload keeps what a running process has read from files in step with these files.
package reload

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"dummyorders/internal/yamlfile"
)

const (
	// lookEvery is how often the files are checked for changes.
	lookEvery = 2 * time.Second
	// reportEvery is how often it is reported again that the files cannot be used.
	reportEvery = time.Minute
)

// Files reads a T from files. Its methods are never called concurrently.
type Files[T any] interface {
	// State returns a value that stands for the contents of all files that the last Read found or looked for. A file
	// that cannot be read counts as a state too.
	State() string
	// Read reads the files. An error other than [yamlfile.Faults] may go away without a change of the files.
	Read() (*T, error)
	// Taken is called when what was read comes into use, in place of was, which is nil at first. It reports whether the
	// two differ.
	Taken(ctx context.Context, is, was *T) bool
	// Refused is called when the files cannot be used, at once and then from time to time. stays is what stays in use.
	Refused(ctx context.Context, why error, stays *T)
	// Restored is called when the files match what is in use again after they were refused.
	Restored(ctx context.Context, stays *T)
}

// Source holds what was read from files that may change. It is always complete and without faults. Changed files come
// into use once they are the same in two consecutive looks, so that a half-saved file is never used. If they have
// faults, the old T stays in use.
type Source[T any] struct {
	files   Files[T]
	current atomic.Pointer[T]

	lastState string // the files' state at the last look
	readState string // the state that was last read
	fault     error  // what was wrong with that state

	reported   string // the last report
	reportedAt time.Time
}

// NewSource reads the files. It fails if Files.Read does.
func NewSource[T any](files Files[T]) (*Source[T], error) {
	read, err := files.Read()
	if err != nil {
		return nil, err
	}
	s := &Source[T]{files: files}
	s.current.Store(read)
	files.Taken(context.Background(), read, nil)
	return s, nil
}

// Current returns what is in use now.
func (s *Source[T]) Current() *T {
	return s.current.Load()
}

// Run applies changes of the files until ctx ends.
func (s *Source[T]) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			s.Look(ctx, now)
		}
	}
}

// Look checks the files once and applies what has changed. Run calls it every two seconds. It must not be called
// concurrently.
func (s *Source[T]) Look(ctx context.Context, now time.Time) {
	state := s.files.State()
	still := state == s.lastState
	s.lastState = state
	if !still {
		return
	}
	if state != s.readState {
		s.try(ctx, state)
	}
	switch {
	case s.fault != nil:
		s.report(ctx, now)
	case s.reported != "":
		s.reported = ""
		s.files.Restored(ctx, s.Current())
	}
}

// try reads the files and brings them into use if they have not changed meanwhile.
func (s *Source[T]) try(ctx context.Context, state string) {
	read, err := s.files.Read()
	if s.lastState = s.files.State(); s.lastState != state {
		return // if the files now name other files, the state differs as well, and the next looks use it
	}
	s.fault = err
	if _, final := errors.AsType[yamlfile.Faults](err); err != nil && !final {
		s.readState = "" // the next look tries again
		return
	}
	s.readState = state
	if err != nil {
		s.reported = "" // this change has not been reported yet
		return
	}
	if s.files.Taken(ctx, read, s.current.Swap(read)) {
		s.reported = "" // that the files can be used again needs no message
	}
}

// report reports that the files cannot be used: at once, and then from time to time.
func (s *Source[T]) report(ctx context.Context, now time.Time) {
	if s.fault.Error() == s.reported && now.Sub(s.reportedAt) < reportEvery {
		return
	}
	s.reported, s.reportedAt = s.fault.Error(), now
	s.files.Refused(ctx, s.fault, s.Current())
}
