package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"dummyorders/domain/transaction"
	"dummyorders/internal/stack"
	"dummyorders/workflows"
)

// Each process is killed, as kill -9 does, at its worst moment. Everything that was accepted must end in the right
// status, and every fraud must have its event and its mail. A mail comes twice in one case only, which its test names.

// An API that is killed while a caller waits loses no transaction.
func TestKillAPI(t *testing.T) {
	w := newWorld(t, nil).start(worker, apiProcess) // without fraud_police there is no check, so the caller waits
	answered := make(chan error, 1)
	go func() {
		_, err := w.send(body(tooMuch, goodCard), "Prefer", "wait=60")
		answered <- err
	}()
	id := w.onlyRunning()
	w.kill(apiProcess)
	require.Error(t, <-answered, "the caller was answered by a killed process")
	w.start(fraudPolice, alertman, apiProcess)
	w.isMailed(id, 1)
	w.reaches(id, transaction.AlertDone)
}

// Fraud-police is killed between its verdict and the report.
func TestKillFraudPolice(t *testing.T) {
	w := newWorld(t, nil).start(worker, alertman, apiProcess)
	temporal := startProxy(t, shared.temporal.Address())
	w.startWith(fraudPolice, map[string]string{"TEMPORAL_ADDRESS": temporal.Listen})
	first := w.post(body(small, goodCard), "Prefer", "wait=60") // shows that it works, and polls
	require.Equal(t, 200, first.status, "%s", first.body)
	temporal.hold(toServer) // its open polls still bring tasks, but its verdicts do not arrive
	id := w.post(body(tooMuch, goodCard), "Prefer", "respond-async").answer(t).TransactionID
	w.activityStarted(workflows.TransactionWorkflowID(id), "CheckFraud")
	w.kill(fraudPolice)
	w.start(fraudPolice)
	w.isMailed(id, 1)
	w.reaches(id, transaction.AlertDone)
}

// The worker is killed between the reply and the alert.
func TestKillWorkerBeforeAlert(t *testing.T) {
	w := newWorld(t, nil)
	broker := startProxy(t, brokerAddress())
	broker.Stop() // no alert can be published
	w.env["RABBITMQ_PUBLISHER_URL"] = through(broker, shared.rabbitmq.URL("orders", "orders"))
	w.everything()
	got := w.post(body(tooMuch, goodCard), "Prefer", "wait=60")
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	require.Equal(t, transaction.AlertInitiated, got.answer(t).TransactionStatus.Code, "%s", got.body)
	w.kill(worker)
	require.NoError(t, broker.Start())
	w.start(worker)
	id := got.answer(t).TransactionID
	w.isMailed(id, 1)
	w.reaches(id, transaction.AlertDone)
}

// The worker is killed after the alert is published and before that is confirmed.
func TestKillWorkerBeforeConfirm(t *testing.T) {
	w := newWorld(t, nil).start(fraudPolice, apiProcess) // no alertman: events stay to be counted
	broker := startProxy(t, brokerAddress())
	w.startWith(worker, map[string]string{"RABBITMQ_PUBLISHER_URL": through(broker, shared.rabbitmq.URL("orders", "orders"))})
	w.findsLedger()
	warm := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	w.reaches(warm, transaction.AlertDone) // the worker is connected
	broker.hold(fromServer)                // publishes arrive, but confirms do not
	id := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	eventually(t, func() error { return queuedAtLeast(2) })
	w.kill(worker)
	w.start(worker)
	w.reaches(id, transaction.AlertDone)
	eventually(t, func() error { return queuedAtLeast(3) }) // the same event at least twice
	w.start(alertman)
	w.isMailed(warm, 1)
	w.isMailed(id, 1)
}

// Alertman is killed after Temporal has the alert and before it is acknowledged to the broker.
func TestKillAlertmanBeforeAck(t *testing.T) {
	w := newWorld(t, nil).start(worker, fraudPolice, apiProcess)
	broker := startProxy(t, brokerAddress())
	w.startWith(alertman, map[string]string{"RABBITMQ_CONSUMER_URL": through(broker, shared.rabbitmq.URL("alertman", "alertman"))})
	warm := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	w.isMailed(warm, 1)
	broker.hold(toServer) // deliveries come, but acks do not arrive
	id := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	w.isMailed(id, 1)
	w.kill(alertman)
	broker.Stop()
	eventually(t, func() error { return queuedAtLeast(1) }) // the broker delivers it again
	w.start(alertman)
	eventually(t, func() error {
		waiting, err := queued()
		if err == nil && waiting > 0 {
			err = fmt.Errorf("%d events wait", waiting)
		}
		return err
	})
	w.isMailed(id, 1)
}

