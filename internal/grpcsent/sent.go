// Package grpcsent tells whether a gRPC call ever reached the wire. After a failed call that makes the difference
// between "nothing happened" and "nobody can know".
package grpcsent

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

type key struct{}

// Track returns a context for calls, and a function that says whether any of them, or of their retries, was sent.
func Track(ctx context.Context) (context.Context, func() bool) {
	sent := new(atomic.Bool)
	return context.WithValue(ctx, key{}, sent), sent.Load
}

// Handler notes what is sent; give it to the connection as grpc.WithStatsHandler(Handler{}).
type Handler struct{}

// TagRPC keeps the context as it is: it already carries the note.
func (Handler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC notes that a request's payload went out.
func (Handler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, out := s.(*stats.OutPayload); !out {
		return
	}
	if sent, tracked := ctx.Value(key{}).(*atomic.Bool); tracked {
		sent.Store(true)
	}
}

// TagConn keeps the context as it is.
func (Handler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn has nothing to note.
func (Handler) HandleConn(context.Context, stats.ConnStats) {}
