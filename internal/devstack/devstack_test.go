package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/internal/stack"
)

// standInVariable makes this test binary stand in for orders.
const standInVariable = "DEVSTACK_TEST_ORDERS"

func TestMain(m *testing.M) {
	if os.Getenv(standInVariable) != "" {
		standIn(os.Args[1])
		return
	}
	goleak.VerifyTestMain(m)
}

// standIn behaves like one of our processes, as far as the dev stack can see. It ends by itself when a file with its
// name appears in the folder that the variable names.
func standIn(name string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	fmt.Println("settings", name, os.Getenv("RABBITMQ_PUBLISHER_URL"), len(os.Getenv("CARD_FINGERPRINT_KEY")))
	fmt.Println("persons of", os.Getenv("OIDC_ISSUER"))
	address := os.Getenv("HEALTH_ADDRESS")
	if name == "api" {
		address = os.Getenv("HTTP_ADDRESS")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	go func() { _ = http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) }()
	for {
		if _, err := os.Stat(filepath.Join(os.Getenv(standInVariable), name)); err == nil {
			fmt.Println("the database is gone")
			os.Exit(7)
		}
		select {
		case <-ctx.Done():
			fmt.Println(name, "has drained")
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// screen is a terminal whose text tests can read.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// shows waits until the text is there.
func (s *screen) shows(t *testing.T, text string) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute) // longer than the servers may take: then they say why they do not start
	for !strings.Contains(s.String(), text) {
		require.True(t, time.Now().Before(deadline), "no %q on the screen:\n%s", text, s)
		time.Sleep(20 * time.Millisecond)
	}
}

// standInStack is a dev stack in the test's folder, on ports of its own, with the real servers and with stand-ins for
// our processes.
type standInStack struct {
	*devStack
	screen *screen
	doom   string // a file in this folder with a process's name ends that process
	ended  chan error
}

func newStandInStack(t *testing.T, dir string) *standInStack {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	orders, err := os.Executable()
	require.NoError(t, err)
	s := &standInStack{screen: &screen{}, doom: t.TempDir(), ended: make(chan error, 1)}
	t.Setenv(standInVariable, s.doom)
	s.devStack, err = newDevStack(t.Context(), root, dir, &terminal{out: s.screen})
	require.NoError(t, err)
	s.orders = orders
	return s
}

// begin runs the stack until end is called. end stops it, and returns run's result.
func (s *standInStack) begin(t *testing.T) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { s.ended <- s.run(ctx) }()
	end = sync.OnceValue(func() error {
		cancel()
		err := <-s.ended
		require.NoError(t, s.stop(context.Background()))
		return err
	})
	t.Cleanup(func() { _ = end() })
	return end
}

// ownPorts sets every address of the settings to a free port.
func ownPorts(t *testing.T) {
	t.Helper()
	free := func() int {
		port, err := stack.FreePort()
		require.NoError(t, err)
		return port
	}
	t.Setenv("HTTP_ADDRESS", fmt.Sprintf("127.0.0.1:%d", free()))
	t.Setenv("TEMPORAL_ADDRESS", fmt.Sprintf("localhost:%d", free()))
	t.Setenv("WEB_UI_URL", fmt.Sprintf("http://localhost:%d", free()))
	broker := free()
	t.Setenv("RABBITMQ_PUBLISHER_URL", fmt.Sprintf("amqp://orders:orders@localhost:%d/", broker))
	t.Setenv("RABBITMQ_CONSUMER_URL", fmt.Sprintf("amqp://alertman:alertman@localhost:%d/", broker))
	t.Setenv("RABBITMQ_MANAGEMENT_PORT", fmt.Sprint(free()))
	t.Setenv("SMTP_HOSTNAME", "localhost")
	t.Setenv("SMTP_PORT", fmt.Sprint(free()))
}

func temporal(t *testing.T, s *standInStack, args ...string) string {
	t.Helper()
	cli := filepath.Join(s.root, "bin", "temporal")
	printed, err := exec.CommandContext(t.Context(), cli, append(args, "--address", s.settings.TemporalAddress)...).CombinedOutput()
	require.NoError(t, err, "%s", printed)
	return string(printed)
}