// Alertman is killed after the mail is accepted and before that is recorded. This is the only case in which a mail
// comes twice. SMTP has no key by which a server could recognize that it got the same message before (RFC 5321 §6.1).
// If alertman dies after the server has accepted the message and before Temporal knows, it cannot be known whether the
// server accepted it. So it is sent again, with the same Message-ID.
func TestKillAlertmanBeforeRecord(t *testing.T) {
	w := newWorld(t, nil).start(worker, fraudPolice, apiProcess)
	temporal := startProxy(t, shared.temporal.Address())
	accepted := make(chan struct{})
	w.onKept(func(stack.Message) {
		temporal.hold(toServer) // from now on, alertman's reports do not arrive
		close(accepted)
	})
	w.startWith(alertman, map[string]string{"TEMPORAL_ADDRESS": temporal.Listen})
	id := w.post(body(tooMuch, goodCard), "Prefer", "wait=60").answer(t).TransactionID
	select {
	case <-accepted:
	case <-time.After(soon):
		t.Fatal("no mail")
	}
	w.kill(alertman)
	w.onKept(nil)
	require.Len(t, mails(t)[id], 1)
	w.start(alertman)
	w.isMailed(id, 2)
	twice := mails(t)[id]
	one, other := messageID(twice[0]), messageID(twice[1])
	assert.NotEmpty(t, one)
	assert.Equal(t, other, one)
}

// onlyRunning waits until exactly one transaction is running, and returns its id.
func (w *world) onlyRunning() string {
	w.t.Helper()
	id := ""
	eventually(w.t, func() error {
		running, err := running(w.t.Context(), transactions)
		if err == nil && len(running) != 1 {
			err = fmt.Errorf("%d transactions running, want 1", len(running))
		}
		if err == nil {
			id = strings.TrimPrefix(running[0], workflows.TransactionWorkflowID(""))
		}
		return err
	})
	return id
}

// activityStarted waits until a worker has an activity.
func (w *world) activityStarted(workflowID, activity string) {
	w.t.Helper()
	eventually(w.t, func() error {
		answer, err := shared.client.DescribeWorkflowExecution(w.t.Context(), workflowID, "")
		if err != nil {
			return err
		}
		for _, pending := range answer.GetPendingActivities() {
			if pending.GetActivityType().GetName() == activity && pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
				return nil
			}
		}
		return errors.New(activity + " is not with a worker")
	})
}

// onKept sets f to be called when the mail server has stored a message, before its sender is told.
func (w *world) onKept(f func(stack.Message)) {
	if f == nil {
		shared.onKept.Store(nil)
		return
	}
	shared.onKept.Store(&f)
	w.t.Cleanup(func() { shared.onKept.Store(nil) })
}

// queued returns how many events wait in alertman's queue for a consumer.
func queued() (int, error) {
	connection, err := amqp.Dial(shared.rabbitmq.URL("operator", "operator"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = connection.Close() }()
	channel, err := connection.Channel()
	if err != nil {
		return 0, err
	}
	queue, err := channel.QueueDeclarePassive("alertman", true, false, false, false, nil)
	return queue.Messages, err
}

func queuedAtLeast(want int) error {
	waiting, err := queued()
	if err == nil && waiting < want {
		err = fmt.Errorf("%d events wait, want %d", waiting, want)
	}
	return err
}

func messageID(m stack.Message) string {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Text))
	if err != nil {
		return ""
	}
	return parsed.Header.Get("Message-ID")
}

func brokerAddress() string {
	return fmt.Sprintf("127.0.0.1:%d", shared.rabbitmq.Port())
}

// through returns a broker's URL that goes through a proxy.
func through(p *proxy, url string) string {
	return strings.Replace(url, brokerAddress(), p.Listen, 1)
}
