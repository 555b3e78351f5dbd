package workbench_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/rules"
	"dummyorders/rules/workbench"
)

// store is a store whose versions are all approved.
type store struct {
	ruleset.Store

	mu    sync.Mutex
	err   error
	files []ruleset.Files
}

func (s *store) set(err error, files ...ruleset.Files) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.files = err, files
}

func (s *store) Deciding(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.files)), s.err
}

func (s *store) Version(_ context.Context, number int64) (ruleset.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ruleset.Version{Number: number, Files: s.files[number-1], ApprovedAt: time.Now()}, s.err
}

// While other files than those that decide are in a ruleset's folder, these are not shown as its own.
func TestOtherFiles(t *testing.T) {
	files, _, err := rules.ReadFiles(rules.Files())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		file, text string
		other      bool
	}{
		"a fault in a rule": {"rules/more.yaml", "rules: [broken", true},
		"a fault in a case": {"cases/more.yaml", "cases: [broken", false},
	} {
		t.Run(name, func(t *testing.T) {
			there := fstest.MapFS{c.file: {Data: []byte(c.text)}}
			for name, text := range files {
				there[name] = &fstest.MapFile{Data: []byte(text)}
			}
			bench := &workbench.Workbench{Deciding: workbench.Source{
				Current: func() fraud.Evaluator { return rules.Default() },
				Files:   func() (fs.FS, error) { return there, nil },
			}}
			used, err := bench.InUse(t.Context())
			require.NoError(t, err)
			assert.Equal(t, c.other, used.Deciding.OtherFiles)
			assert.Equal(t, c.other, used.Deciding.Rules[0].Text == "")
			_, err = bench.Files(t.Context())
			assert.Equal(t, c.other, errors.Is(err, ruleset.ErrOtherFiles), "%v", err)
		})
	}
}

// What is published decides within five seconds, what has faults never does, and nothing is decided before it is known what decides.
func TestPublished(t *testing.T) {
	builtIn, _, err := rules.ReadFiles(rules.Files())
	require.NoError(t, err)
	numbered := func(version string) ruleset.Files {
		files := maps.Clone(builtIn)
		files["ruleset.yaml"] = strings.Replace(files["ruleset.yaml"], "version: 2", "version: "+version, 1)
		return files
	}
	rules.Default() // reads the time zones, which it does once
	synctest.Test(t, func(t *testing.T) {
		s := &store{err: errors.New("the database is away")}
		p := &workbench.Published{Store: s, Log: slog.New(slog.DiscardHandler), Before: workbench.Source{
			Current: func() fraud.Evaluator { return rules.Default() },
			Files:   func() (fs.FS, error) { return rules.Files(), nil },
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		after := func() fraud.Evaluator {
			time.Sleep(5 * time.Second) // on the bubble's clock
			synctest.Wait()
			return p.Current()
		}
		assert.Nil(t, after(), "it is not known yet what decides")
		s.set(nil)
		assert.Equal(t, 2, after().Ruleset().Version, "none is published")
		s.set(nil, numbered("7"))
		assert.Equal(t, 7, after().Ruleset().Version)
		files, err := p.Files()
		require.NoError(t, err)
		read, _, err := rules.ReadFiles(files)
		require.NoError(t, err)
		assert.Equal(t, numbered("7"), read)
		s.set(errors.New("the database is away"), numbered("7"), numbered("8"))
		assert.Equal(t, 7, after().Ruleset().Version)
		s.set(nil, numbered("7"), numbered("many"))
		assert.Equal(t, 7, after().Ruleset().Version, "it has faults")
		s.set(nil, numbered("7"), numbered("many"), numbered("9"))
		assert.Equal(t, 9, after().Ruleset().Version)
		broken := numbered("10")
		broken["cases/more.yaml"] = "cases: [{name: a, given: {card: {colour: red}}, outcome: approve}]\n"
		s.set(nil, numbered("7"), numbered("many"), numbered("9"), broken)
		assert.Equal(t, 10, after().Ruleset().Version, "only a case has a fault, as for a release that reads cases otherwise")
		cancel()
		require.NoError(t, <-done)
	})
}
