package activities_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"dummyorders/activities"
	"dummyorders/domain/alert"
)

// mail is a channel that answers as the test configures, and a writer.
type mail struct {
	answer string
	err    error
	wrote  error
	got    alert.Message
	to     string
}

func (m *mail) Write(t alert.DeliveryRequest) (alert.Message, error) {
	return alert.Message{Notice: t.Notice, Text: "for " + t.Receiver, Key: "the writer's"}, m.wrote
}

func (m *mail) Deliver(_ context.Context, to string, message alert.Message) (string, error) {
	m.to, m.got = to, message
	return m.answer, m.err
}

func (m *mail) deliveries() *activities.Deliveries {
	return &activities.Deliveries{Channels: map[string]alert.Channel{"mail": m}, Writer: m, MostNow: 1}
}

var telling = alert.DeliveryRequest{
	Notice: alert.Notice{ID: "8d1c0a52"}, Receiver: "fraud-team", Step: 1, Target: "mail jo@example.com",
}

// tell makes a delivery after others whose attempts are given by before. It returns as kept the attempts that the delivery
// leaves.
func (m *mail) tell(t *testing.T, to alert.Target, before []alert.Attempt) (told alert.Delivery, kept []alert.Attempt, err error) {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	if before != nil {
		env.SetHeartbeatDetails(before)
	}
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		require.NoError(t, details.Get(&kept))
	})
	d := m.deliveries()
	env.RegisterActivity(d.Tell)
	this := telling
	this.Target = to
	value, err := env.ExecuteActivity(d.Tell, this)
	if err == nil {
		require.NoError(t, value.Get(&told))
	}
	return told, kept, err
}

// A delivery is written for its receiver and has its own key.
func TestDeliver(t *testing.T) {
	m := &mail{answer: "250 queued\r\nas 1"}
	told, kept, err := m.tell(t, telling.Target, nil)
	require.NoError(t, err)
	require.Equal(t, alert.Delivered, told.State)
	require.WithinDuration(t, time.Now(), *told.At, time.Minute)
	require.Len(t, told.Attempts, 1)
	require.Equal(t, "250 queued as 1", told.Attempts[0].Answer)
	require.Equal(t, 1, told.Attempts[0].Number)
	require.Empty(t, kept, "a delivery that succeeds at once costs no beat")
	require.Equal(t, "jo@example.com", m.to)
	require.Equal(t, "for fraud-team", m.got.Text)
	require.Equal(t, telling.Key(), m.got.Key)
}

func TestDeliverFailures(t *testing.T) {
	later := &alert.LaterError{By: "chat", After: 7 * time.Minute, Cause: errors.New("429")}
	refused := &alert.RefusedError{By: "mail server x", Cause: errors.New("550 no such mailbox")}
	for name, test := range map[string]struct {
		mail  mail
		to    alert.Target
		final bool
		after time.Duration
		says  string
	}{
		"a mailbox that does not exist":            {mail{err: fmt.Errorf("hand mail: %w", refused)}, telling.Target, true, 0, "deliver alert 8d1c0a52 to mail jo@example.com: hand mail: refused by mail server x: 550"},
		"a mail server that is away":               {mail{err: errAway}, telling.Target, false, 0, "deliver alert 8d1c0a52 to mail jo@example.com: connection refused"},
		"one that wants to be left alone":          {mail{err: later}, telling.Target, false, 7 * time.Minute, "put off by chat for 7m0s"},
		"a message that cannot be written":         {mail{wrote: errors.New("no such template")}, telling.Target, false, 0, "write the message: no such template"},
		"a channel that this worker does not have": {mail{}, "sms +911234", false, 0, `no channel "sms" is configured here`},
	} {
		t.Run(name, func(t *testing.T) {
			_, kept, err := test.mail.tell(t, test.to, nil)
			var failure *temporal.ApplicationError
			require.ErrorAs(t, err, &failure)
			require.Contains(t, failure.Message(), test.says)
			require.Equal(t, test.final, failure.NonRetryable())
			require.Equal(t, test.final, failure.Type() == activities.DeliveryRefused)
			require.Equal(t, test.after, failure.NextRetryDelay())
			require.Len(t, kept, 1, "the next try does not know of this one")
			require.Equal(t, 1, kept[0].Number)
			if test.final {
				var told alert.Delivery
				require.NoError(t, failure.Details(&told))
				require.Equal(t, alert.Refused, told.State)
				require.Len(t, told.Attempts, 1)
			}
		})
	}
}

// Of many attempts the first and the last are kept.
func TestDeliverKeepsSomeAttempts(t *testing.T) {
	var before []alert.Attempt
	for number := range 3 {
		before = append(before, alert.Attempt{Number: number - 20, Answer: strings.Repeat("no ", 1000)})
	}
	m := &mail{err: errAway}
	for range 30 {
		_, kept, _ := m.tell(t, telling.Target, before)
		before = kept
	}
	require.Len(t, before, 20)
	require.Equal(t, -20, before[0].Number)
	require.Equal(t, -18, before[2].Number)
	for _, last := range before[3:] {
		require.Equal(t, "connection refused", last.Answer)
	}
	m = &mail{err: errors.New(strings.Repeat("é", 1000))}
	_, kept, _ := m.tell(t, telling.Target, nil)
	require.Equal(t, strings.Repeat("é", 299)+"…", kept[0].Answer)
}

// A terminal obeys nothing in an answer that is kept.
func TestDeliverRemovesControls(t *testing.T) {
	m := &mail{answer: "250 \x1b[2Jqueued\r\nas 1\u202e"}
	told, _, err := m.tell(t, telling.Target, nil)
	require.NoError(t, err)
	require.Equal(t, "250 [2Jqueued as 1", told.Attempts[0].Answer)
	m = &mail{err: errors.New("451 \x1b]0;owned\x07")}
	_, kept, _ := m.tell(t, telling.Target, nil)
	require.Equal(t, "451 ]0;owned", kept[0].Answer)
}

// An attempt without a kept result is recorded as unknown. The process of an attempt may be killed: then its result is
// not recorded.
func TestDeliverUnknownAttempt(t *testing.T) {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	m := &mail{answer: "250 queued"}
	d := m.deliveries()
	env.RegisterActivity(d)
	tries := 0
	env.OnActivity(d.Tell, mock.Anything, mock.Anything).Return(func(ctx context.Context, t alert.DeliveryRequest) (alert.Delivery, error) {
		if tries++; tries < 3 {
			return alert.Delivery{}, errors.New("killed")
		}
		return d.Tell(ctx, t)
	})
	var told alert.Delivery
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		return workflow.ExecuteActivity(ctx, d.Tell, telling).Get(ctx, &told)
	})
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, told.Attempts, 3)
	for i, attempt := range told.Attempts[:2] {
		require.Equal(t, i+1, attempt.Number)
		require.True(t, attempt.Unknown)
		require.Equal(t, "unknown: alertman ended during it", attempt.Answer)
	}
	require.False(t, told.Attempts[2].Unknown)
}
