package stack_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

// shell runs a script until the test ends.
func shell(t *testing.T, script string, change func(*stack.Command)) *stack.Process {
	t.Helper()
	c := stack.Command{Name: "shell", Path: "/bin/sh", Args: []string{"-c", script}, Log: filepath.Join(t.TempDir(), "log", "shell.log")}
	if change != nil {
		change(&c)
	}
	p, err := stack.StartProcess(c)
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return p
}

// A process is asked to end before it is killed.
func TestProcessStop(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p := shell(t, `trap 'echo drained; exit 0' TERM; echo ready; while :; do sleep 0.05; done`,
		func(c *stack.Command) { c.Log = log })
	logged(t, log, "ready")
	require.NoError(t, p.Stop(t.Context()))
	require.NoError(t, p.Wait(t.Context()))
	logged(t, log, "drained")
}

// A process that does not end is killed with its children.
func TestProcessStopKills(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p := shell(t, `trap '' TERM; sleep 300 & echo child $!; wait; sleep 300`, func(c *stack.Command) {
		c.Log, c.StopWithin = log, 50*time.Millisecond
	})
	line := logged(t, log, "child")
	child, err := strconv.Atoi(strings.Fields(line)[1])
	require.NoError(t, err)
	require.ErrorContains(t, p.Stop(t.Context()), "stop shell: killed, as it had not ended 50ms after it was asked to")
	require.Error(t, p.Wait(t.Context()))
	eventually(t, func() error { return gone(child) })
}

// If the caller does not wait, the process is killed.
func TestProcessStopWithoutWait(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p := shell(t, `trap '' TERM; echo ready; while :; do sleep 0.05; done`, func(c *stack.Command) { c.Log = log })
	logged(t, log, "ready")
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, p.Stop(impatient), "killed")
	require.False(t, running(p.Pid()))
}

// A process starts again and its log goes on.
func TestProcessRestart(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p := shell(t, `echo one of $$; exec sleep 300`, func(c *stack.Command) { c.Log = log })
	first := p.Pid()
	logged(t, log, fmt.Sprintf("one of %d", first))
	require.ErrorContains(t, p.Start(), "running already")
	p.Kill()
	require.False(t, running(first))
	require.NoError(t, p.Start())
	logged(t, log, fmt.Sprintf("one of %d", p.Pid()))
	logged(t, log, fmt.Sprintf("one of %d", first))
}

// Lines are passed on as they come, and kept without colours.
func TestProcessLines(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	log := filepath.Join(t.TempDir(), "log")
	p := shell(t, `printf 'one\n\033[31mtwo\033[0m\nno end'; echo complaint >&2`, func(c *stack.Command) {
		c.Log = log
		c.Lines = func(line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		}
	})
	require.NoError(t, p.Wait(t.Context()))
	require.Equal(t, []string{"one", "\x1b[31mtwo\x1b[0m", "no endcomplaint"}, lines)
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, "one\ntwo\nno endcomplaint\n", string(text))
}

// Waiting ends when the process does, and the error shows why.
func TestWaitHealthyProcessEnds(t *testing.T) {
	p := shell(t, `echo cannot open the database; exit 3`, nil)
	err := p.WaitHealthy(t.Context(), "http://127.0.0.1:1/readyz")
	require.ErrorContains(t, err, "shell ended: exit status 3; the last lines of ")
	require.ErrorContains(t, err, "\n    cannot open the database")
}

// WaitHealthy waits for an answer 200.
func TestWaitHealthy(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	p := shell(t, `exec sleep 300`, nil)
	require.NoError(t, p.WaitHealthy(t.Context(), server.URL))
	require.Equal(t, 3, asked)
}

// Waiting ends with its context, and the error says what was answered.
func TestWaitHealthyContextEnds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no broker", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	p := shell(t, `exec sleep 300`, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := p.WaitHealthy(ctx, server.URL)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "503 Service Unavailable: no broker")
}

func TestProcessProgramMissing(t *testing.T) {
	_, err := stack.StartProcess(stack.Command{Name: "orders", Path: "/nowhere/orders"})
	require.EqualError(t, err, "start orders: fork/exec /nowhere/orders: no such file or directory")
}

// parentMode makes this test binary a parent that starts a child, prints its id, and waits to be killed.
const parentMode = "STACK_TEST_PARENT"

// A process is asked to end when its parent is killed.
func TestProcessEndsWithParent(t *testing.T) {
	if os.Getenv(parentMode) != "" {
		p, err := stack.StartProcess(stack.Command{Name: "orphan", Path: "/bin/sleep", Args: []string{"300"}})
		require.NoError(t, err)
		fmt.Println("child", p.Pid())
		select {}
	}
	log := filepath.Join(t.TempDir(), "log")
	parent, err := stack.StartProcess(stack.Command{
		Name: "parent", Path: os.Args[0], Args: []string{"-test.run=^" + t.Name() + "$"},
		Env: append(os.Environ(), parentMode+"=yes"), Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(parent.Kill)
	child, err := strconv.Atoi(strings.Fields(logged(t, log, "child"))[1])
	require.NoError(t, err)
	require.True(t, running(child))
	parent.Kill()
	eventually(t, func() error { return gone(child) })
}

// logged waits until a log has a complete line with the text, and returns that line.
func logged(t *testing.T, path, text string) string {
	t.Helper()
	var found string
	eventually(t, func() error {
		log, err := os.ReadFile(path)
		for line := range strings.Lines(string(log)) {
			if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
				found = strings.TrimSpace(line)
				return nil
			}
		}
		return fmt.Errorf("no %q in %q (%v)", text, log, err)
	})
	return found
}
