package e2e_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"dummyorders/internal/stack"
)

// servers holds the servers that all tests share.
type servers struct {
	dir      string // everything that any process writes
	binary   string // orders, built with the race detector
	temporal *stack.Temporal
	rabbitmq *stack.RabbitMQ
	mail     *stack.Mail
	metrics  struct{ temporal, rabbitmq int } // the ports of the servers' metrics
	client   client.Client

	// onKept and onData are the running test's hooks into the mail server.
	onKept atomic.Pointer[func(stack.Message)]
	onData atomic.Pointer[func() error]
}

var shared servers

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := shared.run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func (s *servers) run(m *testing.M) (code int, err error) {
	if isSet("list") {
		return m.Run(), nil
	}
	if s.dir, err = os.MkdirTemp("", "orders-e2e-"); err != nil {
		return 0, err
	}
	ctx := context.Background()
	defer func() {
		s.stop(ctx)
		if code == 0 && err == nil {
			_ = os.RemoveAll(s.dir)
			return
		}
		fmt.Fprintln(os.Stderr, "e2e: kept", s.dir)
	}()
	root, err := stack.Root()
	if err != nil {
		return 0, err
	}
	if s.binary = os.Getenv(laneBinary); s.binary == "" {
		s.binary = filepath.Join(s.dir, "orders")
		build := exec.CommandContext(ctx, "go", "build", "-race", "-o", s.binary, "./cmd/orders")
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build orders: %w: %s", err, out)
		}
	}
	if !isSet("run") && !isSet("skip") {
		return 0, s.runInLanes(ctx)
	}
	if err := s.start(ctx, root); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// isSet reports whether go test was given a flag.
func isSet(name string) bool { return flag.Lookup("test."+name).Value.String() != "" }

// lanes is how many processes share all the tests, which wait most of their time. Each process has servers of its own. laneBinary
// tells it which orders to test.
const (
	lanes      = 2
	laneBinary = "ORDERS_E2E_BINARY"
)

// runInLanes runs all tests. What the lanes print comes lane by lane.
func (s *servers) runInLanes(ctx context.Context) error {
	list, err := exec.CommandContext(ctx, os.Args[0], "-test.list=^Test").Output()
	if err != nil {
		return fmt.Errorf("list the tests: %w", err)
	}
	var tests [lanes][]string
	for i, name := range strings.Fields(string(list)) {
		tests[i%lanes] = append(tests[i%lanes], name)
	}
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool { return strings.HasPrefix(arg, "-test.testlogfile") })
	var outputs [lanes]bytes.Buffer
	var all errgroup.Group
	for i := range lanes {
		lane := exec.CommandContext(ctx, os.Args[0], append(slices.Clip(args), "-test.run=^("+strings.Join(tests[i], "|")+")$")...)
		lane.Env = append(os.Environ(), laneBinary+"="+s.binary)
		lane.Stdout, lane.Stderr = &outputs[i], &outputs[i]
		all.Go(lane.Run)
	}
	err = all.Wait()
	for i := range lanes {
		_, _ = outputs[i].WriteTo(os.Stdout)
	}
	return err
}

func (s *servers) start(ctx context.Context, root string) (err error) {
	for _, port := range []*int{&s.metrics.temporal, &s.metrics.rabbitmq} {
		if *port, err = stack.FreePort(); err != nil {
			return err
		}
	}
	s.temporal, err = stack.StartTemporal(ctx, stack.TemporalOptions{Dir: filepath.Join(s.dir, "temporal"), MetricsPort: s.metrics.temporal})
	if err != nil {
		return err
	}
	s.rabbitmq, err = stack.StartRabbitMQ(ctx, stack.RabbitMQOptions{
		Dir:         filepath.Join(s.dir, "rabbitmq"),
		MetricsPort: s.metrics.rabbitmq,
		Definitions: filepath.Join(root, "gateways", "rabbitmq", "definitions.json"),
	})
	if err != nil {
		return err
	}
	s.mail, err = stack.StartMail(stack.MailOptions{Dir: filepath.Join(s.dir, "mail"), OnData: s.dataHook, OnKept: s.keptHook})
	if err != nil {
		return err
	}
	// The tests stop servers on purpose, of which the client would log much.
	s.client, err = client.Dial(client.Options{HostPort: s.temporal.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	return err
}

func (s *servers) stop(ctx context.Context) {
	if s.client != nil {
		s.client.Close()
	}
	if s.mail != nil {
		_ = s.mail.Stop(ctx)
	}
	if s.rabbitmq != nil {
		_ = s.rabbitmq.Stop(ctx)
	}
	if s.temporal != nil {
		_ = s.temporal.Stop(ctx)
	}
}

func (s *servers) dataHook(string, []string, []byte) error {
	if hook := s.onData.Load(); hook != nil {
		return (*hook)()
	}
	return nil
}

func (s *servers) keptHook(m stack.Message) {
	if hook := s.onKept.Load(); hook != nil {
		(*hook)(m)
	}
}
