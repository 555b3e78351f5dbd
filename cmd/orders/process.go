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
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/card"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
	"dummyorders/internal/logging"
	"dummyorders/internal/telemetry"
	"dummyorders/workers"
)

// process holds what every process needs.
type process struct {
	env      environment
	values   *values
	log      *slog.Logger
	temporal temporal.Client
	metrics  http.Handler
	checks   map[string]health.Check // of /readyz; set by the part
	traces   trace.TracerProvider    // nil if no spans are recorded
	flush    func()                  // exports the last spans
}

// part reads its settings, records their faults, and returns the function that does the work until ctx ends. It makes
// no connections yet.
type part func(p *process) func(ctx context.Context) error

// run runs parts in one process, each with a logger of its name, and serves the health of all. When one of them fails, all end. It
// reports the faults in the settings of all parts before it starts any.
func run(ctx context.Context, parts map[string]part) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	metrics, err := env.metrics()
	if err != nil {
		return err
	}
	telemetry.BuildInfo.Set(telemetry.Value{Value: 1, Labels: []string{buildVersion(), runtime.Version()}})
	var faults []string
	var all sync.WaitGroup
	defer all.Wait()
	var todo []func(context.Context) error
	var last *process
	checks := map[string]health.Check{}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p, err := newProcess(ctx, name, telemetry.Handler(metrics))
		if err != nil {
			return err
		}
		defer all.Go(p.close)
		todo = append(todo, parts[name](p))
		faults = append(faults, p.values.faults...)
		join(checks, p.checks)
		last = p
	}
	todo = append(todo, poll(last.log, "readiness", func(ctx context.Context) error { return showReady(ctx, checks) }),
		poll(last.log, "certificates", showExpiries(last.env.certificates(), temporal.CertificateTexts())))
	last.checks = checks
	work := last.withHealth(func(ctx context.Context) error { return together(ctx, todo...) })
	if err := allWrong(append(faults, last.values.faults...)); err != nil {
		return err
	}
	return work(ctx)
}

// noMetrics is a value of OTEL_METRICS_EXPORTER.
const noMetrics = "none"

// metrics has metrics kept, unless the settings say not to, and returns what is shown of them.
func (e environment) metrics() (prometheus.Gatherer, error) {
	if e.MetricsExporter == noMetrics {
		return prometheus.NewRegistry(), nil
	}
	return telemetry.Start()
}

// once runs a command that ends by itself. It has a process's settings, and shows neither health nor metrics.
func once(ctx context.Context, name string, command part) error {
	p, err := newProcess(ctx, name, http.NotFoundHandler())
	if err != nil {
		return err
	}
	defer p.close()
	do := command(p)
	if err := allWrong(p.values.faults); err != nil {
		return err
	}
	return do(ctx)
}

// allWrong returns an error with each fault once, or nil if there is none.
func allWrong(faults []string) error {
	if slices.Sort(faults); len(faults) == 0 {
		return nil
	}
	return &configError{faults: slices.Compact(faults)}
}

// join adds checks to others. Where two parts of one process have a check of the same name, both have to pass.
func join(all, more map[string]health.Check) {
	for name, check := range more {
		if other, known := all[name]; known {
			all[name] = func(ctx context.Context) error { return errors.Join(other(ctx), check(ctx)) }
			continue
		}
		all[name] = check
	}
}

// showReady shows which checks pass.
func showReady(ctx context.Context, checks map[string]health.Check) error {
	var values []telemetry.Value
	failed := health.Run(ctx, checks)
	for name := range checks {
		values = append(values, telemetry.Value{Value: map[bool]float64{true: 1}[failed[name] == nil], Labels: []string{name}})
	}
	telemetry.Ready.Set(values...)
	return nil
}

// poll returns a function that has metrics read until ctx ends.
func poll(log *slog.Logger, what string, read func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		telemetry.Poll(ctx, log, what, read)
		return nil
	}
}

// together runs functions until all have ended. When one of them fails, the ctx of the others ends.
func together(ctx context.Context, todo ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, do := range todo {
		group.Go(func() error { return do(ctx) })
	}
	return group.Wait()
}

