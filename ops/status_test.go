package ops_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/goldentest"
	"dummyorders/ops"
)

// service is what a status is about. All is well in a new one.
type service struct {
	temporal *fakeTemporal
	broker   *fakeBroker
	ledger   *fakeLedger
	api      error
	desk     error
	stripe   error
}

func newService() *service {
	return &service{temporal: newTemporal(), broker: newBroker(), ledger: newLedger()}
}

func (s *service) status(ctx context.Context) ops.Report {
	status := &ops.Status{
		Temporal: s.temporal, Broker: s.broker, Ledger: s.ledger, Version: "v1", Most: 2, Now: func() time.Time { return now },
		API:      func(context.Context) error { return s.api },
		Desk:     func(context.Context) error { return s.desk },
		Gateways: []ops.Gateway{{Name: "stripe", Note: "for card", Check: func(context.Context) error { return s.stripe }}},
	}
	return status.Look(ctx)
}

// part returns the line of a name, of the group processes if several have it.
func part(t *testing.T, r ops.Report, name string) ops.Line {
	t.Helper()
	for _, l := range r.Parts {
		if l.Name == name || l.Group+" "+l.Name == name {
			return l
		}
	}
	require.Fail(t, "no line "+name)
	return ops.Line{}
}

func TestAllIsWell(t *testing.T) {
	r := newService().status(t.Context())
	assert.Equal(t, ops.OK, r.State)
	assert.Equal(t, 0, r.State.ExitCode())
	assert.Empty(t, r.Stuck)
	for _, l := range r.Parts {
		assert.Equal(t, ops.OK, l.State, l)
		assert.Empty(t, l.Do, l)
		assert.NotEmpty(t, l.Detail, l)
	}
}

// Each part that fails has a line that says so and what to do, and decides the exit code. What depends on it is not known.
func TestPartsDown(t *testing.T) {
	for name, c := range map[string]struct {
		breaks     func(*service)
		line       string
		state      ops.State
		detail, do string
		code       int
	}{
		"api":    {func(s *service) { s.api = errNo }, "api", ops.Down, "refused", "`orders api`", 3},
		"desk":   {func(s *service) { s.desk = errNo }, "desk", ops.Down, "refused", "`orders desk`", 3},
		"worker": {func(s *service) { s.temporal.queues["orders"] = temporal.TaskQueue{Backlog: 3, Oldest: time.Hour} }, "worker", ops.Down, "0 workers on task queue orders, 3 tasks waiting, the oldest for 1h", "`orders worker`", 3},
		"slow worker": {func(s *service) {
			s.temporal.queues["orders"] = temporal.TaskQueue{Workers: 2, Backlog: 1, Oldest: 31 * time.Second}
		}, "worker", ops.Degraded, "2 workers on task queue orders, 1 task waiting, the oldest for 31s", "another `orders worker`", 1},
		"fraud-police": {func(s *service) { s.temporal.queues["fraud_police"] = temporal.TaskQueue{} }, "fraud-police", ops.Down, "0 workers", "`orders fraud-police`", 3},
		"alertman":     {func(s *service) { s.temporal.queues["alertman"] = temporal.TaskQueue{} }, "processes alertman", ops.Down, "0 workers", "`orders alertman`", 3},
		"channel": {func(s *service) {
			s.temporal.queues["alertman_sms"] = temporal.TaskQueue{Workers: 1, Backlog: 9, Oldest: time.Minute}
		}, "channels", ops.Degraded, "mail 1, sms 1 (9 tasks waiting, the oldest for 1m), chat 1", "ALERTMAN_DELIVERIES", 1},
		"temporal":        {func(s *service) { s.temporal.err = errNo }, "temporal", ops.Down, "refused", "TEMPORAL_ADDRESS", 3},
		"without it":      {func(s *service) { s.temporal.err = errNo }, "worker", ops.Unknown, "refused", "", 3},
		"work without it": {func(s *service) { s.temporal.err = errNo }, "reviews", ops.Unknown, "refused", "", 3},
		"rabbitmq":        {func(s *service) { s.broker.err = errNo }, "rabbitmq", ops.Down, "refused", "RABBITMQ_CONSUMER_URL", 3},
		"its queues":      {func(s *service) { s.broker.err = errNo }, "queues alertman", ops.Unknown, "refused", "", 3},
		"no consumer":     {func(s *service) { s.broker.alerts.Consumers, s.broker.alerts.Messages = 0, 5 }, "queues alertman", ops.Down, "5 messages, 0 consumers", "`orders alertman`", 3},
		"dead letters":    {func(s *service) { s.broker.dead.Messages = 1 }, "alertman.dead", ops.Degraded, "1 message, 0 consumers", "dead list", 1},
		"ledger":          {func(s *service) { s.ledger.err = errNo }, "ledger", ops.Down, "refused", "LEDGER_URL", 3},
		"not migrated":    {func(s *service) { s.ledger.ready = errors.New("no tables yet") }, "ledger", ops.Down, "no tables yet", "a worker, which makes them", 3},
		"read-only":       {func(s *service) { s.ledger.writable = errors.New("takes no writes") }, "ledger", ops.Down, "takes no writes", "LEDGER_URL", 3},
		"gateway":         {func(s *service) { s.stripe = errNo }, "stripe", ops.Down, "refused", "PAYMENT_DEADLINE", 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService()
			c.breaks(s)
			r := s.status(t.Context())
			l := part(t, r, c.line)
			assert.Equal(t, c.state, l.State, l)
			assert.Contains(t, l.Detail, c.detail)
			assert.Contains(t, l.Do, c.do)
			assert.Equal(t, c.code, r.State.ExitCode())
		})
	}
}

