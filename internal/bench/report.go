package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// pair is a round of both sides, taken one after the other.
type pair struct {
	floor, orders result
}

func (p pair) rateRatio() float64 {
	return p.orders.rate() / p.floor.rate()
}

func median(rounds []pair) pair {
	slices.SortFunc(rounds, func(a, b pair) int {
		if a.rateRatio() < b.rateRatio() {
			return -1
		}
		return 1
	})
	return rounds[len(rounds)/2]
}

const row = "%-15s %-15s %8s %9s %9s %9s %7s\n"

func printHeader() {
	fmt.Printf("\n"+row, "load", "", "rate/s", "p50", "p95", "p99", "failed")
}

func printPair(load string, p pair) {
	for _, side := range []struct {
		name string
		r    result
	}{{"floor", p.floor}, {"POST /transact", p.orders}} {
		fmt.Printf(row, load, side.name, fmt.Sprintf("%.1f", side.r.rate()), millis(side.r.quantile(50)),
			millis(side.r.quantile(95)), millis(side.r.quantile(99)), fmt.Sprint(side.r.failed))
		load = ""
	}
	of := func(q float64) string {
		return fmt.Sprintf("%.2f", float64(p.orders.quantile(q))/float64(p.floor.quantile(q)))
	}
	fmt.Printf(row, "", "ratio", fmt.Sprintf("%.2f", p.rateRatio()), of(50), of(95), of(99), "")
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d.Microseconds())/1000)
}

// samples are workflows to look at afterwards.
type samples struct {
	mu  sync.Mutex
	ids []string
}

const maxSamples = 200

func (s *samples) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) < maxSamples {
		s.ids = append(s.ids, id)
	}
}

// cost is what a kind of run costs the engine, the same for every run of the kind.
type cost struct {
	kind               string
	events, transition int64
}

// printCosts tells what each path costs, from the runs of this very benchmark.
func printCosts(ctx context.Context, c client.Client, f *floor, o *orders) error {
	fmt.Printf("%-50s %8s %12s %6s\n", "cost of a run", "events", "transitions", "runs")
	for _, side := range []struct {
		name string
		ids  []string
	}{{f.name(), f.samples.ids}, {o.name(), o.samples.ids}} {
		counts := map[cost]int{}
		for _, id := range side.ids {
			one, err := costOf(ctx, c, side.name, id)
			if err != nil {
				return err
			}
			counts[one]++
		}
		for one, count := range counts {
			fmt.Printf("%-50s %8d %12d %6d\n", one.kind, one.events, one.transition, count)
		}
	}
	return nil
}

func costOf(ctx context.Context, c client.Client, side, id string) (cost, error) {
	answer, err := c.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return cost{}, fmt.Errorf("describe %s: %w", id, err)
	}
	info := answer.GetWorkflowExecutionInfo()
	kind := side
	if status := info.GetSearchAttributes().GetIndexedFields()["TransactionStatus"]; status != nil {
		kind += " " + string(status.GetData())
	}
	if info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		kind += " (still running)"
	}
	return cost{kind: kind, events: info.GetHistoryLength(), transition: info.GetStateTransitionCount()}, nil
}