// newProcess reads the environment and records its faults in the process.
func newProcess(ctx context.Context, name string, metrics http.Handler) (*process, error) {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return nil, err
	}
	p := &process{env: env, values: &values{}, metrics: metrics, flush: func() {}}
	level, format := p.values.level("LOG_LEVEL", env.LogLevel), env.logFormat(p.values)
	if p.log, err = logging.New(os.Stderr, name, format, env.NoColor == "", level, card.Conceal); err != nil {
		p.log = slog.New(slog.DiscardHandler) // the faults of the settings say it better
	}
	p.values.oneOf("OTEL_METRICS_EXPORTER", env.MetricsExporter, []string{"prometheus", noMetrics})
	p.trace(ctx, name)
	if p.temporal, err = temporal.New(p.log, env.temporalCompression(p.values), p.traces); err != nil {
		p.values.faults = append(p.values.faults, err.Error())
	}
	return p, nil
}

func (p *process) close() {
	if p.temporal != nil {
		p.temporal.Close()
	}
	p.flush()
	logging.Flush(p.log)
}

// worker is what a part needs to run one of the workers.
type worker struct {
	name   string
	maker  workers.Maker
	checks map[string]health.Check // for /readyz, in addition to those of Temporal and of the worker itself
	beside []func(context.Context) error
}

// work returns a function that runs the worker and all that is beside it.
func (p *process) work(w worker) func(context.Context) error {
	runner := workers.NewRunner(w.name, w.maker, p.log)
	p.checks = map[string]health.Check{"temporal": temporal.Check(p.temporal), "worker": runner.Ready}
	maps.Copy(p.checks, w.checks)
	todo := append([]func(context.Context) error{runner.Run}, w.beside...)
	return func(ctx context.Context) error { return together(ctx, todo...) }
}

// withHealth returns a function that works, and serves the process's health and metrics on HEALTH_ADDRESS, if that is set, until the
// work has ended: so /readyz can say that the process drains.
func (p *process) withHealth(work func(context.Context) error) func(context.Context) error {
	address := p.env.healthAddress(p.values)
	if address == "" {
		return work
	}
	return func(ctx context.Context) error {
		return outlast(ctx, work, func(serving context.Context) error {
			handler := health.Handler(ctx, p.log, p.checks, p.metrics)
			return serve(serving, p.log, address, fewConnections, handler, 5*time.Second)
		})
	}
}

// outlast runs work, and beside, which work needs: the ctx of beside ends only once work has returned. When one of them fails, both end.
func outlast(ctx context.Context, work, beside func(context.Context) error) error {
	needed, stop := context.WithCancel(context.WithoutCancel(ctx))
	return together(ctx,
		func(context.Context) error { return beside(needed) },
		func(ctx context.Context) error {
			defer stop()
			return work(ctx)
		})
}

// maxHeader is the largest size of a request's headers, in bytes: they are read before the caller is known.
const maxHeader = 16 << 10

// withSafeHeaders sets headers that stop browsers from guessing an answer's content type and from caching it. Handlers may
// override them.
func withSafeHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// closing has each answer close its connection once running has ended: a caller opens its next one elsewhere. A connection that
// is closed while it is idle may have the caller's next request on its way.
func closing(running context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if running.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// delayed returns a context that ends some time after ctx does.
func delayed(ctx context.Context, delay time.Duration) (context.Context, context.CancelFunc) {
	late, stop := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(delay, stop) })
	return late, stop
}

// fewConnections is for a listener to which only those connect who ask a process for its health.
func fewConnections(listener net.Listener) net.Listener {
	return netutil.LimitListener(listener, 100)
}

// serve listens until ctx ends, then waits up to drain for open requests to finish. limit bounds the listener's connections.
func serve(ctx context.Context, log *slog.Logger, address string, limit func(net.Listener) net.Listener, handler http.Handler, drain time.Duration) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	listener = limit(listener)
	server := &http.Server{
		Handler:        withSafeHeaders(handler),
		MaxHeaderBytes: maxHeader,
		// Also of headers: a shorter time for these has slow clients connect again more often, which costs more than to wait for them.
		ReadTimeout:  15 * time.Second,
		WriteTimeout: 90 * time.Second, // more than the longest wait for an answer
		IdleTimeout:  2 * time.Minute,
		ErrorLog:     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
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
