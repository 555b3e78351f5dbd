package rules_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/rules"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// watched is a source of a real folder, with what it logs and a clock.
type watched struct {
	*rules.Source

	t      testing.TB
	folder string
	logged *bytes.Buffer
	now    time.Time
}

func watch(t testing.TB, f folder) *watched {
	t.Helper()
	w := &watched{t: t, folder: t.TempDir(), logged: &bytes.Buffer{}, now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	w.save(f)
	source, err := rules.NewSource(w.folder, slog.New(slog.NewJSONHandler(w.logged, nil)))
	require.NoError(t, err)
	w.Source = source
	w.look(2)
	w.logged.Reset()
	return w
}

func (w *watched) save(f folder) {
	w.t.Helper()
	for name, content := range f {
		path := filepath.Join(w.folder, filepath.FromSlash(name))
		require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(w.t, os.WriteFile(path, []byte(content), 0o600))
	}
}

// look looks at the folder the given number of times, each two seconds after the last.
func (w *watched) look(times int) {
	for range times {
		w.now = w.now.Add(2 * time.Second)
		w.Look(w.t.Context(), w.now)
	}
}

// logs returns the levels and messages logged so far.
func (w *watched) logs() []string {
	w.t.Helper()
	var lines []string
	for line := range strings.Lines(w.logged.String()) {
		var entry struct{ Level, Msg string }
		require.NoError(w.t, json.Unmarshal([]byte(line), &entry))
		lines = append(lines, entry.Level+" "+entry.Msg)
	}
	return lines
}

func (w *watched) version() int { return w.Current().Ruleset().Version }

// numbered returns a ruleset whose rule has the version as its score.
func numbered(version int) folder {
	return folder{
		"ruleset.yaml": fmt.Sprintf("id: numbered\nversion: %d\nthresholds: {review: 1, decline: 2}\nlists:\n  l: {file: l.txt, of: customer.id, effect: block}\n", version),
		"l.txt":        "# nobody\n",
		"rules/a.yaml": "rules:\n" + written("says", "true", fmt.Sprintf("score: %d", version)),
	}
}

const (
	tookOver = "INFO A changed ruleset decides from now on"
	refused  = "ERROR A changed ruleset cannot be used: the old one goes on deciding"
)

// A changed ruleset is taken over once it stays the same.
func TestReloadWhenStable(t *testing.T) {
	w := watch(t, numbered(2))
	w.save(numbered(3))
	w.look(1)
	require.Equal(t, 2, w.version(), "after one look the change may be half saved")
	w.look(1)
	require.Equal(t, 3, w.version())
	require.Equal(t, []string{tookOver}, w.logs())
	for _, part := range []string{`"version":3`, `"oldVersion":2`, `"rules":1`, `"features":0`, w.Current().Ruleset().Digest} {
		require.Contains(t, w.logged.String(), part)
	}
	w.look(5)
	require.Len(t, w.logs(), 1, "nothing changed since")
}

// A broken ruleset is refused loudly and the old one stays.
func TestReloadBroken(t *testing.T) {
	w := watch(t, numbered(2))
	w.save(folder{"rules/b.yaml": "rules:\n" + written("bad", "card.brnd == ''") + written("says", "true")})
	w.look(2)
	require.Equal(t, 2, w.version())
	require.Equal(t, []string{refused}, w.logs())
	for _, fault := range []string{"rules/b.yaml:4:16", "did you mean", "rules/b.yaml:8:9"} {
		require.Contains(t, w.logged.String(), fault)
	}
	w.save(folder{"rules/b.yaml": "rules:\n" + written("good", "true", "score: 1")})
	w.look(2)
	require.Len(t, w.Current().Evaluate(rules.Unremarkable(), nil).Reasons, 2)
	w.look(40)
	require.Equal(t, []string{refused, tookOver}, w.logs())
}

// An entry on a list counts after two looks.
func TestReloadListEntry(t *testing.T) {
	w := watch(t, numbered(1))
	require.Equal(t, fraud.Review, w.Current().Evaluate(rules.Unremarkable(), nil).Outcome)
	w.save(folder{"l.txt": "c-1001\n"})
	w.look(2)
	require.Equal(t, fraud.Decline, w.Current().Evaluate(rules.Unremarkable(), nil).Outcome)
}

// A new list is watched too.
func TestReloadNewList(t *testing.T) {
	w := watch(t, numbered(1))
	changed := numbered(1)
	changed["ruleset.yaml"] = strings.Replace(changed["ruleset.yaml"], "l.txt", "other/l.txt", 1)
	changed["other/l.txt"] = "# nobody\n"
	w.save(changed)
	w.look(3)
	require.Equal(t, []string{tookOver}, w.logs())
	w.save(folder{"other/l.txt": "c-1001\n"})
	w.look(2)
	require.Equal(t, fraud.Decline, w.Current().Evaluate(rules.Unremarkable(), nil).Outcome)
}

// A ruleset whose folder is away for a while goes on to decide.
func TestReloadMissingFolder(t *testing.T) {
	w := watch(t, numbered(2))
	away := w.folder + "-away"
	require.NoError(t, os.Rename(w.folder, away))
	w.look(2)
	require.Equal(t, 2, w.version())
	require.Equal(t, []string{refused}, w.logs())
	require.NoError(t, os.Rename(away, w.folder))
	w.look(40)
	require.Equal(t, []string{refused, "INFO The folder has the deciding ruleset again"}, w.logs())
}

// A link does not lead out of the folder.
func TestLinkOutOfFolder(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside.txt")
	require.NoError(t, os.WriteFile(outside, []byte("c-1001\n"), 0o600))
	w := watch(t, numbered(2))
	require.NoError(t, os.Remove(filepath.Join(w.folder, "l.txt")))
	require.NoError(t, os.Symlink(outside, filepath.Join(w.folder, "l.txt")))
	w.look(2)
	require.Equal(t, []string{refused}, w.logs())
	_, err := rules.Load(w.folder)
	require.ErrorContains(t, err, "l.txt")
}

// The files of a ruleset are read from a folder as the kubelet lays out the volume of a ConfigMap, where each name at the top is a link.
func TestFilesOfConfigMap(t *testing.T) {
	top := t.TempDir()
	for _, of := range []*watched{{t: t, folder: filepath.Join(top, "..2026_03_04")}, {t: t, folder: filepath.Join(top, "..2026_03_05")}} {
		of.save(numbered(2))
	}
	link := func(to, name string) { require.NoError(t, os.Symlink(to, filepath.Join(top, name))) }
	link("..2026_03_05", "..data")
	link("..data/ruleset.yaml", "ruleset.yaml")
	link("..data/l.txt", "l.txt")
	link("..data/rules", "rules")
	link("nowhere", ".#ruleset.yaml")             // as an editor leaves it
	link("../../..data", "..2026_03_05/rules/up") // which leads in a circle
	latest := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	for name, at := range map[string]time.Time{"ruleset.yaml": latest.Add(-time.Hour), "l.txt": latest.Add(-time.Hour), "rules/a.yaml": latest} {
		require.NoError(t, os.Chtimes(filepath.Join(top, "..2026_03_05", name), at, at))
	}
	files, changed, err := rules.ReadFiles(os.DirFS(top))
	require.NoError(t, err)
	require.Equal(t, ruleset.Files(numbered(2)), files)
	require.WithinDuration(t, latest, changed, 0)
	set, err := rules.Load(top)
	require.NoError(t, err)
	require.True(t, set.IsOf(files))
}

// A set knows its files from others, but for cases, which do not decide.
func TestIsOf(t *testing.T) {
	set := numbered(2).read(t)
	for name, c := range map[string]struct {
		change folder
		is     bool
	}{
		"nothing":        {nil, true},
		"a case":         {folder{"cases/a.yaml": "cases: [broken"}, true},
		"a page":         {folder{"README.md": "# rules\n"}, true},
		"a version":      {folder{"ruleset.yaml": numbered(3)["ruleset.yaml"]}, false},
		"a rule":         {folder{"rules/a.yaml": numbered(3)["rules/a.yaml"]}, false},
		"an entry":       {folder{"l.txt": "c-1001\n"}, false},
		"a file more":    {folder{"rules/b.yaml": "rules: []\n"}, false},
		"a file refused": {folder{"rules/b.yml": "rules: []\n"}, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.is, set.IsOf(ruleset.Files(numbered(2).with(c.change)))) })
	}
	missing := ruleset.Files(numbered(2))
	delete(missing, "rules/a.yaml")
	require.False(t, set.IsOf(missing))
}

