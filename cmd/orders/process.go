package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
	"dummyorders/internal/logging"
)

// process is what every process has.
type process struct {
	env      environment
	values   *values
	log      *slog.Logger
	temporal temporal.Client
}

// part reads its settings, notes what is wrong with them, and returns what there is to do until ctx ends. It connects
// to nothing yet.
type part func(p *process) func(ctx context.Context) error

// run runs parts in one process, each with a logger of its name. When one fails, all end. Every fault in the settings
// of any is told before anything is begun.
func run(ctx context.Context, parts map[string]part) error {
	var faults []string
	group, ctx := errgroup.WithContext(ctx)
	var todo []func(context.Context) error
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p, err := newProcess(ctx, name)
		if err != nil {
			return err
		}
		defer p.close()
		todo = append(todo, parts[name](p))
		faults = append(faults, p.values.faults...)
	}
	slices.Sort(faults)
	if faults = slices.Compact(faults); len(faults) > 0 {
		return &configError{faults: faults}
	}
	for _, do := range todo {
		group.Go(func() error { return do(ctx) })
	}
	return group.Wait()
}

// newProcess reads the environment. What it finds wrong, it notes.
func newProcess(ctx context.Context, name string) (*process, error) {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return nil, err
	}
	p := &process{env: env, values: &values{}}
	level, format := p.values.level("LOG_LEVEL", env.LogLevel), env.logFormat(p.values)
	if p.log, err = logging.New(os.Stderr, name, format, env.NoColor == "", level); err != nil {
		p.log = slog.New(slog.DiscardHandler) // the faults of the settings say it better
	}
	if p.temporal, err = temporal.New(p.log); err != nil {
		p.values.faults = append(p.values.faults, err.Error())
	}
	return p, nil
}

func (p *process) close() {
	if p.temporal != nil {
		p.temporal.Close()
	}
}

// serveHealth serves /livez and /readyz until ctx ends, where an address is set for it.
func (p *process) serveHealth(ctx context.Context, address string, checks map[string]health.Check) error {
	if address == "" {
		<-ctx.Done()
		return nil
	}
	return serve(ctx, p.log, address, health.Handler(p.log, checks), 5*time.Second)
}

// maxHeader is how many bytes a request's headers may have, which are read before anything is known of who sends them.
const maxHeader = 16 << 10

// careful has answers be taken for what they say they are, and kept nowhere, unless a handler says otherwise.
func careful(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// serve listens until ctx ends, then waits for the requests in hand, at most as long as drain.
func serve(ctx context.Context, log *slog.Logger, address string, handler http.Handler, drain time.Duration) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	server := &http.Server{
		Handler:           careful(handler),
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      90 * time.Second, // more than the longest wait for an answer
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	log.Info("Listening", "address", listener.Addr().String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve HTTP: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if err := server.Shutdown(patience); err != nil {
			return errors.Join(fmt.Errorf("drain HTTP: %w", err), server.Close())
		}
		return nil
	})
	return group.Wait()
}
