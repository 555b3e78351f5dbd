package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"dummyorders/api"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// No alert is lost while RabbitMQ is stopped and started.
func TestRabbitMQOutage(t *testing.T) {
	w := newWorld(t, nil).everything()
	ids := w.streamOfFrauds(func() {
		must(t, shared.rabbitmq.Stop(context.WithoutCancel(t.Context())))
		down := w.post(body(tooMuch, goodCard), "Prefer", "wait=60")
		if down.status != http.StatusOK {
			t.Errorf("while RabbitMQ is down: %d %s", down.status, down.body)
		}
		w.reaches(down.answer(t).TransactionID, transaction.AlertError)
		must(t, shared.rabbitmq.Start(context.WithoutCancel(t.Context())))
	})
	w.areMailed(ids, 1)
	w.endAs(ids, transaction.AlertDone)
}

// Nothing that was accepted is lost while Temporal is stopped and started.
func TestTemporalOutage(t *testing.T) {
	w := newWorld(t, nil).everything()
	ids := w.streamOfFrauds(func() {
		must(t, shared.temporal.Stop(context.WithoutCancel(t.Context())))
		refused := w.post(body(tooMuch, goodCard), "Prefer", "wait=1")
		if refused.status != http.StatusServiceUnavailable || !strings.Contains(string(refused.body), "nothing was accepted") ||
			refused.header.Get("Retry-After") == "" {
			t.Errorf("while Temporal is down: %d %s", refused.status, refused.body)
		}
		if ready := w.get("/readyz"); ready.status != http.StatusServiceUnavailable {
			t.Errorf("/readyz answers %d while Temporal is down", ready.status)
		}
		must(t, shared.temporal.Start(context.WithoutCancel(t.Context())))
	})
	w.areMailed(ids, 1)
	w.endAs(ids, transaction.AlertDone)
}

// streamOfFrauds posts frauds from several callers while happens runs, and for a while before and after. It returns the
// ids of those that were accepted.
func (w *world) streamOfFrauds(happens func()) []string {
	w.t.Helper()
	var mu sync.Mutex
	var ids []string
	var all sync.WaitGroup
	over := make(chan struct{})
	for range 3 {
		all.Go(func() {
			pace := time.NewTicker(time.Second)
			defer pace.Stop()
			for {
				got, err := w.send(body(tooMuch, goodCard), "Prefer", "wait=5")
				var accepted ledger.Answer
				if err == nil && got.status < 300 && json.Unmarshal(got.body, &accepted) == nil {
					mu.Lock()
					ids = append(ids, accepted.TransactionID)
					mu.Unlock()
				}
				select {
				case <-over:
					return
				case <-pace.C:
				}
			}
		})
	}
	accepted := func(more int) {
		mu.Lock()
		before := len(ids)
		mu.Unlock()
		eventually(w.t, func() error {
			mu.Lock()
			defer mu.Unlock()
			if len(ids) < before+more {
				return fmt.Errorf("%d frauds accepted, want %d", len(ids), before+more)
			}
			return nil
		})
	}
	accepted(3)
	happens()
	accepted(3)
	close(over)
	all.Wait()
	return ids
}

func TestOutageAnswers(t *testing.T) {
	t.Run("which transaction to ask for when nobody can know whether it was accepted", func(t *testing.T) {
		temporal := startProxy(t, shared.temporal.Address())
		w := newWorld(t, nil).start(worker, fraudPolice)
		w.env["TEMPORAL_ADDRESS"] = temporal.Listen
		w.start(apiProcess)
		temporal.hold(fromServer) // calls arrive, but answers do not
		got := w.post(body(small, goodCard), "Prefer", "wait=1")
		var problem api.Problem
		must(t, json.Unmarshal(got.body, &problem))
		if got.status != http.StatusServiceUnavailable || problem.TransactionID == "" || got.header.Get("Retry-After") == "" {
			t.Fatalf("%d %s", got.status, got.body)
		}
		w.reaches(problem.TransactionID, transaction.PaymentComplete) // here it was
	})
	t.Run("where to ask when the API is told to stop while it waits", func(t *testing.T) {
		w := newWorld(t, nil).start(worker, apiProcess)
		answered := make(chan reply, 1)
		go func() {
			got, _ := w.send(body(small, goodCard), "Prefer", "wait=60")
			answered <- got
		}()
		id := w.onlyRunning()
		must(t, w.processes[apiProcess].Stop(t.Context()))
		if got := <-answered; got.status != http.StatusAccepted || got.header.Get("Location") != "/transactions/"+id {
			t.Errorf("%d %s", got.status, got.body)
		}
		w.startWith(fraudPolice, nil)
		w.reaches(id, transaction.PaymentComplete)
	})
}

// Every process ends well when asked to.
func TestProcessesStop(t *testing.T) {
	w := newWorld(t, nil).everything()
	w.post(body(tooMuch, goodCard))
	for name, p := range w.processes {
		must(t, p.Stop(t.Context()))
		if err := p.Wait(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// transactions is the query for all workflows of transactions that have not ended.
const transactions = "WorkflowType = 'ProcessTransaction' AND ExecutionStatus = 'Running'"

// running returns the ids of workflows that have not ended.
func running(ctx context.Context, query string) ([]string, error) {
	var ids []string
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: query,
	}
	for {
		answer, err := shared.client.ListWorkflow(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, execution := range answer.GetExecutions() {
			ids = append(ids, execution.GetExecution().GetWorkflowId())
		}
		if request.NextPageToken = answer.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return ids, nil
		}
	}
}
