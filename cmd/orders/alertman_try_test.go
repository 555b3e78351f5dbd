package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"

	"dummyorders/domain/alert"
	"dummyorders/gateways/temporal"
	"dummyorders/workflows"
)

// Wrong arguments are refused.
func TestTryArguments(t *testing.T) {
	setEnvironment(t, nil)
	for _, args := range []string{"", "a b", "mail --wait=0s", "mail --wait=2h", "mail --wait=soon"} {
		require.Equal(t, exitConfig, execute(ended(t), strings.Fields("alertman test "+args)), args)
	}
}

// A test alert that was delivered is shown target by target.
func TestTryDelivered(t *testing.T) {
	at := time.Now().UTC()
	var started workflows.DeliverAlertInput
	out, err := tryReceiver(t, &started, alert.Delivery{
		Target: "mail a@example.com", State: alert.Delivered, At: &at,
		Attempts: []alert.Attempt{{Number: 1, At: at, Answer: "451 busy"}, {Number: 2, At: at, Answer: "250 Ok"}},
	})
	require.NoError(t, err)
	require.Regexp(t, `^mail a@example.com: delivered after .*\n  attempt 1 at .*: 451 busy\n  attempt 2 at .*: 250 Ok\n$`, out)
	require.Equal(t, alert.Test, started.Event.Type)
	require.NotEmpty(t, started.Event.ID)
	require.Equal(t, []alert.Assignment{toFraudTeam}, started.Assignments)
	require.WithinDuration(t, time.Now().Add(2*time.Second), started.Event.Expiry(), time.Minute)
	require.Equal(t, 2*time.Second, started.Event.Expiry().Sub(started.Event.Time), "it is tried for as long as somebody waits")
}

// A target that was not reached is a failure with its last answer.
func TestTryNotDelivered(t *testing.T) {
	at := time.Now().UTC()
	out, err := tryReceiver(t, nil,
		alert.Delivery{Target: "mail a@example.com", State: alert.Delivered, At: &at},
		alert.Delivery{Target: "chat fraud-team/chat", State: alert.Refused, At: &at, Attempts: []alert.Attempt{{Number: 1, Answer: "404 no_team"}}},
		alert.Delivery{Target: "sms +4915112345678", State: alert.Expired, At: &at},
	)
	require.EqualError(t, err, "not delivered to 2 of 3 targets: chat fraud-team/chat (refused: 404 no_team); sms +4915112345678 (expired)")
	require.Contains(t, out, "mail a@example.com: delivered")
}

// An answer does nothing to a terminal.
func TestTryRemovesControls(t *testing.T) {
	at := time.Now().UTC()
	refused := alert.Delivery{Target: "mail a@example.com", State: alert.Refused, At: &at, Attempts: []alert.Attempt{
		{Number: 1, At: at, Answer: "550 no\r\n  attempt 2: 250 Ok\x1b[2J\x1b]0;x\x07\u202e\xff"},
	}}
	out, err := tryReceiver(t, nil, refused)
	const clean = "550 no attempt 2: 250 Ok [2J ]0;x \uFFFD"
	require.EqualError(t, err, "not delivered to 1 of 1 target: mail a@example.com (refused: "+clean+")")
	require.Contains(t, out, ": "+clean+"\n")
	require.Equal(t, 2, strings.Count(out, "\n"))
}

// Without an alertman the error says that one must be running.
func TestTryWithoutAlertman(t *testing.T) {
	server := mocks.NewClient(t)
	server.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.DeliverAlertType, mock.Anything).Return(nil, nil)
	server.On("QueryWorkflow", mock.Anything, mock.Anything, "", workflows.DeliveriesQuery).
		Return(nil, serviceerror.NewFailedPrecondition("no poller seen"))
	err := tryReceiverCommand{Receiver: "fraud-team", Wait: -tryGrace + time.Second}.try(t.Context(), &temporal.Alerts{Client: server}, toFraudTeam, output{io.Discard, io.Discard})
	require.ErrorContains(t, err, "no alertman answered for the test alert within 1s: `orders alertman` must be running")
	require.ErrorContains(t, err, "no poller seen")
}

