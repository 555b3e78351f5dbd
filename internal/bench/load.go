package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// target is what a load is put on. call processes one transaction and returns once it is answered.
type target interface {
	name() string
	call(ctx context.Context) error
}

// patience is how long a call may take before it counts as failed.
const patience = 60 * time.Second

// result is what a round measured. Latencies are in microseconds.
type result struct {
	latency   *hdrhistogram.Histogram
	failed    int
	lastError error
	took      time.Duration
}

func (r result) rate() float64 {
	return float64(r.latency.TotalCount()) / r.took.Seconds()
}

func (r result) quantile(q float64) time.Duration {
	return time.Duration(r.latency.ValueAtQuantile(q)) * time.Microsecond
}

func (r result) figures() map[string]float64 {
	figures := map[string]float64{"rate/s": r.rate(), "failed": float64(r.failed)}
	for _, q := range []float64{50, 95, 99} {
		figures[fmt.Sprintf("p%g ms", q)] = r.quantile(q).Seconds() * 1000
	}
	return figures
}

// recorder collects the calls of a round.
type recorder struct {
	mu     sync.Mutex
	result result
}

func newRecorder() *recorder {
	return &recorder{result: result{latency: hdrhistogram.New(1, patience.Microseconds(), 3)}}
}

// record measures a call's latency from when it was due, not from when it was sent: a stall of the server counts for
// every call that had to wait for it.
func (r *recorder) record(due time.Time, err error) {
	took := time.Since(due)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.result.failed++
		r.result.lastError = err
		return
	}
	_ = r.result.latency.RecordValue(min(took, patience).Microseconds())
}

// closedLoop runs callers that each call again as soon as they are answered.
func closedLoop(ctx context.Context, t target, callers int, duration time.Duration) result {
	start, r := time.Now(), newRecorder()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for time.Since(start) < duration && ctx.Err() == nil {
				due := time.Now()
				r.record(due, callWithin(ctx, t))
			}
		})
	}
	all.Wait()
	r.result.took = time.Since(start)
	return r.result
}

// constantRate makes calls at an even rate, whether or not earlier calls have been answered.
func constantRate(ctx context.Context, t target, rate float64, duration time.Duration) result {
	start, r := time.Now(), newRecorder()
	interval := time.Duration(float64(time.Second) / rate)
	var all sync.WaitGroup
	for due := start; due.Sub(start) < duration && ctx.Err() == nil; due = due.Add(interval) {
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
		all.Go(func() { r.record(due, callWithin(ctx, t)) })
	}
	all.Wait()
	r.result.took = time.Since(start)
	return r.result
}

func callWithin(ctx context.Context, t target) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return t.call(ctx)
}
