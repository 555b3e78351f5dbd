package routing_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/alerting/routing"
	"dummyorders/domain/alert"
)

// watched is a source of real files, what it logs, and a clock.
type watched struct {
	*routing.Source

	t      testing.TB
	file   string
	logged *bytes.Buffer
	now    time.Time
}

func watch(t testing.TB) *watched {
	t.Helper()
	return watchWithout(t, nil)
}

// watchWithout watches where channels are lacking.
func watchWithout(t testing.TB, lacking map[string]string) *watched {
	t.Helper()
	w := &watched{t: t, file: filepath.Join(t.TempDir(), "alertman.yaml"), logged: &bytes.Buffer{}, now: noon}
	w.save("alertman.yaml", good)
	for name, content := range secrets {
		w.save(name, content)
	}
	source, err := routing.NewSource(w.file, lacking, slog.New(slog.NewJSONHandler(w.logged, nil)))
	require.NoError(t, err)
	w.Source = source
	w.look(2)
	w.logged.Reset()
	return w
}

func (w *watched) save(name, content string) {
	w.t.Helper()
	file := filepath.Join(filepath.Dir(w.file), name)
	require.NoError(w.t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(w.t, os.WriteFile(file, []byte(content), 0o600))
}

// look looks at the files, two seconds after the last time.
func (w *watched) look(times int) {
	for range times {
		w.now = w.now.Add(2 * time.Second)
		w.Look(w.t.Context(), w.now)
	}
}

// logs returns the levels and messages so far.
func (w *watched) logs() []string {
	w.t.Helper()
	lines := []string{}
	for line := range strings.Lines(w.logged.String()) {
		var entry struct{ Level, Msg string }
		require.NoError(w.t, json.Unmarshal([]byte(line), &entry))
		lines = append(lines, entry.Level+" "+entry.Msg)
	}
	return lines
}

const (
	tookOver = "INFO Changed routes of alerts are in force from now on"
	refused  = "ERROR Changed routes of alerts cannot be used: the old ones stay in force"
	inForce  = "INFO The file has the routes of alerts in force again"
	odd      = "WARN The routes of alerts are used, but have warnings"
)

// A changed file is taken over once it stays the same.
func TestReloadWhenStable(t *testing.T) {
	w := watch(t)
	old := w.Current()
	w.save("alertman.yaml", strings.Replace(good, "tell: [fraud-team]", "tell: [on-call]", 1))
	w.look(1)
	require.Same(t, old, w.Current(), "after one look the change may be half saved")
	w.look(1)
	require.Equal(t, []string{"on-call"}, receivers(w.Current().Route(event(nil), noon)))
	require.Equal(t, []string{tookOver, odd}, w.logs())
	require.Contains(t, w.logged.String(), w.Current().Summary())
	require.Contains(t, w.logged.String(), old.Summary())
	w.look(40)
	require.Len(t, w.logs(), 2, "nothing changed since")
}

func TestReloadChangedSecret(t *testing.T) {
	w := watch(t)
	w.save("secrets/slack", "https://hooks.slack.example.com/other")
	w.look(2)
	endpoint, _ := w.Current().Chat("fraud-team/chat")
	require.Equal(t, "https://hooks.slack.example.com/other", endpoint.URL)
	require.Equal(t, []string{tookOver}, w.logs())
	require.NotContains(t, w.logged.String(), "slack")
}

// A broken file is refused loudly and the old routes stay.
func TestReloadBrokenFile(t *testing.T) {
	w := watch(t)
	old := w.Current()
	w.save("alertman.yaml", strings.NewReplacer("most: 20", "most: none", "tell: [fraud-team]", "tell: [fraud-tem]").Replace(good))
	w.look(2)
	require.Same(t, old, w.Current())
	require.Equal(t, []string{refused}, w.logs())
	for _, fault := range []string{"alertman.yaml:8:22", "alertman.yaml:32:12", "did you mean"} {
		require.Contains(t, w.logged.String(), fault)
	}
	w.save("alertman.yaml", good)
	w.look(40)
	require.Equal(t, []string{refused, inForce}, w.logs())
}

// A change that needs a channel that is not set up is refused loudly.
func TestReloadMissingChannel(t *testing.T) {
	w := watchWithout(t, map[string]string{alert.SMS: "SMS_ACCOUNT_SID"})
	w.save("alertman.yaml", strings.Replace(good, `sms: "+4915112345678"`, "mail: on-call@example.com", 1))
	w.look(2)
	require.Equal(t, []string{tookOver}, w.logs(), "what does without is taken")
	old := w.Current()
	w.save("alertman.yaml", good+"# once more\n")
	w.look(2)
	require.Same(t, old, w.Current())
	require.Equal(t, []string{tookOver, refused}, w.logs())
	require.Contains(t, w.logged.String(), "alertman.yaml:13:9: sms cannot be used: alertman must be started with SMS_ACCOUNT_SID")
	w.save("alertman.yaml", strings.Replace(good, `      - sms: "+4915112345678"`+"\n", "", 1))
	w.look(2)
	require.NotSame(t, old, w.Current(), "the next change is taken")
}

// If the file is missing for a while, its routes stay in force.
func TestReloadMissingFile(t *testing.T) {
	w := watch(t)
	old := w.Current()
	for _, name := range []string{w.file, filepath.Join(filepath.Dir(w.file), "secrets")} {
		w.logged.Reset()
		require.NoError(t, os.Rename(name, name+"-away"))
		w.look(3)
		require.Equal(t, old.Summary(), w.Current().Summary())
		require.NoError(t, os.Rename(name+"-away", name))
		w.look(40)
		require.Equal(t, []string{refused, inForce}, w.logs())
	}
}

func TestReloadWatchesNewFile(t *testing.T) {
	w := watch(t)
	w.save("secrets/other", slackURL)
	w.save("alertman.yaml", strings.Replace(good, "secrets/slack", "secrets/other", 1))
	w.look(3)
	require.Equal(t, []string{tookOver}, w.logs())
	w.save("secrets/other", slackURL+"/other")
	w.look(2)
	endpoint, _ := w.Current().Chat("fraud-team/chat")
	require.Equal(t, slackURL+"/other", endpoint.URL)
}

// A source needs a file that can be used.
func TestNewSourceRefuses(t *testing.T) {
	_, err := routing.NewSource(filepath.Join(t.TempDir(), "none.yaml"), nil, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "none.yaml")
}

// A process that shows the routes needs none of the files with secrets.
func TestSourceToShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alertman.yaml")
	require.NoError(t, os.WriteFile(file, []byte(good), 0o600))
	_, err := routing.NewSource(file, nil, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "cannot be read")
	source, err := routing.NewSourceToShow(file, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, file, source.Current().Shown().File)
	require.NotEmpty(t, source.Current().Try(event(nil), noon).Findings)
}
