package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

const row = "%-15s %-18s %8s %9s %9s %9s %7s\n"

func printHeader() {
	fmt.Printf("\n"+row, "load", "", "rate/s", "p50", "p95", "p99", "failed")
}

// figures returns a round's results for one side. Each is compared with another side's.
var figures = []func(result) float64{
	result.rate,
	func(r result) float64 { return r.quantile(50).Seconds() },
	func(r result) float64 { return r.quantile(95).Seconds() },
	func(r result) float64 { return r.quantile(99).Seconds() },
}

// printRounds prints the median of each side's figures. Under them it prints the median ratio of the last side to each
// other side. Ratios are taken within a round, where both sides were measured one after the other.
func printRounds(load string, sides []target, rounds [][]result) {
	last := len(sides) - 1
	for i, side := range sides {
		cells, failed := make([]any, 0, len(figures)), 0
		for n, figure := range figures {
			cells = append(cells, cell(n, medianOf(rounds, func(r []result) float64 { return figure(r[i]) })))
		}
		for _, round := range rounds {
			failed += round[i].failed
		}
		fmt.Printf(row, append(append([]any{load, side.name()}, cells...), strconv.Itoa(failed))...)
		load = ""
	}
	for i, side := range sides[:last] {
		cells := []any{"", "  ratio to " + side.name()}
		for _, figure := range figures {
			ratio := medianOf(rounds, func(r []result) float64 { return figure(r[last]) / figure(r[i]) })
			cells = append(cells, fmt.Sprintf("%.2f", ratio))
		}
		fmt.Printf(row, append(cells, "")...)
	}
}

func cell(n int, value float64) string {
	if n == 0 {
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.1fms", value*1000)
}

func medianOf(rounds [][]result, figure func([]result) float64) float64 {
	values := make([]float64, len(rounds))
	for i, round := range rounds {
		values[i] = figure(round)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// samples collects workflows to examine afterwards.
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

func (s *samples) sampled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids
}

// cost is what a run of one kind costs the engine. It is the same for every run of the kind.
type cost struct {
	kind               string
	events, transition int64
}

// printCosts prints the cost of each path, from the runs of this benchmark.
func printCosts(ctx context.Context, c client.Client, sides []target) error {
	fmt.Printf("%-50s %8s %12s %6s\n", "cost of a run", "events", "transitions", "runs")
	for _, side := range sides {
		counts := map[cost]int{}
		for _, id := range side.sampled() {
			one, err := costOf(ctx, c, side.name(), id)
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
