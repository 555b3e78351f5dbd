package simulated

import (
	"context"
	"time"
)

// WithWait replaces the wait before a late answer.
func (g *Gateway) WithWait(wait func(context.Context, time.Duration) error) *Gateway {
	g.wait = wait
	return g
}

// WithMemory changes how many authorizations the gateway remembers.
func (g *Gateway) WithMemory(authorizations int) *Gateway {
	g.authorizations = newAuthorizations(authorizations)
	return g
}
