package rabbitmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	amqp "github.com/rabbitmq/amqp091-go"
)

// A live broker answers within milliseconds; these bound the waits on one that is not.
const (
	dialTimeout  = 10 * time.Second // to connect, and again for TLS and the AMQP handshake
	writeTimeout = 5 * time.Second  // for each write to the socket
	replyTimeout = 10 * time.Second // for each request that the broker has to answer
	closeTimeout = 3 * time.Second  // to close the connection properly
	heartbeat    = 10 * time.Second // a broker that is silent for one and a half of these counts as gone
)

// connection lasts one epoch: from a connect to its loss. Nothing from one epoch is ever used in the next.
type connection struct {
	*amqp.Connection
	socket net.Conn

	// blocked is why the broker reads nothing from us, such as a memory alarm; empty while it does read.
	blocked watched[string]
	// alive ends with the connection, and its cause says why.
	alive context.Context
}

func dial(ctx context.Context, cfg Config) (*connection, error) {
	c := &connection{}
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(cfg.ConnectionName)
	stop := func() bool { return true }
	defer func() { stop() }()
	var err error
	c.Connection, err = amqp.DialConfig(cfg.URL, amqp.Config{
		Heartbeat:  heartbeat,
		Locale:     "en_US",
		Properties: properties,
		Dial: func(network, address string) (net.Conn, error) {
			raw, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			c.socket = boundedWrites{raw, writeTimeout}
			stop = context.AfterFunc(ctx, func() { _ = c.socket.Close() })
			return c.socket, c.socket.SetDeadline(time.Now().Add(dialTimeout))
		},
	})
	if err != nil {
		if c.socket != nil {
			_ = c.socket.Close() // the library leaves it open when the handshake fails
		}
		return nil, fmt.Errorf("connect to %s: %w", redact(cfg.URL), err)
	}
	alive, end := context.WithCancelCause(context.Background())
	c.alive = alive
	go c.watch(end, c.NotifyClose(make(chan *amqp.Error, 1)), c.NotifyBlocked(make(chan amqp.Blocking, 1)))
	return c, nil
}

// watch returns when the connection ends: the library then closes both channels.
func (c *connection) watch(end context.CancelCauseFunc, closed <-chan *amqp.Error, blockings <-chan amqp.Blocking) {
	for {
		select {
		case b, open := <-blockings:
			switch {
			case !open:
				blockings = nil
			case b.Active:
				c.blocked.set(cmp.Or(b.Reason, "no reason given"))
			default:
				c.blocked.set("")
			}
		case err, abnormal := <-closed:
			if !abnormal {
				end(errors.New("the connection was closed"))
				return
			}
			end(fmt.Errorf("the connection was lost: %w", err))
			return
		}
	}
}

// within makes a request to the broker, and bounds the wait for its answer. The library's own requests wait forever, so
// after span within closes the socket, which ends the connection and every wait on it.
func (c *connection) within(span time.Duration, request func() error) error {
	watchdog := time.AfterFunc(span, func() { _ = c.socket.Close() })
	err := request()
	if !watchdog.Stop() && err != nil {
		return fmt.Errorf("no reply within %s: %w", span, err)
	}
	return err
}

