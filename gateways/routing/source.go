package routing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"dummyorders/internal/yamlfile"
)

const (
	// pollEvery is how often the files are looked at.
	pollEvery = 2 * time.Second
	// complainEvery is how often it is said again that a file cannot be used.
	complainEvery = time.Minute
)

// Source is the configuration of a file that may change. What it holds is always whole and without faults: the file, and
// all that it names, are taken over once they have been the same for two looks, so that nothing half saved is, and where
// there are faults the old configuration stays in force.
type Source struct {
	file    string
	log     *slog.Logger
	current atomic.Pointer[Config]

	files []string // by the last reading
	seen  string   // the files' state at the last look
	tried string   // the state that was read last
	fault error    // what was wrong with it

	said   string // the last complaint
	saidAt time.Time
}

// NewSource reads the file. It fails as Load does.
func NewSource(file string, log *slog.Logger) (*Source, error) {
	read, err := load(file)
	if err != nil {
		return nil, err
	}
	s := &Source{file: file, log: log, files: read.files}
	s.current.Store(read.config)
	s.warn(context.Background(), read.config)
	return s, nil
}

// Current is the configuration of now.
func (s *Source) Current() *Config {
	return s.current.Load()
}

// Run keeps the configuration up with the files until ctx ends.
func (s *Source) Run(ctx context.Context) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			s.look(ctx, now)
		}
	}
}

// look takes over what has changed. It must not be called twice at once.
func (s *Source) look(ctx context.Context, now time.Time) {
	state := stateOf(s.files)
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
		s.log.InfoContext(ctx, "The file holds the routes of alerts that are in force again", "file", s.file, "routes", s.Current().Summary())
	}
}

// try reads the file, and takes it over if nothing has changed meanwhile.
func (s *Source) try(ctx context.Context, state string) {
	read, err := load(s.file)
	s.files = read.files
	if s.seen = stateOf(s.files); s.seen != state {
		return // with other files the state is another one, too: the next looks go by it
	}
	s.fault = err
	if _, is := errors.AsType[yamlfile.Faults](err); err != nil && !is {
		s.tried = "" // it may pass without a change of the file: the next look tries again
		return
	}
	s.tried = state
	if err != nil {
		s.said = "" // this change has not been told of
		return
	}
	s.take(ctx, read.config)
}

func (s *Source) take(ctx context.Context, config *Config) {
	was := s.current.Swap(config)
	if was.digest == config.digest {
		return
	}
	s.said = ""
	s.log.InfoContext(ctx, "Changed routes of alerts are in force from now on", "file", s.file, "routes", config.Summary(), "old", was.Summary())
	s.warn(ctx, config)
}

// warn tells what is odd about a configuration that is used all the same.
func (s *Source) warn(ctx context.Context, config *Config) {
	if warnings := config.Warnings(); len(warnings) > 0 {
		s.log.WarnContext(ctx, "The routes of alerts are used, and something is odd about them", "file", s.file,
			"warnings", yamlfile.Faults(warnings).Error())
	}
}

// complain says loudly that the file cannot be used, and what is in force instead: at once, and then now and again.
func (s *Source) complain(ctx context.Context, now time.Time) {
	if s.fault.Error() == s.said && now.Sub(s.saidAt) < complainEvery {
		return
	}
	s.said, s.saidAt = s.fault.Error(), now
	s.log.ErrorContext(ctx, "Changed routes of alerts cannot be used: the old ones stay in force", "file", s.file,
		"faults", s.said, "routes", s.Current().Summary())
}

// stateOf stands for the contents of files. One that cannot be read counts as such.
func stateOf(files []string) string {
	sum := sha256.New()
	for _, file := range files {
		content, err := contentOf(file, maxFile)
		if err != nil {
			content = []byte("cannot be read")
		}
		_, _ = fmt.Fprintf(sum, "%d %s %d ", len(file), file, len(content))
		_, _ = sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
