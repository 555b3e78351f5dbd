package e2e_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/transaction"
	"dummyorders/internal/stack"
	"dummyorders/workflows"
)

// The seed's loop of 200 requests at once is answered, and every fraud is mailed once.
func TestSeedLoop(t *testing.T) {
	w := newWorld(t, map[string]string{"FRAUD_DETECTOR": "dummy"}).everything()
	var mu sync.Mutex
	var all sync.WaitGroup
	ids := map[string]bool{}
	for body := range strings.FieldsSeq(strings.Repeat("seed other ", 100)) {
		all.Go(func() {
			text := map[string]string{"seed": seedBody, "other": otherSeedBody}[body]
			id := w.idOf(text, "Prefer", "wait=60")
			mu.Lock()
			defer mu.Unlock()
			ids[id] = true
		})
	}
	all.Wait()
	require.Len(t, ids, 200, "%d transactions, want 200 with ids of their own", len(ids))
	var frauds []string
	for id := range ids {
		var r transaction.Status
		eventually(t, func() error {
			got, err := record(t.Context(), id)
			if r = got.TransactionStatus.Code; err == nil && got.EndTime == nil {
				err = fmt.Errorf("transaction %s has not ended: %s", id, r)
			}
			return err
		})
		if r == transaction.AlertDone {
			frauds = append(frauds, id)
		} else if r != transaction.PaymentComplete {
			t.Errorf("transaction %s ended as %s", id, r)
		}
	}
	w.areMailed(frauds, 1)
	assert.NotEmpty(t, frauds, "no fraud among 200: the dummy detector should find about 20")
}

func TestTransactionEnds(t *testing.T) {
	w := newWorld(t, nil).everything()
	for name, test := range map[string]struct {
		body    string
		message string
		code    transaction.Status
		outcome fraud.Outcome
		steps   string
	}{
		"approved and paid":           {body(small, goodCard), "Transaction Successful", 18, fraud.Approve, "[11 16 18]"},
		"declined as fraud":           {body(tooMuch, goodCard), "Transaction Fraudulent", 13, fraud.Decline, "[11 12 13 15]"},
		"payment declined":            {body(small, declinedCard), "Transaction Payment Failed", 17, fraud.Approve, "[11 16 17]"},
		"held but not to be captured": {body(small, uncapturableCard), "Transaction Payment Failed", 17, fraud.Approve, "[11 16 17]"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.post(test.body, "Prefer", "wait=60")
			answer := got.answer(t)
			assert.Equal(t, 200, got.status, "%s", got.body)
			assert.Equal(t, test.message, answer.Message, "%s", got.body)
			assert.Equal(t, test.code, answer.TransactionStatus.Code, "%s", got.body)
			assert.Equal(t, test.outcome, answer.Decision.Outcome, "%s", got.body)
			var steps []transaction.Status
			eventually(t, func() error {
				r, err := record(t.Context(), answer.TransactionID)
				if err == nil && r.EndTime == nil {
					err = errors.New("not ended")
				}
				steps = nil
				for _, step := range r.Steps {
					steps = append(steps, step.Code)
				}
				return err
			})
			assert.Equal(t, test.steps, stepCodes(steps))
			if test.code == transaction.AlertInitiated {
				w.isMailed(answer.TransactionID, 1)
			}
		})
	}
}

// A paid transaction costs what docs/architecture.md says. One that a slow machine delays costs more, so others follow it.
func TestTransactionCost(t *testing.T) {
	w := newWorld(t, nil).everything()
	eventually(t, func() error {
		id := workflows.TransactionWorkflowID(w.post(body(small, goodCard), "Prefer", "wait=60").answer(t).TransactionID)
		if err := shared.client.GetWorkflow(t.Context(), id, "").Get(t.Context(), nil); err != nil {
			return err
		}
		answer, err := shared.client.DescribeWorkflowExecution(t.Context(), id, "")
		info := answer.GetWorkflowExecutionInfo()
		if events, transitions := info.GetHistoryLength(), info.GetStateTransitionCount(); err == nil && (events > 23 || transitions > 10) {
			return fmt.Errorf("%d events and %d state transitions", events, transitions)
		}
		return err
	})
}

