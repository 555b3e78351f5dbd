package temporal

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

type sentKey struct{}

// trackSent returns a context for calls, and a function that reports whether any of them, or of their retries, was sent.
// After a failed call this decides between "nothing happened" and "the result is unknown".
func trackSent(ctx context.Context) (context.Context, func() bool) {
	sent := new(atomic.Bool)
	return context.WithValue(ctx, sentKey{}, sent), sent.Load
}

// SentHandler records which calls of a connection are sent. New's clients have one.
type SentHandler struct{}

// TagRPC returns the context unchanged: it already carries trackSent's flag.
func (SentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC records that a request's payload was sent.
func (SentHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, out := s.(*stats.OutPayload); !out {
		return
	}
	if sent, tracked := ctx.Value(sentKey{}).(*atomic.Bool); tracked {
		sent.Store(true)
	}
}

// TagConn returns the context unchanged.
func (SentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn does nothing.
func (SentHandler) HandleConn(context.Context, stats.ConnStats) {}
