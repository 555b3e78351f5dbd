package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// The first attempt to reconnect comes after about shortestWait, so that a broker's restart costs little; the waits
// double, jittered by half so that a fleet does not come back in step, up to longestWait.
const (
	shortestWait = 100 * time.Millisecond
	longestWait  = 10 * time.Second
)

// supervisor keeps a T in service: something that is set up anew on each new connection.
type supervisor[T any] struct {
	cfg   Config
	log   *slog.Logger
	state watched[state[T]]

	// Of the goroutine in run only.
	away time.Time // since when nothing is in service
	told bool      // that it is away
}

type state[T any] struct {
	up      bool
	service T     // while up
	why     error // while not up
	over    bool  // nothing will come up any more
}

func newSupervisor[T any](cfg Config, log *slog.Logger) *supervisor[T] {
	s := &supervisor[T]{cfg: cfg, log: log.With("connection", cfg.ConnectionName)}
	s.state.set(state[T]{why: errors.New("not connected to RabbitMQ yet")})
	return s
}

// run goes through one epoch after the other until ctx ends. In each, setUp makes the service on a new connection, and
// serve returns when it can no longer be used; serve's ctx ends with the connection too.
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
		if served > longestWait { // else it may be coming and going
			waits.Reset()
		}
		return struct{}{}, err
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0))
	s.state.set(state[T]{why: errors.New("the connection to RabbitMQ was closed for good"), over: true})
}

// epoch returns how long there was a service, and why there is none any more.
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
	s.told = false
	s.state.set(state[T]{up: true, service: service})
	s.log.InfoContext(ctx, "Connected to RabbitMQ", "url", Redact(s.cfg.URL), "away", time.Since(s.away).Round(time.Millisecond))
}

// lost logs once, however many attempts to reconnect fail after it.
func (s *supervisor[T]) lost(ctx context.Context, err error) {
	s.state.set(state[T]{why: fmt.Errorf("not connected to RabbitMQ: %w", err)})
	if !s.told {
		s.told = true
		s.log.WarnContext(ctx, "No connection to RabbitMQ, trying until there is one", "error", err)
	}
}