func TestMoneyHeld(t *testing.T) {
	s := newService()
	s.ledger.held = []ledgerdb.Held{
		{Reason: ledgerdb.Review, Money: money.Money{Minor: 12345, Currency: "INR"}, Count: 2, Oldest: now.Add(-3 * time.Hour)},
		{Reason: ledgerdb.Release, Money: money.Money{Minor: 100, Currency: "EUR"}, Count: 1, Oldest: now.Add(-2 * time.Minute)},
	}
	l := part(t, s.status(t.Context()), "holds")
	assert.Equal(t, "INR 123.45 for 2 reviews, the oldest since 3h; EUR 1.00 for 1 release, the oldest since 2m", l.Detail)
	assert.Equal(t, map[string]float64{"reviews": 2, "releases": 1}, l.Figures)
	s.ledger.err = errNo
	assert.Equal(t, ops.Unknown, part(t, s.status(t.Context()), "holds").State)
}

// A process looks at what it has settings for, and says what it has none for.
func TestProcesses(t *testing.T) {
	s := newService()
	status := &ops.Status{Temporal: s.temporal, Ledger: s.ledger, Version: "v1", Now: func() time.Time { return now }}
	lines := func() map[string]ops.Line {
		found := map[string]ops.Line{}
		for _, l := range status.Processes(t.Context()) {
			found[l.Name] = l
		}
		return found
	}
	for name, variable := range map[string]string{"api": "HTTP_ADDRESS", "rabbitmq": "RABBITMQ_CONSUMER_URL"} {
		assert.Equal(t, ops.Unknown, lines()[name].State, name)
		assert.Equal(t, "not looked at: "+variable+" is not set for this process", lines()[name].Detail)
	}
	assert.Len(t, lines(), 8, "nothing is said of gateways that are not known")
	status.API, status.Broker = func(context.Context) error { return errNo }, s.broker
	status.Gateways = []ops.Gateway{{Name: "stripe", Note: "for card", Check: func(context.Context) error { return errNo }}}
	assert.Equal(t, []ops.State{ops.Down, ops.OK, ops.Down, ops.OK},
		[]ops.State{lines()["api"].State, lines()["rabbitmq"].State, lines()["stripe"].State, lines()["worker"].State})
}