func TestNewSourceRefuses(t *testing.T) {
	_, err := rules.NewSource(t.TempDir(), slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "ruleset.yaml: is missing")
}

// Every decision is made wholly by one ruleset. Each version of the ruleset shows its number in three places: its
// version, its score and the codes of its reasons.
func TestDecisionIsOfOneRuleset(t *testing.T) {
	w := watch(t, whole(1))
	digests := map[string]int{w.Current().Ruleset().Digest: 1}
	ctx, cancel := context.WithCancel(t.Context())
	states := make([]map[string]string, 4)
	var group sync.WaitGroup
	for i := range states {
		states[i] = map[string]string{}
		group.Go(func() {
			for ctx.Err() == nil {
				d := w.Current().Evaluate(rules.Unremarkable(), nil)
				states[i][d.Ruleset.Digest] = fmt.Sprint(d.Ruleset.Version, d.Score, d.Reasons)
			}
		})
	}
	for version := 2; version <= 12; version++ {
		w.save(whole(version))
		w.look(2)
		digests[w.Current().Ruleset().Digest] = version
		w.save(folder{"rules/b.yaml": "rules: [broken"})
		w.look(2)
		require.Equal(t, version, w.version())
	}
	cancel()
	group.Wait()
	require.Len(t, digests, 12)
	for _, decisions := range states {
		for digest, said := range decisions {
			version, known := digests[digest]
			require.True(t, known, "nobody saved this: %s", said)
			require.Equal(t, fmt.Sprint(version, 2*version, []fraud.Reason{
				{Code: fmt.Sprintf("A%d", version), Message: "it is so"}, {Code: fmt.Sprintf("B%d", version), Message: "it is so"},
			}), said)
		}
	}
}

// whole returns a ruleset that has its version in several files.
func whole(version int) folder {
	return folder{
		"ruleset.yaml": fmt.Sprintf("id: whole\nversion: %d\nthresholds: {review: 1, decline: 2}\n", version),
		"rules/a.yaml": "rules:\n" + written(fmt.Sprintf("a%d", version), "true", fmt.Sprintf("score: %d", version)),
		"rules/b.yaml": "rules:\n" + written(fmt.Sprintf("b%d", version), "true", fmt.Sprintf("score: %d", version)),
	}
}