// bound returns a ctx that also ends with the connection.
func (c *connection) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.alive, func() { cancel(context.Cause(c.alive)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// lost returns why the connection was lost, or nil while it is open.
func (c *connection) lost() error {
	return context.Cause(c.alive)
}

func (c *connection) close() {
	_ = c.within(closeTimeout, c.Connection.Close) // it is gone either way
	<-c.alive.Done()
}

// boundedWrites gives every write a deadline, which the library does not: a peer that stops reading would block the
// writer, and everything else that shares the connection, forever. A connection that missed a deadline is closed,
// because half a frame may have been sent.
type boundedWrites struct {
	net.Conn

	span time.Duration
}

func (b boundedWrites) Write(data []byte) (int, error) {
	if err := b.SetWriteDeadline(time.Now().Add(b.span)); err != nil {
		return 0, err
	}
	n, err := b.Conn.Write(data)
	if err != nil {
		_ = b.Close()
	}
	return n, err
}

// The first attempt to reconnect comes after about shortestWait, so that a broker's restart costs little. The waits
// double up to longestWait, jittered by half so that a fleet does not reconnect all at once.
const (
	shortestWait = 100 * time.Millisecond
	longestWait  = 10 * time.Second
)

// supervisor keeps a service T available, by setting up a new one on each new connection.
type supervisor[T any] struct {
	cfg   Config
	log   *slog.Logger
	state watched[state[T]]

	// Used only by run's goroutine.
	away   time.Time // since when there has been no service
	failed int       // attempts since then
}

type state[T any] struct {
	up      bool
	service T     // while up
	why     error // while not up
	over    bool  // run has ended, and there will be no other service
}

func newSupervisor[T any](cfg Config, log *slog.Logger) *supervisor[T] {
	s := &supervisor[T]{cfg: cfg, log: log.With("connection", cfg.ConnectionName)}
	s.state.set(state[T]{why: errors.New("not connected to RabbitMQ yet")})
	return s
}

// run runs one epoch after another until ctx ends. In each, setUp makes the service on a new connection, and serve
// returns when the service can no longer be used; serve's ctx also ends with the connection.
func (s *supervisor[T]) run(ctx context.Context, setUp func(*connection) (T, error), serve func(context.Context, T) error) {
	waits := &backoff.ExponentialBackOff{
		InitialInterval: shortestWait, MaxInterval: longestWait, Multiplier: 2, RandomizationFactor: 0.5,
	}
	s.away = time.Now()
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		served, err := s.epoch(ctx, setUp, serve)
		if ctx.Err() != nil {
			return struct{}{}, nil
		}
		s.lost(ctx, err)
		if served > longestWait { // else the connection may be unstable
			waits.Reset()
		}
		return struct{}{}, err
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0))
	s.state.set(state[T]{why: errors.New("the connection to RabbitMQ was closed for good"), over: true})
}

// epoch returns how long there was a service, and why it ended.
func (s *supervisor[T]) epoch(
	ctx context.Context, setUp func(*connection) (T, error), serve func(context.Context, T) error,
) (time.Duration, error) {
	conn, err := dial(ctx, s.cfg)
	if err != nil {
		return 0, err
	}
	defer conn.close()
	if s.cfg.Declare {
		if err := conn.declare(s.cfg.topology()); err != nil {
			return 0, err
		}
	}
	service, err := setUp(conn)
	if err != nil {
		return 0, err
	}
	s.found(ctx, service)
	defer func() { s.away = time.Now() }()
	began := time.Now()
	ctx, release := conn.bound(ctx)
	defer release()
	err = serve(ctx, service)
	return time.Since(began), err
}

func (s *supervisor[T]) found(ctx context.Context, service T) {
	s.state.set(state[T]{up: true, service: service})
	s.log.InfoContext(ctx, "Connected to RabbitMQ", "url", redact(s.cfg.URL), "away", time.Since(s.away).Round(time.Millisecond), "failedAttempts", s.failed)
	s.failed = 0
}

// lost logs only the first failure, however many attempts to reconnect fail after it.
func (s *supervisor[T]) lost(ctx context.Context, err error) {
	s.state.set(state[T]{why: fmt.Errorf("not connected to RabbitMQ: %w", err)})
	if s.failed++; s.failed == 1 {
		s.log.WarnContext(ctx, "No connection to RabbitMQ; connecting again until it works", "error", err)
	}
}

// watched is a value whose next change others can wait for.
type watched[T any] struct {
	mu      sync.Mutex
	value   T
	changed chan struct{} // closed at the next change; nil until the first get after a change
}

func (w *watched[T]) set(value T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value = value
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// get returns the value, and a channel that is closed at its next change.
func (w *watched[T]) get() (T, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return w.value, w.changed
}
