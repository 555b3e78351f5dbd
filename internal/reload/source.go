// Package reload keeps what a process was told in files up with these files, while it runs.
package reload

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"dummyorders/internal/yamlfile"
)

const (
	// lookEvery is how often the files are looked at.
	lookEvery = 2 * time.Second
	// complainEvery is how often it is said again that they cannot be used.
	complainEvery = time.Minute
)

// Files are what a T is read from. Their methods are never called twice at once.
type Files[T any] interface {
	// State stands for the contents of all files that the last Read has found or looked for. What cannot be read is a state
	// like any other.
	State() string
	// Read reads the files. An error that is no [yamlfile.Faults] may pass without a change of the files.
	Read() (*T, error)
	// Taken is told that what was read is in use from now on, in place of was, which is nil at first. It reports whether the
	// two differ.
	Taken(ctx context.Context, is, was *T) bool
	// Refused is told, at once and now and again, that the files cannot be used, and what stays in use.
	Refused(ctx context.Context, why error, stays *T)
	// Restored is told that the files are again those of what is in use, after they were refused.
	Restored(ctx context.Context, stays *T)
}

// Source is what was read from files that may change. What it holds is always whole and without faults: changed files are
// taken over once they have been the same for two looks, so that nothing half saved is, and where they have faults, the old
// T stays in use.
type Source[T any] struct {
	files   Files[T]
	current atomic.Pointer[T]

	seen  string // the files' state at the last look
	tried string // the state that was read last
	fault error  // what was wrong with it

	said   string // the last complaint
	saidAt time.Time
}

// NewSource reads the files. It fails as Files.Read does.
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

// Current is what is in use now.
func (s *Source[T]) Current() *T {
	return s.current.Load()
}

// Run keeps up with the files until ctx ends.
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

// Look takes over what has changed. Run calls it every two seconds; it must not be called twice at once.
func (s *Source[T]) Look(ctx context.Context, now time.Time) {
	state := s.files.State()
	still := state == s.seen
	s.seen = state
	if !still {
		return
	}
	if state != s.tried {
		s.try(ctx, state)
	}
	switch {
	case s.fault != nil:
		s.complain(ctx, now)
	case s.said != "":
		s.said = ""
		s.files.Restored(ctx, s.Current())
	}
}

// try reads the files, and takes them over if they have not changed meanwhile.
func (s *Source[T]) try(ctx context.Context, state string) {
	read, err := s.files.Read()
	if s.seen = s.files.State(); s.seen != state {
		return // where the files name others than before, the state is another one, too: the next looks go by it
	}
	s.fault = err
	if _, final := errors.AsType[yamlfile.Faults](err); err != nil && !final {
		s.tried = "" // the next look tries again
		return
	}
	s.tried = state
	if err != nil {
		s.said = "" // this change has not been told of
		return
	}
	if s.files.Taken(ctx, read, s.current.Swap(read)) {
		s.said = "" // that they can be used again goes without saying
	}
}

// complain says that the files cannot be used: at once, and then now and again.
func (s *Source[T]) complain(ctx context.Context, now time.Time) {
	if s.fault.Error() == s.said && now.Sub(s.saidAt) < complainEvery {
		return
	}
	s.said, s.saidAt = s.fault.Error(), now
	s.files.Refused(ctx, s.fault, s.Current())
}