func TestTransactionIsShown(t *testing.T) {
	w := newWorld(t, nil).everything()
	id := w.post(body(tooMuch, goodCard)).answer(t).TransactionID
	w.reaches(id, transaction.AlertDone)
	t.Run("over HTTP", func(t *testing.T) {
		got := w.get("/transactions/" + id)
		assert.Equal(t, 200, got.status)
		assert.Contains(t, string(got.body), `"cost":250000.00`)
		assert.Contains(t, string(got.body), "424242******4242")
		missing := w.get("/transactions/01930000-0000-7000-8000-000000000000")
		assert.Equal(t, 404, missing.status, "%s", missing.body)
		if missing := w.get("/transactions/42"); missing.status != 404 {
			t.Errorf("of no id: %d %s", missing.status, missing.body)
		}
	})
	t.Run("with Temporal's own command", func(t *testing.T) {
		root, err := stack.Root()
		require.NoError(t, err)
		program, err := stack.FindTemporal(t.Context(), root)
		require.NoError(t, err)
		out, err := exec.CommandContext(t.Context(), program, "workflow", "query", "--address", shared.temporal.Address(),
			"--type", workflows.StatusQuery, "-w", workflows.TransactionWorkflowID(id)).CombinedOutput()
		require.NoError(t, err)
		assert.Contains(t, string(out), "TRANSACTION_ALERT_DONE")
	})
	t.Run("by filters on search attributes", func(t *testing.T) {
		eventually(t, func() error {
			n, err := count(t.Context(), fmt.Sprintf("WorkflowId = %q AND TransactionStatus = 'TRANSACTION_ALERT_DONE' AND "+
				"FraudOutcome = 'decline' AND FraudScore >= 90 AND OrderID = 'order-4242' AND PaymentMethod = 'amazonpay'",
				workflows.TransactionWorkflowID(id)))
			if err == nil && n != 1 {
				err = fmt.Errorf("%d found, want 1", n)
			}
			return err
		})
	})
}

// A caller may prefer not to wait.
func TestPrefer(t *testing.T) {
	w := newWorld(t, nil).start(worker, apiProcess) // without fraud_police nothing is decided
	for _, prefer := range []string{"respond-async", "wait=1"} {
		t.Run(prefer, func(t *testing.T) {
			got := w.post(body(small, goodCard), "Prefer", prefer)
			answer := got.answer(t)
			if got.status != 202 || answer.TransactionStatus.Code != transaction.Pending || got.header.Get("Retry-After") == "" ||
				got.header.Get("Location") != "/transactions/"+answer.TransactionID || got.header.Get("Preference-Applied") != prefer {
				t.Fatalf("%d %v %s", got.status, got.header, got.body)
			}
			pending := w.get(got.header.Get("Location"))
			assert.Equal(t, 200, pending.status)
			assert.Contains(t, string(pending.body), "TRANSACTION_PENDING")
		})
	}
	id := w.post(body(small, goodCard), "Prefer", "respond-async").answer(t).TransactionID
	w.start(fraudPolice)
	w.reaches(id, transaction.PaymentComplete)
}

// The longest names that are accepted reach everything: Temporal, RabbitMQ and the mail.
func TestLongestNames(t *testing.T) {
	w := newWorld(t, nil).everything()
	longest := strings.Repeat("𝄞", 64)
	text := strings.NewReplacer("order-4242", longest, paymentMethodName, longest).Replace(body(tooMuch, goodCard))
	got := w.post(text, "Prefer", "wait=60")
	require.Equal(t, 200, got.status, "%s", got.body)
	w.alertsDelivered(got.answer(t).TransactionID, "fraud.detected")
}

// Two of each process deliver nothing twice.
func TestTwoOfEachProcess(t *testing.T) {
	w := newWorld(t, nil).everything()
	for _, name := range []string{worker, fraudPolice, alertman} {
		first, second := w.processes[name], w.startWith(name, nil)
		w.processes[name+" 2"], w.processes[name] = second, first
	}
	var all sync.WaitGroup
	ids := make([]string, 20)
	for i := range ids {
		all.Go(func() { ids[i] = w.idOf(body(tooMuch, goodCard), "Prefer", "wait=60") })
	}
	all.Wait()
	w.areMailed(ids, 1)
}

func stepCodes(steps []transaction.Status) string {
	codes := make([]int, len(steps))
	for i, s := range steps {
		codes[i] = int(s)
	}
	return fmt.Sprint(codes)
}
