// Package temporal talks to Temporal: it starts, queries and reads the workflows, in the domain's terms. Each operation and
// its options are written down here once.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"

	"dummyorders/internal/telemetry"
)

// Client is a connection to Temporal.
type Client = client.Client

// askWithin bounds how long one call to Temporal may take.
const askWithin = 10 * time.Second

// updateWithin bounds how long a workflow may take to accept an update. Temporal gives a task that a stopped worker has lost to
// another worker after 10 seconds; an API that stops waits for 20.
const updateWithin = 15 * time.Second

// New makes a client from Temporal's own environment variables and profiles (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
// TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE). It connects at its first call, so that
// processes may start in any order. It fails only on invalid settings. If traces is nil, calls, workflows and activities have
// no spans.
func New(logger *slog.Logger, compression Compression, traces trace.TracerProvider) (Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("read Temporal's settings: %w", err)
	}
	if options.HostPort != "" {
		if _, _, err := net.SplitHostPort(options.HostPort); err != nil {
			return nil, fmt.Errorf("TEMPORAL_ADDRESS=%q: must be host:port, such as localhost:7233", options.HostPort)
		}
	}
	options.ConnectionOptions.GrpcCompression = compression.of(options.HostPort)
	options.Logger = log.NewStructuredLogger(logger)
	options.MetricsHandler = &keptMetrics{MetricsHandler: opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: telemetry.Meter(), UseMonotonicCounters: true,
	})}
	options.ContextPropagators = []workflow.ContextPropagator{propagator{}}
	if traces != nil {
		tracing, err := newTracing(traces)
		if err != nil {
			return nil, fmt.Errorf("set up Temporal's traces: %w", err)
		}
		options.Interceptors = []interceptor.ClientInterceptor{tracing}
	}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions,
		grpc.WithStatsHandler(SentHandler{}))
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("make a Temporal client: %w", err)
	}
	return c, nil
}

// Compression says whether what is sent to Temporal is compressed.
type Compression string

// The compressions. AutoCompression compresses only what goes to a server that is far away: to a near one, compressing
// costs more time than it saves.
const (
	AutoCompression Compression = "auto"
	Gzip            Compression = "gzip"
	NoCompression   Compression = "none"
)

// Compressions lists all compressions.
var Compressions = []string{string(AutoCompression), string(Gzip), string(NoCompression)}

func (c Compression) of(address string) client.GrpcCompression {
	if c == NoCompression || c == AutoCompression && isNear(address) {
		return &client.GrpcCompressionNone{}
	}
	return &client.GrpcCompressionGzip{}
}

// isNear reports whether an address is on this machine or in a private network. A name without a dot is one of Compose, or of
// the same cluster.
func isNear(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return !strings.Contains(host, ".")
	}
	return ip.IsLoopback() || ip.IsPrivate()
}

// Check returns a function that checks whether Temporal can be reached.
func Check(c Client) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}
}

// mostAsked bounds how often a workflow is asked the same: a process that stops has a few polls to close.
const mostAsked = 10

// ask queries a workflow. A query that the server had handed to a poll of a process that was just stopping fails with Canceled: ask
// then asks again, for another process to answer.
func ask(ctx context.Context, c Client, workflowID, runID, query string) (answer converter.EncodedValue, err error) {
	for range mostAsked {
		answer, err = c.QueryWorkflow(ctx, workflowID, runID, query)
		if !is[*serviceerror.Canceled](err) || ctx.Err() != nil {
			break
		}
	}
	return answer, err
}

func isNotFound(err error) bool {
	return is[*serviceerror.NotFound](err)
}

// is reports whether err, or an error that it wraps, is an E.
func is[E error](err error) bool {
	_, found := errors.AsType[E](err)
	return found
}
