package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
)

// sample is a workflow to examine afterwards, and when its caller asked and was answered.
type sample struct {
	id             string
	sent, answered time.Time
}

// samples collects some of the workflows that ran.
type samples struct {
	mu  sync.Mutex
	all []sample
}

const maxSamples = 200

func (s *samples) add(one sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) < maxSamples {
		s.all = append(s.all, one)
	}
}

// take returns the samples, and begins anew.
func (s *samples) take() []sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.all
	s.all = nil
	return taken
}

// steps are the durations of what a transaction goes through, in their order, by the times of its history's events.
type steps struct {
	names []string
	took  map[string][]float64 // in milliseconds, one of each transaction
	last  time.Time
}

func (s *steps) end(name string, at time.Time) {
	if !slices.Contains(s.names, name) {
		s.names = append(s.names, name)
	}
	s.took[name] = append(s.took[name], float64(at.Sub(s.last).Microseconds())/1000)
	s.last = at
}

// add adds a transaction's steps. Caller, server and workers share one clock, that of the machine.
func (s *steps) add(one sample, events []*history.HistoryEvent) {
	s.last = one.sent
	activities, tasks := map[int64]string{}, 0
	for _, event := range events {
		at := event.GetEventTime().AsTime()
		switch event.GetEventType() { //nolint:exhaustive // no others are on the way to an answer
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
			s.end("HTTP, and the start at the server", at)
		case enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			tasks++
			s.end(fmt.Sprintf("workflow task %d: to a worker", tasks), at)
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			s.end(fmt.Sprintf("workflow task %d", tasks), at)
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			activities[event.GetEventId()] = event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			s.end(activities[event.GetActivityTaskStartedEventAttributes().GetScheduledEventId()]+": to a worker", at)
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			s.end(activities[event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()], at)
		}
	}
	s.end("answer", one.answered)
}

// printSteps prints the steps of a system's samples, which were taken with one caller.
func (r *report) printSteps(ctx context.Context, of system) error {
	taken, s := of.samples.take(), steps{took: map[string][]float64{}}
	var whole []float64
	for _, one := range taken {
		var events []*history.HistoryEvent
		for iterator := of.temporal.GetWorkflowHistory(ctx, one.id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); iterator.HasNext(); {
			event, err := iterator.Next()
			if err != nil {
				return fmt.Errorf("read the history of %s: %w", one.id, err)
			}
			events = append(events, event)
		}
		s.add(one, events)
		whole = append(whole, float64(one.answered.Sub(one.sent).Microseconds())/1000)
	}
	s.names, s.took["all"] = append(s.names, "all"), whole
	var cells [][]string
	for _, name := range s.names {
		sum := 0.0
		for _, took := range s.took[name] {
			sum += took
		}
		cells = append(cells, []string{name, number(median(s.took[name])), number(sum / float64(len(taken)))})
	}
	printTable(r, []string{fmt.Sprintf("what one caller of %s waits for, %d times", of.name(), len(taken)), "p50 ms", "mean ms"}, cells)
	return nil
}

// cost is what a run of one kind costs the engine. It is the same for every run of the kind.
type cost struct {
	kind                string
	events, transitions int64
}

// printCosts prints the costs of the systems' samples.
func (r *report) printCosts(ctx context.Context, systems []system) error {
	var cells [][]string
	for _, one := range systems {
		counts := map[cost]int{}
		for _, run := range one.samples.take() {
			answer, err := one.temporal.DescribeWorkflowExecution(ctx, run.id, "")
			if err != nil {
				return fmt.Errorf("describe %s: %w", run.id, err)
			}
			info := answer.GetWorkflowExecutionInfo()
			kind := one.name()
			if info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
				kind += " (still running)"
			}
			counts[cost{kind, info.GetHistoryLength(), info.GetStateTransitionCount()}]++
		}
		for one, count := range counts {
			cells = append(cells, []string{one.kind, fmt.Sprint(one.events), fmt.Sprint(one.transitions), fmt.Sprint(count)})
		}
	}
	printTable(r, []string{"cost of a run", "events", "transitions", "runs"}, cells)
	return nil
}
