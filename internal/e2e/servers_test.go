package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.temporal.io/sdk/client"

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
	code, err := shared.run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func (s *servers) run(m *testing.M) (code int, err error) {
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
	if err := s.start(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func (s *servers) start(ctx context.Context) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	s.binary = filepath.Join(s.dir, "orders")
	build := exec.CommandContext(ctx, "go", "build", "-race", "-o", s.binary, "./cmd/orders")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build orders: %w: %s", err, out)
	}
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
	s.client, err = client.Dial(client.Options{HostPort: s.temporal.Address(), Logger: quiet{}})
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

// quiet drops what the tests' own client logs while they stop servers on purpose.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
