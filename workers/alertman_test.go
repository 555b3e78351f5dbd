package workers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/mocks"

	"dummyorders/domain/alert"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/telemetrytest"
	"dummyorders/workers"
	"dummyorders/workflows"
)

// TestHungAlert tests a channel, and an event, that make no progress.
func TestHungAlert(t *testing.T) {
	s := newStation(t)
	hung := &hanging{begun: make(chan string, 1), over: make(chan struct{})}
	s.work(t, map[string]alert.Channel{"mail": hung, "sms": s}, 1)
	t.Cleanup(func() { close(hung.over) }) // this cleanup runs first at the end
	t.Run("a mail server that hangs holds up no SMS", func(t *testing.T) { s.smsBesideMail(t, hung) })
	t.Run("an event that Temporal refuses is given back", s.refused)
}

// hanging is a channel whose other side does not answer until the test is over.
type hanging struct {
	begun chan string
	over  chan struct{}
}

func (h *hanging) Deliver(ctx context.Context, to string, _ alert.Message) (string, error) {
	select {
	case h.begun <- to:
	default: // one is enough
	}
	select {
	case <-h.over:
		return "250 queued", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// TestMostAtOnce tests that no more messages of a channel are under way than alertman may send, within workflow tasks or not.
func TestMostAtOnce(t *testing.T) {
	const atOnce, known = 4, 12
	s := newStation(t)
	m := &counting{over: make(chan struct{})}
	s.work(t, map[string]alert.Channel{"mail": m}, atOnce)
	t.Cleanup(func() { close(m.over) }) // this cleanup runs first at the end
	mails := func(id, to string, many int) {
		g := assigned(to, id)
		g.Assignment.Group, g.Assignment.Steps[0].Targets = nil, nil
		for i := range many {
			g.Assignment.Steps[0].Targets = append(g.Assignment.Steps[0].Targets, alert.NewTarget("mail", fmt.Sprintf("%s%d@example.com", to, i)))
		}
		s.take(t, g.Assignment, g.Notice.Event)
	}
	seen := func(so func() bool) func() bool {
		return func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return so()
		}
	}
	mails("known", "known", known) // who answers at once, and gets the next message within a workflow task
	until(t, seen(func() bool { return m.answered == known }))
	m.hang()
	mails("others", "others", known)
	until(t, seen(func() bool { return m.now >= atOnce/2 }))
	mails("again", "known", known)
	until(t, seen(func() bool { return m.cut > 0 }))
	require.True(t, seen(func() bool { return m.most <= atOnce })(), "at once: %d", m.most)
}

// counting is a channel that answers at once until it hangs, and counts.
type counting struct {
	over chan struct{}

	mu            sync.Mutex
	hangs         bool
	now, most     int // under way
	answered, cut int
}

func (c *counting) hang() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hangs = true
}

func (c *counting) Deliver(ctx context.Context, _ string, _ alert.Message) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.hangs {
		c.answered++
		return "250 queued", nil
	}
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	select {
	case <-c.over:
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.now--
	if ctx.Err() != nil {
		c.cut++
	}
	return "250 queued", ctx.Err()
}

// smsBesideMail sends many more mails than there are workers: if all deliveries were in one queue, the mails would take all
// places, and the SMS would wait behind the rest.
func (s *station) smsBesideMail(t *testing.T, hung *hanging) {
	mails := assigned("everybody", "everybody 1")
	mails.Assignment.Group = nil
	for i := range 60 {
		mails.Assignment.Steps[0].Targets = append(mails.Assignment.Steps[0].Targets, alert.NewTarget("mail", fmt.Sprintf("%d@example.com", i)))
	}
	s.take(t, mails.Assignment, mails.Notice.Event)
	select {
	case <-hung.begun:
	case <-time.After(time.Minute):
		require.Fail(t, "no mail was begun")
	}
	sms := assigned("+911234", "sms 1")
	sms.Assignment.Group = nil
	sms.Assignment.Steps[0].Targets = []alert.Target{alert.NewTarget("sms", "+911234")}
	s.take(t, sms.Assignment, sms.Notice.Event)
	until(t, func() bool { return len(s.notices("+911234")) == 1 })
}

// refused tests that a refused event is given back; the broker makes a dead letter of an event that is given back too often.
func (s *station) refused(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	intake := workers.Intake{Alerts: &temporal.Alerts{Client: s.client}, Router: router{}, Log: slog.New(slog.DiscardHandler)}
	err := intake.Take(ctx, alert.Sample(alert.FraudDetected, strings.Repeat("x", 1001), time.Now()))
	require.ErrorContains(t, err, "hand alert xxx")
	require.ErrorContains(t, err, "to Temporal: WorkflowId length exceeds limit")
	require.ErrorAs(t, err, new(*serviceerror.InvalidArgument))
	require.NoError(t, ctx.Err(), "it was held")
}

// Take gives an event back once Temporal has been down for Hold. If Temporal is up, but does not take the event, Take goes
// on waiting.
func TestTakeGivesBack(t *testing.T) {
	unavailable := serviceerror.NewUnavailable("no connection")
	for name, check := range map[string]struct {
		answer error
		away   bool
	}{
		"Temporal is away":                  {unavailable, true},
		"Temporal is there, and overloaded": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := mocks.NewClient(t)
			server.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.DeliverAlertType, mock.Anything).Return(nil, unavailable)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			asked, failed := 0, telemetrytest.Value(t, "orders_alerts_taken_total", "result", "failed")
			intake := workers.Intake{
				Alerts: &temporal.Alerts{Client: server}, Router: router{}, Log: slog.New(slog.DiscardHandler), Hold: time.Nanosecond,
				Check: func(context.Context) error {
					if asked++; asked > 3 {
						cancel()
					}
					return check.answer
				},
			}
			err := intake.Take(ctx, alert.Sample(alert.FraudDetected, "e-1", time.Now()))
			require.ErrorContains(t, err, "hand alert e-1 to Temporal")
			require.Equal(t, check.away, errors.Is(err, alert.ErrAway), "%v", err)
			require.Equal(t, !check.away, asked > 1)
			require.InDelta(t, 1, telemetrytest.Value(t, "orders_alerts_taken_total", "result", "failed")-failed, 0)
		})
	}
}

// begun answers whether an alert's workflow was started now.
type begun bool

func (b begun) Start(context.Context, alert.Event, []alert.Assignment) (bool, error) {
	return bool(b), nil
}

// Alerts that are taken are counted, and those that had been taken before apart.
func TestTakenMetric(t *testing.T) {
	for result, fresh := range map[string]begun{"delivered_on": true, "duplicate": false} {
		t.Run(result, func(t *testing.T) {
			before := telemetrytest.Value(t, "orders_alerts_taken_total", "result", result)
			intake := workers.Intake{Alerts: fresh, Router: router{}, Log: slog.New(slog.DiscardHandler)}
			require.NoError(t, intake.Take(t.Context(), alert.Sample(alert.FraudDetected, "e-1", time.Now())))
			require.InDelta(t, 1, telemetrytest.Value(t, "orders_alerts_taken_total", "result", result)-before, 0)
		})
	}
}