// Each kind of the table "What is stuck" has its line, and an entry that says what it waits for, how to see more and what to do.
func TestStuck(t *testing.T) {
	for name, c := range map[string]struct {
		work                   func(*service)
		line, counts           string
		kind, detail, look, do string
	}{
		"review": {
			func(s *service) {
				s.temporal.inReview = []temporal.Waiting{transaction("a", 13*time.Hour)}
				s.ledger.records["a"] = reviewed(13 * time.Hour)
			},
			"reviews", "1 transaction in review, the next deadline in 11h",
			"review", "order 1234, INR 123.00; in 11h it is decided without a person: decline", "temporal workflow metadata -w transaction-a", "/review",
		},
		"review, overdue": {
			func(s *service) {
				s.temporal.inReview = []temporal.Waiting{transaction("a", 25*time.Hour)}
				s.ledger.records["a"] = reviewed(25 * time.Hour)
			},
			"reviews", "1 transaction in review, a deadline passed 1h ago",
			"review", "order 1234, INR 123.00; its deadline passed 1h ago, and it has not gone on", "temporal workflow describe -w transaction-a", "`orders worker`",
		},
		"review, decided": {
			func(s *service) {
				s.temporal.inReview = []temporal.Waiting{transaction("a", 25*time.Hour)}
				r := reviewed(25 * time.Hour)
				r.Review.Decide(review.Request{Verdict: review.Approve, Reviewer: "ada"}, now.Add(-2*time.Minute))
				s.ledger.records["a"] = r
			},
			"reviews", "1 transaction in review",
			"review", "order 1234, INR 123.00; decided, its money is being taken", "temporal workflow describe -w transaction-a", "gateway is asked again",
		},
		"review, ledger away": {
			func(s *service) { s.temporal.inReview = []temporal.Waiting{transaction("a", time.Hour)} },
			"reviews", "1 transaction in review", "review", "its deadline is not known", "transaction-a", "/review",
		},
		"money held": {
			func(s *service) {
				w := transaction("b", 3*time.Hour)
				w.Failure = "money could not be given back"
				s.temporal.failed = []temporal.Waiting{w}
				s.ledger.records["b"] = ledger.Record{Payment: ledger.Payment{Wire: money.Wire{Amount: "5", Currency: "EUR"}, StillHeld: "the hold has expired"}}
			},
			"failed transactions", "1 transaction failed, 1 with money that could not be given back",
			"money held", "order 1234, EUR 5: the hold has expired", "temporal workflow metadata -w transaction-b", "authorizationID",
		},
		"failed otherwise": {
			func(s *service) {
				w := transaction("b", 3*time.Hour)
				w.Failure = "its alert has no valid form"
				s.temporal.failed = []temporal.Waiting{w}
				s.ledger.records["b"] = ledger.Record{}
			},
			"failed transactions", "1 transaction failed", "failed transaction", "order 1234: its alert has no valid form", "transaction-b", "correct",
		},
		"alert that RabbitMQ does not take": {
			func(s *service) {
				s.temporal.late = []temporal.Waiting{transaction("c", time.Hour, temporal.Pending{Activity: "PublishAlert", Attempt: 40, Since: now.Add(-time.Hour), Failure: "no channel free"})}
			},
			"alerts to RabbitMQ", "1 alert waiting", "alert to RabbitMQ", "waits for PublishAlert since 1h, attempt 40: no channel free",
			"temporal workflow describe -w transaction-c", "start RabbitMQ",
		},
		"no fraud_police": {
			func(s *service) {
				s.temporal.running = []temporal.Waiting{transaction("d", 2*time.Minute, temporal.Pending{Activity: "CheckFraud", Attempt: 1, Since: now.Add(-2 * time.Minute)})}
			},
			"transactions", "1 transaction for longer than 1m", "transaction", "waits for CheckFraud since 2m, attempt 1", "describe -w transaction-d", "`orders fraud-police`",
		},
		"fraud_police fails": {
			func(s *service) {
				s.temporal.running = []temporal.Waiting{transaction("d", 2*time.Minute, temporal.Pending{Activity: "CheckFraud", Attempt: 3, Failure: "database away"})}
			},
			"transactions", "1 transaction", "transaction", "attempt 3: database away", "transaction-d", "log of fraud_police",
		},
		"gateway": {
			func(s *service) {
				s.temporal.running = []temporal.Waiting{transaction("d", 2*time.Minute, temporal.Pending{Activity: "Capture", Attempt: 3, Failure: "503"})}
			},
			"transactions", "1 transaction", "transaction", "waits for Capture", "transaction-d", "gateway is asked again",
		},
		"ledger's lag": {
			func(s *service) {
				s.temporal.running = []temporal.Waiting{transaction("d", 2*time.Minute, temporal.Pending{Activity: "Save", Attempt: 3, Since: now.Add(-90 * time.Second)})}
			},
			"ledger's lag", "an entry waits since 1m30s", "transaction", "waits for Save", "transaction-d", "start the ledger's database",
		},
		"no worker": {
			func(s *service) { s.temporal.running = []temporal.Waiting{transaction("d", 2*time.Minute)} },
			"transactions", "1 transaction", "transaction", "waits for a worker", "transaction-d", "`orders worker`",
		},
		"failed alert": {
			func(s *service) {
				s.temporal.failedAlerts = []temporal.Waiting{{WorkflowID: "alert-e", OrderID: "1234", Since: now.Add(-time.Hour), Failure: "not acknowledged"}}
			},
			"failed alerts", "1 alert not delivered or not acknowledged", "failed alert", "order 1234, not acknowledged", "describe -w alert-e", "POST /alerts/<id>/resend",
		},
		"retried delivery": {
			func(s *service) {
				s.temporal.retried = []temporal.Waiting{{WorkflowID: "alert-f", Since: now.Add(-time.Hour), Pending: []temporal.Pending{
					{Activity: "Tell", Attempt: 1}, {Activity: "Tell", Attempt: 7, Since: now.Add(-time.Hour), Failure: "421 try later"},
				}}}
			},
			"retried deliveries", "1 of 2 alerts under way", "retried delivery", "Tell, attempt 7: 421 try later", "describe -w alert-f", "activity reset",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService()
			c.work(s)
			r := s.status(t.Context())
			l := part(t, r, c.line)
			assert.Equal(t, ops.Degraded, l.State, l)
			assert.Contains(t, l.Detail, c.counts)
			require.Len(t, r.Stuck, 1)
			assert.Equal(t, c.kind, r.Stuck[0].Kind)
			assert.Contains(t, r.Stuck[0].Detail, c.detail)
			assert.Contains(t, r.Stuck[0].Look, c.look)
			assert.Contains(t, r.Stuck[0].Do, c.do)
			assert.Equal(t, 1, r.State.ExitCode())
		})
	}
}

