package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"dummyorders/api"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

// No alert is lost while RabbitMQ is stopped and started.
func TestRabbitMQOutage(t *testing.T) {
	w := newWorld(t, nil).everything()
	ids := w.streamOfFrauds(func() {
		require.NoError(t, shared.rabbitmq.Stop(context.WithoutCancel(t.Context())))
		down := w.post(body(tooMuch, goodCard), "Prefer", "wait=60")
		assert.Equal(t, http.StatusOK, down.status, "%s", down.body)
		w.reaches(down.answer(t).TransactionID, transaction.AlertError)
		require.NoError(t, shared.rabbitmq.Start(context.WithoutCancel(t.Context())))
	})
	w.areMailed(ids, 1)
	w.endAs(ids, transaction.AlertDone)
}

// Nothing that was accepted is lost while Temporal is stopped and started.
func TestTemporalOutage(t *testing.T) {
	w := newWorld(t, nil).everything()
	ids := w.streamOfFrauds(func() {
		require.NoError(t, shared.temporal.Stop(context.WithoutCancel(t.Context())))
		refused := w.post(body(tooMuch, goodCard), "Prefer", "wait=1")
		assert.Equal(t, http.StatusServiceUnavailable, refused.status)
		assert.Contains(t, string(refused.body), "nothing was accepted")
		assert.NotEmpty(t, refused.header.Get("Retry-After"))
		assert.Equal(t, http.StatusServiceUnavailable, w.get("/readyz").status)
		require.NoError(t, shared.temporal.Start(context.WithoutCancel(t.Context())))
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
		require.NoError(t, json.Unmarshal(got.body, &problem))
		require.Equal(t, http.StatusServiceUnavailable, got.status, "%s", got.body)
		require.NotEmpty(t, problem.TransactionID, "%s", got.body)
		require.NotEmpty(t, got.header.Get("Retry-After"), "%s", got.body)
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
		require.NoError(t, w.processes[apiProcess].Stop(t.Context()))
		got := <-answered
		assert.Equal(t, http.StatusAccepted, got.status, "%s", got.body)
		assert.Equal(t, "/transactions/"+id, got.header.Get("Location"), "%s", got.body)
		w.startWith(fraudPolice, nil)
		w.reaches(id, transaction.PaymentComplete)
	})
}

// Every process ends well when asked to.
func TestProcessesStop(t *testing.T) {
	w := newWorld(t, nil).everything()
	w.post(body(tooMuch, goodCard))
	for name, p := range w.processes {
		require.NoError(t, p.Stop(t.Context()))
		assert.NoError(t, p.Wait(t.Context()), name)
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
