package stack_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/internal/stack"
	"dummyorders/internal/waittest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var eventually, patience = waittest.Eventually, waittest.Patience

// take listens on a port for as long as the test runs.
func take(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().(*net.TCPAddr).Port
}

// noProcessMentions waits until no process of the machine has the text in its arguments or environment, such as the folder
// that a server was started with. Servers' helper processes end a moment after the servers.
func noProcessMentions(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() error {
		files, err := filepath.Glob("/proc/[0-9]*/environ")
		require.NoError(t, err)
		for _, file := range files {
			pid := filepath.Base(filepath.Dir(file))
			env, _ := os.ReadFile(file) // another user's, or already gone
			args, _ := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
			if pid != fmt.Sprint(os.Getpid()) && strings.Contains(string(env)+string(args), text) {
				return fmt.Errorf("process %s still runs: %q", pid, args)
			}
		}
		return nil
	})
}

func running(pid int) bool {
	return syscall.Kill(pid, 0) == nil
}

func TestRabbitMQPortTaken(t *testing.T) {
	port := take(t)
	_, err := stack.StartRabbitMQ(patience(t), stack.RabbitMQOptions{Dir: t.TempDir(), Program: "/bin/false", Port: port})
	require.ErrorIs(t, err, stack.ErrPortTaken)
	require.EqualError(t, err, fmt.Sprintf("start RabbitMQ: port %d (RabbitMQ): taken by another program", port))

	_, err = stack.StartTemporal(patience(t), stack.TemporalOptions{Dir: t.TempDir(), Program: "/bin/false", Port: port})
	require.EqualError(t, err, fmt.Sprintf("start Temporal: port %d (Temporal): taken by another program", port))

	_, err = stack.StartMail(stack.MailOptions{Dir: t.TempDir(), Address: fmt.Sprintf("127.0.0.1:%d", port)})
	require.EqualError(t, err, fmt.Sprintf("start mail: 127.0.0.1:%d: taken by another program", port))
}

// Free ports are free and are not given out twice.
func TestFreePort(t *testing.T) {
	ports := map[int]bool{}
	for range 100 {
		port, err := stack.FreePort()
		require.NoError(t, err)
		require.False(t, ports[port], "port %d was handed out twice", port)
		require.NoError(t, stack.CheckPort(fmt.Sprintf("127.0.0.1:%d", port)))
		ports[port] = true
	}
}

// gone returns nil if a process has ended. A zombie (state Z, proc_pid_stat(5)) counts as ended.
func gone(pid int) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || strings.Contains(string(stat), ") Z ") {
		return nil
	}
	return fmt.Errorf("process %d still runs: %s", pid, stat)
}
