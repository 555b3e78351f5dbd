package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/transaction"
	"dummyorders/ops"
)

// asks runs a command that reports, and returns what it found and how it ended.
func (w *world) asks(settings map[string]string, args ...string) (r ops.Report, code int) {
	w.t.Helper()
	command := exec.CommandContext(w.t.Context(), w.binary, append(args, "--json")...)
	command.Env = w.environ(settings)
	out, err := command.Output()
	if ended, is := errors.AsType[*exec.ExitError](err); is {
		code = ended.ExitCode()
	} else {
		require.NoError(w.t, err)
	}
	require.NoError(w.t, json.Unmarshal(out, &r), "%s", out)
	return r, code
}

// finds waits until a report shows a state of a part, and returns the report.
func (w *world) finds(group, name string, state ops.State, args ...string) (r ops.Report, code int) {
	w.t.Helper()
	eventually(w.t, func() error {
		r, code = w.asks(nil, args...)
		for _, l := range r.Parts {
			if l.Group == group && l.Name == name && l.State == state {
				return nil
			}
		}
		return fmt.Errorf("no line %s %s is %s: %+v", group, name, state, r.Parts)
	})
	return r, code
}

// The status shows what runs, what waits, and what is down.
func TestOperatorStatus(t *testing.T) {
	w := newWorld(t, map[string]string{"REVIEW_DEADLINE": "20s"}).everything()
	r, code := w.finds("processes", "worker", ops.OK, "status", "--since=1s")
	require.Equal(t, 0, code, "%+v", r)

	id := w.held()
	r, code = w.finds("work", "reviews", ops.Degraded, "status", "--since=1s")
	require.Len(t, r.Stuck, 1)
	assert.Equal(t, 1, code)
	assert.Equal(t, id, r.Stuck[0].ID)
	assert.False(t, r.Stuck[0].Deadline.IsZero())

	require.NoError(t, shared.rabbitmq.Stop(context.WithoutCancel(t.Context())))
	late := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	w.reaches(late, transaction.AlertError)
	r, code = w.finds("work", "alerts to RabbitMQ", ops.Degraded, "status", "--since=1s")
	assert.Equal(t, 3, code)
	states := map[string]ops.State{}
	for _, l := range r.Parts {
		states[l.Group+" "+l.Name] = l.State
	}
	assert.Equal(t, ops.Down, states["servers rabbitmq"])
	assert.Equal(t, ops.OK, states["servers ledger"])
	assert.Contains(t, fmt.Sprint(r.Stuck), "PublishAlert")
	require.NoError(t, shared.rabbitmq.Start(context.WithoutCancel(t.Context())))
	w.endAs([]string{late}, transaction.AlertDone)
}

// Money that a gateway is asked to give back is measured and shown until it is given back.
func TestMoneyNotGivenBack(t *testing.T) {
	gateway := startProxy(t, startStripe(t).Listener.Addr().String())
	w := newWorld(t, map[string]string{
		"PAYMENT_GATEWAYS": "card:stripe,*:simulated", "STRIPE_API_KEY": "sk_test_release", "STRIPE_URL": "http://" + gateway.Listen,
	}).everything()
	id := w.post(byStripe.Replace(body(forReview, goodCard)), "Prefer", "wait=60").answer(t).TransactionID
	w.reaches(id, transaction.InReview)
	gateway.Stop()
	declined, err := w.reviewBy("ada", id, "decline")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, declined.status, "%s", declined.body)
	measured := func(want bool) {
		eventuallyWithin(t, time.Minute, func() error {
			is := strings.Contains(w.metrics(worker), `orders_money_held{currency="INR",reason="release"} 150000`)
			return unless(is == want, fmt.Sprint("measured: ", is))
		})
	}
	measured(true)
	r, _ := w.asks(nil, "status")
	assert.Contains(t, fmt.Sprint(r.Parts), "INR 150000.00 for 1 release")
	assert.Contains(t, string(w.get("/figures").body), `"releasing":[{"amount":150000.00,"currency":"INR"}]`)
	listed, _ := w.list("/transactions?releasing=true")
	require.Len(t, listed, 1)
	assert.Equal(t, id, listed[0].TransactionID)
	require.NoError(t, gateway.Start())
	assert.NotNil(t, w.ends(id).Payment.VoidedAt)
	measured(false)
	listed, _ = w.list("/transactions?releasing=true")
	assert.Empty(t, listed)
}

// The doctor finds nothing wrong with the tests' own service but the retention, and says what is wrong with settings.
func TestOperatorDoctor(t *testing.T) {
	w := newWorld(t, nil).everything()
	r, code := w.asks(nil, "doctor")
	for _, l := range r.Parts {
		if l.Name != "retention" { // temporal-config/setup.sh sets it, and did not run here
			assert.Equal(t, ops.OK, l.State, l)
		}
	}
	assert.Equal(t, 2, code)

	r, code = w.asks(map[string]string{"LOG_LEVEL": "loud", "FRAUD_CHECK_DEADLINE": "x"}, "doctor")
	assert.Equal(t, 2, code)
	assert.Contains(t, fmt.Sprint(r.Parts), "LOG_LEVEL")
	assert.Contains(t, fmt.Sprint(r.Parts), "FRAUD_CHECK_DEADLINE")

	r, code = w.asks(map[string]string{"RABBITMQ_CONSUMER_URL": shared.rabbitmq.URL("operator", "operator"), "RABBITMQ_QUEUE": "nowhere"}, "doctor")
	assert.Equal(t, 2, code)
	assert.Contains(t, fmt.Sprint(r.Parts), "must not be allowed to write to exchange alerts")
	assert.Contains(t, fmt.Sprint(r.Parts), "missing: queue nowhere")
}
