package reload_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/internal/reload"
	"dummyorders/internal/yamlfile"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// text is a file of one word, which records how its methods were called.
type text struct {
	content string
	fault   error  // of the next read
	reading func() // called during the read
	calls   []string
}

func (f *text) State() string { return f.content }

func (f *text) Read() (*string, error) {
	content := f.content
	if f.reading != nil {
		f.reading()
	}
	return &content, f.fault
}

func (f *text) Taken(_ context.Context, is, was *string) bool {
	if was != nil && *was == *is {
		return false
	}
	f.calls = append(f.calls, "taken "+*is)
	return true
}

func (f *text) Refused(_ context.Context, why error, stays *string) {
	f.calls = append(f.calls, why.Error()+", "+*stays+" stays")
}

func (f *text) Restored(_ context.Context, stays *string) {
	f.calls = append(f.calls, "restored "+*stays)
}

// watched is a source of such a file, with a clock.
type watched struct {
	*reload.Source[string]

	t    testing.TB
	file *text
	now  time.Time
}

func watch(t testing.TB) *watched {
	t.Helper()
	file := &text{content: "one"}
	source, err := reload.NewSource(file)
	require.NoError(t, err)
	w := &watched{Source: source, t: t, file: file, now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	w.look(2)
	w.file.calls = nil
	return w
}

// look looks at the file several times, each time two seconds after the last.
func (w *watched) look(times int) {
	for range times {
		w.now = w.now.Add(2 * time.Second)
		w.Look(w.t.Context(), w.now)
	}
}

// broken is a fault that only a change of the file can repair.
var broken = yamlfile.Faults{{Text: "no word"}}

// A change is taken over once it is the same for two looks.
func TestReloadWhenStable(t *testing.T) {
	w := watch(t)
	for _, w.file.content = range []string{"t", "tw", "two"} {
		w.look(1)
		require.Equal(t, "one", *w.Current())
	}
	w.look(10)
	require.Equal(t, "two", *w.Current())
	require.Equal(t, []string{"taken two"}, w.file.calls)
}

// A change while it is read is read again.
func TestChangeWhileReading(t *testing.T) {
	w := watch(t)
	w.file.content = "tw"
	w.look(1)
	w.file.reading = func() { w.file.content, w.file.reading = "two", nil }
	w.look(1)
	require.Equal(t, "one", *w.Current())
	w.look(1)
	require.Equal(t, "two", *w.Current())
	require.Equal(t, []string{"taken two"}, w.file.calls)
}

// A fault is reported at once for each change, and then each minute.
func TestFaultReports(t *testing.T) {
	w := watch(t)
	refused := broken.Error() + ", one stays"
	w.file.content, w.file.fault = "tow", broken
	w.look(2 + 29)
	require.Equal(t, []string{refused}, w.file.calls)
	w.look(1)
	require.Equal(t, []string{refused, refused}, w.file.calls)
	w.file.content = "owt"
	w.look(2)
	require.Equal(t, []string{refused, refused, refused}, w.file.calls)
	require.Equal(t, "one", *w.Current())
}

func TestFaultEndIsReportedOnce(t *testing.T) {
	for content, report := range map[string]string{"one": "restored one", "two": "taken two"} {
		t.Run(report, func(t *testing.T) {
			w := watch(t)
			w.file.content, w.file.fault = "tow", broken
			w.look(2)
			w.file.content, w.file.fault = content, nil
			w.look(40)
			require.Equal(t, []string{broken.Error() + ", one stays", report}, w.file.calls)
		})
	}
}

// A fault that may pass by itself is tried again without a change.
func TestPassingFaultIsRetried(t *testing.T) {
	w := watch(t)
	w.file.content, w.file.fault = "two", errors.New("too many open files")
	w.look(5)
	require.Equal(t, []string{"too many open files, one stays"}, w.file.calls)
	w.file.fault = nil
	w.look(1)
	require.Equal(t, "two", *w.Current())
}

func TestNewSourceRefuses(t *testing.T) {
	_, err := reload.NewSource(&text{fault: broken})
	require.ErrorContains(t, err, "no word")
}

// Run looks by itself and ends with its context.
func TestRun(t *testing.T) {
	w := watch(t)
	synctest.Test(t, func(t *testing.T) {
		w.file.content = "two"
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		time.Sleep(7 * time.Second) // on the bubble's clock, so the test does not really wait
		synctest.Wait()
		require.Equal(t, "two", *w.Current())
		cancel()
		require.NoError(t, <-done)
	})
}
