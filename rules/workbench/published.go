package workbench

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/rules"
)

// These say how often the store is asked which version decides, how long it may take to answer, and how often it is reported that it
// does not, or that the version cannot be used.
const (
	askEvery    = 2 * time.Second
	askWithin   = 2 * time.Second
	reportEvery = time.Minute
)

// Published is the ruleset that was published last. Until one is, another decides.
type Published struct {
	Store ruleset.Store
	// Before decides as long as no version is approved.
	Before Source
	Log    *slog.Logger

	now atomic.Pointer[published] // nil until the store has answered
}

// published is what was read last: number is 0 if no version is approved.
type published struct {
	number int64
	set    *rules.Set
	files  fs.FS
}

// Current returns the ruleset, or nil until the store has answered.
func (p *Published) Current() fraud.Evaluator {
	switch now := p.now.Load(); {
	case now == nil:
		return nil
	case now.number == 0:
		return p.Before.Current()
	default:
		return now.set
	}
}

// Files returns the ruleset's files.
func (p *Published) Files() (fs.FS, error) {
	switch now := p.now.Load(); {
	case now == nil:
		return nil, ErrUnknown
	case now.number == 0:
		return p.Before.Files()
	default:
		return now.files, nil
	}
}

// Run takes each version that is approved, until ctx ends. While a version cannot be read or used, the one before it decides.
func (p *Published) Run(ctx context.Context) error {
	return follow(ctx, p.look, func(err error) {
		p.Log.ErrorContext(ctx, "The published ruleset cannot be read or used; what decided before goes on deciding", "error", err)
	})
}

// follow looks every two seconds until ctx ends, and reports at once and then each minute that it fails.
func follow(ctx context.Context, look func(context.Context) error, report func(error)) error {
	reported := time.Time{}
	for {
		err := look(ctx)
		if err != nil && ctx.Err() == nil && time.Since(reported) >= reportEvery {
			report(err)
			reported = time.Now()
		}
		if err == nil {
			reported = time.Time{}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(askEvery):
		}
	}
}

// look takes the version that decides, if it is another one than before.
func (p *Published) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	number, err := p.Store.Deciding(ctx)
	was := p.now.Load()
	if err != nil || was != nil && was.number == number {
		return err
	}
	now := &published{number: number}
	if number > 0 {
		v, err := p.Store.Version(ctx, number)
		if err != nil {
			return err
		}
		now.files = filesOf(v.Files, v.ApprovedAt)
		set, faults, err := rules.ReadDeciding(now.files, fmt.Sprintf("version %d", number))
		if err != nil {
			return fmt.Errorf("version %d: %w", number, err)
		}
		now.set = set
		used := set.Ruleset()
		if len(faults) > 0 { // an earlier release found none
			p.Log.WarnContext(ctx, "A published ruleset is used in spite of faults: they change no decision", "number", number, "faults", faults.Error())
		}
		p.Log.InfoContext(ctx, "A published ruleset decides from now on", "number", number, "ruleset", used.ID, "version", used.Version, "digest", used.Digest)
	}
	p.now.Store(now)
	return nil
}
