// Package grpcsent reports whether a gRPC call was ever sent. After a failed call this decides between "nothing
// happened" and "the result is unknown".
package grpcsent

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

type key struct{}

// Track returns a context for calls, and a function that reports whether any of them, or of their retries, was sent.
func Track(ctx context.Context) (context.Context, func() bool) {
	sent := new(atomic.Bool)
	return context.WithValue(ctx, key{}, sent), sent.Load
}

// Handler records which calls are sent. Pass it to the connection as grpc.WithStatsHandler(Handler{}).
type Handler struct{}

// TagRPC returns the context unchanged: it already carries Track's flag.
func (Handler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC records that a request's payload was sent.
func (Handler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, out := s.(*stats.OutPayload); !out {
		return
	}
	if sent, tracked := ctx.Value(key{}).(*atomic.Bool); tracked {
		sent.Store(true)
	}
}

// TagConn returns the context unchanged.
func (Handler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn does nothing.
func (Handler) HandleConn(context.Context, stats.ConnStats) {}