// Everything starts, is stopped, and is there again the next time.
func TestStartAndStop(t *testing.T) {
	ownPorts(t)
	dir := t.TempDir()
	first := newStandInStack(t, dir)
	end := first.begin(t)
	first.screen.shows(t, "Everything runs.")
	require.Contains(t, first.screen.String(), "curl http://"+strings.Replace(os.Getenv("HTTP_ADDRESS"), "127.0.0.1", "localhost", 1)+"/transact  -X POST")
	require.Contains(t, first.screen.String(), os.Getenv("WEB_UI_URL"))
	require.Contains(t, first.screen.String(), "http://localhost:"+os.Getenv("RABBITMQ_MANAGEMENT_PORT"))
	require.Contains(t, first.screen.String(), "fraud-police | settings fraud-police "+os.Getenv("RABBITMQ_PUBLISHER_URL")+" 64\n")
	requireLoopback(t, first)
	temporal(t, first, "workflow", "start", "--type", "Yesterday", "--task-queue", "none", "--workflow-id", "yesterday")
	require.Contains(t, temporal(t, first, "operator", "namespace", "describe"), "720h")
	require.NoError(t, end())
	require.Contains(t, first.screen.String(), "alertman     | alertman has drained\n")
	for _, name := range first.commands() {
		log, err := os.ReadFile(filepath.Join(dir, "log", name+".log"))
		require.NoError(t, err)
		require.Contains(t, string(log), name+" has drained\n")
	}
	require.NoError(t, first.plan.checkPorts(first.settings), "something still listens")

	second := newStandInStack(t, dir)
	require.Equal(t, first.settings.CardFingerprintKey, second.settings.CardFingerprintKey)
	end = second.begin(t)
	second.screen.shows(t, "Everything runs.")
	temporal(t, second, "workflow", "describe", "--workflow-id", "yesterday")
	require.NoError(t, end())
}

// When one process ends by itself, all are stopped and its last lines are shown.
func TestProcessEnds(t *testing.T) {
	ownPorts(t)
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233") // so that this test needs no servers
	t.Setenv("RABBITMQ_PUBLISHER_URL", "amqp://rabbitmq.example.com/")
	t.Setenv("RABBITMQ_CONSUMER_URL", "amqp://rabbitmq.example.com/")
	s := newStandInStack(t, t.TempDir())
	ended := s.begin(t)
	s.screen.shows(t, "Everything runs.")
	require.Contains(t, s.screen.String(), "Temporal: using the one at temporal.example.com:7233")
	require.Contains(t, s.screen.String(), "RabbitMQ: using the one that RABBITMQ_PUBLISHER_URL names")
	require.Contains(t, s.screen.String(), "Sign-in     "+s.issuer.Link())
	s.screen.shows(t, "api          | persons of "+s.issuer.URL()+"\n")
	require.NoError(t, os.WriteFile(filepath.Join(s.doom, "worker"), nil, 0o600))
	s.screen.shows(t, "orders worker has ended, so everything is stopped")
	err := ended()
	require.ErrorContains(t, err, "orders worker ended: exit status 7; the last lines of ")
	require.ErrorContains(t, err, "\n    the database is gone")
}

// A process that cannot start is shown with its last lines.
func TestProcessCannotStart(t *testing.T) {
	ownPorts(t)
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
	t.Setenv("RABBITMQ_PUBLISHER_URL", "amqp://rabbitmq.example.com/")
	t.Setenv("RABBITMQ_CONSUMER_URL", "amqp://rabbitmq.example.com/")
	s := newStandInStack(t, t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(s.doom, "alertman"), nil, 0o600))
	err := s.run(t.Context())
	require.NoError(t, s.stop(t.Context()))
	require.ErrorContains(t, err, "orders alertman ended: exit status 7")
	require.ErrorContains(t, err, "\n    the database is gone")
}
