// Package temporal talks to Temporal: it starts, queries and reads the workflows, in the domain's terms. Each operation and
// its options are written down here once.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
)

// Client is a connection to Temporal.
type Client = client.Client

// askWithin bounds how long one call to Temporal may take.
const askWithin = 10 * time.Second

// New makes a client from Temporal's own environment variables and profiles (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
// TEMPORAL_API_KEY, TEMPORAL_TLS_*, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE). It connects at its first call, so that
// processes may start in any order. It fails only on invalid settings.
func New(logger *slog.Logger) (Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("read Temporal's settings: %w", err)
	}
	if options.HostPort != "" {
		if _, _, err := net.SplitHostPort(options.HostPort); err != nil {
			return nil, fmt.Errorf("TEMPORAL_ADDRESS=%q: must be host:port, such as localhost:7233", options.HostPort)
		}
	}
	options.Logger = log.NewStructuredLogger(logger)
	options.ContextPropagators = []workflow.ContextPropagator{propagator{}}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions,
		grpc.WithStatsHandler(SentHandler{}))
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("make a Temporal client: %w", err)
	}
	return c, nil
}

// Check returns a function that checks whether Temporal can be reached.
func Check(c Client) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}
}

func isNotFound(err error) bool {
	return is[*serviceerror.NotFound](err)
}

// is reports whether err, or an error that it wraps, is an E.
func is[E error](err error) bool {
	_, found := errors.AsType[E](err)
	return found
}