// A test alert that Temporal does not take is a failure.
func TestTryNotAccepted(t *testing.T) {
	server := mocks.NewClient(t)
	server.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.DeliverAlertType, mock.Anything).
		Return(nil, serviceerror.NewUnavailable("no connection"))
	err := tryReceiverCommand{Wait: time.Second}.try(t.Context(), &temporal.Alerts{Client: server}, toFraudTeam, output{io.Discard, io.Discard})
	require.ErrorContains(t, err, "hand the test alert to Temporal (TEMPORAL_ADDRESS says where it is): no connection")
}

// An unknown receiver is refused with the known ones.
func TestTryUnknownReceiver(t *testing.T) {
	setEnvironment(t, map[string]string{"TRANSACTION_FRAUD_EMAIL_ALERT_TO": "a@example.com, b@example.com"})
	of := func(c tryReceiverCommand) (found alert.Assignment, notes string, err error) {
		var progress bytes.Buffer
		found, err = c.assignment(t.Context(), output{io.Discard, &progress})
		return found, progress.String(), err
	}
	_, _, err := of(tryReceiverCommand{Receiver: "mial"})
	require.EqualError(t, err, `without ALERTMAN_CONFIG or --config: no receiver is called "mial": did you mean "mail"? There are: mail`)
	_, notes, err := of(tryReceiverCommand{Receiver: "nobody"})
	require.EqualError(t, err, `without ALERTMAN_CONFIG or --config: no receiver is called "nobody". There are: mail`)
	require.Equal(t, "ALERTMAN_CONFIG is not set: every alert goes to the receiver mail, "+
		"which is TRANSACTION_FRAUD_EMAIL_ALERT_TO: a@example.com, b@example.com.\n", notes)
	found, _, err := of(tryReceiverCommand{Receiver: "mail"})
	require.NoError(t, err)
	require.Equal(t, []alert.Target{"mail a@example.com", "mail b@example.com"}, found.Steps[0].Targets)
	_, _, err = of(tryReceiverCommand{Receiver: "mail", Config: "nowhere.yaml"})
	require.ErrorContains(t, err, "nowhere.yaml")
}

var toFraudTeam = alert.Assignment{
	Receiver: "fraud-team", Route: "test", Steps: []alert.Step{{Receiver: "fraud-team", Targets: []alert.Target{"mail a@example.com"}}},
}

// tryReceiver tries a receiver whose alertman first does not answer, then has not delivered yet, and then answers with
// deliveries.
func tryReceiver(t *testing.T, started *workflows.DeliverAlertInput, deliveries ...alert.Delivery) (string, error) {
	t.Helper()
	return tryReceiverBy(t, tryReceiverCommand{Receiver: "fraud-team", Wait: 2 * time.Second}, started, deliveries...)
}

func tryReceiverBy(t *testing.T, c tryReceiverCommand, started *workflows.DeliverAlertInput, deliveries ...alert.Delivery) (string, error) {
	t.Helper()
	server := mocks.NewClient(t)
	server.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.DeliverAlertType, mock.Anything).Return(nil, nil).Run(func(a mock.Arguments) {
		options, ok := a.Get(1).(client.StartWorkflowOptions)
		require.True(t, ok)
		input, ok := a.Get(3).(workflows.DeliverAlertInput)
		require.True(t, ok)
		require.Equal(t, workflows.AlertWorkflowID(input.Event.ID), options.ID)
		require.Equal(t, workflows.AlertmanTaskQueue, options.TaskQueue)
		require.Equal(t, "test of receiver fraud-team", options.StaticSummary)
		require.Zero(t, options.TypedSearchAttributes.Size(), "the order of a test alert does not exist")
		if started != nil {
			*started = input
		}
	})
	query := func() *mock.Call {
		return server.On("QueryWorkflow", mock.Anything, mock.Anything, "", workflows.DeliveriesQuery).Once()
	}
	query().Return(nil, serviceerror.NewWorkflowNotReady("first workflow task"))
	query().Return(logged(t, alert.Delivery{Target: deliveries[0].Target, State: alert.Pending}), nil)
	query().Return(logged(t, deliveries...), nil)
	var out bytes.Buffer
	err := c.try(t.Context(), &temporal.Alerts{Client: server}, toFraudTeam, output{&out, io.Discard})
	return out.String(), err
}

func logged(t *testing.T, deliveries ...alert.Delivery) converter.EncodedValue {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(alert.Log{Chains: []alert.ChainLog{{Steps: []alert.StepLog{{Deliveries: deliveries}}}}})
	require.NoError(t, err)
	return client.NewValue(payloads)
}