// A review in the first half of its time is counted, and is not called stuck.
func TestReviewInTime(t *testing.T) {
	s := newService()
	s.temporal.inReview = []temporal.Waiting{transaction("a", 11*time.Hour)}
	s.ledger.records["a"] = reviewed(11 * time.Hour)
	r := s.status(t.Context())
	assert.Equal(t, ops.OK, r.State)
	assert.Contains(t, part(t, r, "reviews").Detail, "1 transaction in review, the next deadline in 13h")
	s.ledger.records["not looked at"] = reviewed(21 * time.Hour)
	assert.Contains(t, part(t, s.status(t.Context()), "reviews").Detail, "the next deadline in 3h")
}

// What was not looked at is not said to be well.
func TestLagOfMany(t *testing.T) {
	s := newService()
	s.temporal.running = []temporal.Waiting{transaction("a", time.Hour), transaction("b", time.Hour), transaction("c", time.Hour)}
	assert.Equal(t, "no entry waits of the 2 transactions that were looked at, of 3", part(t, s.status(t.Context()), "ledger's lag").Detail)
}

// What is stuck is listed with the oldest first, over all kinds, and cards and control characters are not shown.
func TestStuckOrder(t *testing.T) {
	s := newService()
	s.temporal.running = []temporal.Waiting{transaction("young", 2*time.Minute, temporal.Pending{Activity: "Capture", Failure: "4111111111111111 \x1b[J"})}
	s.temporal.late = []temporal.Waiting{transaction("old", time.Hour)}
	r := s.status(t.Context())
	require.Len(t, r.Stuck, 2)
	assert.Equal(t, "old", r.Stuck[0].ID)
	assert.NotContains(t, r.Stuck[1].Detail, "4111111111111111")
	assert.NotContains(t, r.Stuck[1].Detail, "\x1b")
}

// A part that does not answer holds up no other, and has a line.
func TestPartHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		release := make(chan struct{})
		status := &ops.Status{
			Temporal: s.temporal, Broker: s.broker, Ledger: s.ledger, Now: time.Now, Most: 1,
			API: func(context.Context) error {
				<-release // whatever its context says
				return nil
			},
		}
		began := time.Now()
		r := status.Look(t.Context())
		assert.Less(t, time.Since(began), 6*time.Second)
		assert.Equal(t, ops.Down, part(t, r, "api").State)
		assert.Contains(t, part(t, r, "api").Detail, "no answer within 5s")
		assert.Equal(t, ops.OK, part(t, r, "worker").State)
		close(release)
	})
}

// manifold is a service with much to say.
func manifold() *service {
	s := newService()
	s.temporal.queues["fraud_police"] = temporal.TaskQueue{Backlog: 2, Oldest: 2 * time.Minute}
	s.temporal.inReview = []temporal.Waiting{transaction("a", 13*time.Hour)}
	s.ledger.records["a"] = reviewed(13 * time.Hour)
	s.temporal.running = []temporal.Waiting{
		transaction("b", 2*time.Minute, temporal.Pending{Activity: "CheckFraud", Attempt: 1, Since: now.Add(-2 * time.Minute)}),
		transaction("c", 90*time.Second, temporal.Pending{Activity: "CheckFraud", Attempt: 1, Since: now.Add(-90 * time.Second)}),
	}
	s.broker.dead.Messages = 3
	return s
}

// The forms are the same from version to version.
func TestReportForms(t *testing.T) {
	r := manifold().status(t.Context())
	document, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	goldentest.Same(t, "testdata/status.json", string(document)+"\n")
	var text bytes.Buffer
	require.NoError(t, r.Text(&text, "orders status"))
	goldentest.Same(t, "testdata/status.txt", text.String())
	assert.Equal(t, 1, strings.Count(text.String(), "start `orders fraud-police`; after"), "each advice is given once")
}
