package rules

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"dummyorders/domain/fraud"
)

const (
	// pollEvery is how often a folder is looked at.
	pollEvery = 2 * time.Second
	// complainEvery is how often it is said again that a folder cannot be used.
	complainEvery = time.Minute
)

// Source is a ruleset in a folder that may change. What it holds is always whole and without faults: a changed folder is
// taken over once it has been the same for two looks, so that a half-saved one is not, and if it has faults, the old
// ruleset goes on deciding. Faults in cases, and thresholds that nothing reaches, do not keep a ruleset from deciding here:
// they are logged.
type Source struct {
	folder  string
	log     *slog.Logger
	current atomic.Pointer[Set]

	lists []string // the files of the lists, by the last reading
	seen  string   // the folder's state at the last look
	tried string   // the state that was read last
	fault error    // what was wrong with it
	doubt string   // what was last told of a ruleset that is used all the same

	said   string // the last complaint
	saidAt time.Time
}

// NewSource reads the folder's ruleset. It fails as Load does, but for faults in cases.
func NewSource(folder string, log *slog.Logger) (*Source, error) {
	read, err := load(folder)
	if err != nil {
		return nil, err
	}
	s := &Source{folder: folder, log: log, lists: read.lists}
	s.current.Store(read.set)
	s.warn(context.Background(), read)
	return s, nil
}

// Current is the ruleset of now. Whoever decides asks once for a decision, so that all of it is of one ruleset.
func (s *Source) Current() fraud.Evaluator {
	return s.current.Load()
}

// Run keeps the ruleset up with the folder until ctx ends.
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
	state, err := folderState(s.folder, s.lists)
	if err != nil {
		s.seen = ""
		s.complain(ctx, now, err)
		return
	}
	still := state == s.seen
	s.seen = state
	if still && state != s.tried {
		s.try(ctx, state)
	}
	switch {
	case !still:
	case s.fault != nil:
		s.complain(ctx, now, s.fault)
	case s.said != "":
		s.calm(ctx)
	}
}

// try reads the folder, and takes it over if it did not change meanwhile.
func (s *Source) try(ctx context.Context, state string) {
	read, err := load(s.folder)
	s.lists = read.lists
	after, stateErr := folderState(s.folder, s.lists)
	if stateErr != nil {
		return
	}
	if s.seen = after; after != state {
		return // with other lists the state is another one, too: the next looks go by it
	}
	s.fault = err
	if _, is := errors.AsType[Faults](err); err != nil && !is {
		return // it may pass without a change of the folder: the next look tries again
	}
	s.tried = state
	if err != nil {
		s.said = "" // this change has not been told of
		return
	}
	s.warn(ctx, read)
	s.take(ctx, read.set)
}

// warn tells, once for each ruleset, of what does not keep it from deciding and should be mended.
func (s *Source) warn(ctx context.Context, read reading) {
	faults := slices.Concat(read.cases, read.set.unreachable)
	doubt := read.set.ruleset.Digest + faults.Error()
	if len(faults) == 0 || doubt == s.doubt {
		return
	}
	s.doubt = doubt
	s.log.WarnContext(ctx, "A ruleset is used in spite of faults: they change no decision", "folder", s.folder,
		"faults", faults.Error(), "ruleset", read.set.ruleset.ID, "version", read.set.ruleset.Version, "digest", read.set.ruleset.Digest)
}

func (s *Source) take(ctx context.Context, set *Set) {
	was := s.current.Swap(set).ruleset
	if was == set.ruleset {
		return
	}
	s.said = ""
	s.log.InfoContext(ctx, "A changed ruleset decides from now on", "folder", s.folder, "ruleset", set.ruleset.ID,
		"version", set.ruleset.Version, "digest", set.ruleset.Digest, "oldVersion", was.Version, "oldDigest", was.Digest,
		"rules", len(set.rules), "features", len(set.features))
}

// calm says that what was complained of is over, and nothing has changed by it.
func (s *Source) calm(ctx context.Context) {
	s.said = ""
	deciding := s.current.Load().ruleset
	s.log.InfoContext(ctx, "The folder holds the ruleset that decides again", "folder", s.folder,
		"ruleset", deciding.ID, "version", deciding.Version, "digest", deciding.Digest)
}

// complain says loudly that the folder cannot be used, and who decides instead: at once, and then now and again.
func (s *Source) complain(ctx context.Context, now time.Time, err error) {
	if err.Error() == s.said && now.Sub(s.saidAt) < complainEvery {
		return
	}
	s.said, s.saidAt = err.Error(), now
	deciding := s.current.Load().ruleset
	s.log.ErrorContext(ctx, "A changed ruleset cannot be used: the old one goes on deciding", "folder", s.folder,
		"faults", err.Error(), "ruleset", deciding.ID, "version", deciding.Version, "digest", deciding.Digest)
}
