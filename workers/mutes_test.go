package workers_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/workers"
)

// muteList is a store of mutes, and how often it was read.
type muteList struct {
	all  []alert.Mute
	err  error
	read int
}

func (l *muteList) Mutes(context.Context, identity.Merchants, time.Time) ([]alert.Mute, error) {
	l.read++
	return l.all, l.err
}

// started keeps what deliveries are started with.
type started struct{ assignments []alert.Assignment }

func (s *started) Start(_ context.Context, _ alert.Event, to []alert.Assignment) (bool, error) {
	s.assignments = to
	return true, nil
}

// twoReceivers sends each event to two, of whom the routing file mutes one.
type twoReceivers struct{}

func (twoReceivers) Route(alert.Event, time.Time) []alert.Assignment {
	steps := []alert.Step{{Receiver: "fraud-team", Targets: []alert.Target{"mail jo@example.com"}}}
	return []alert.Assignment{{Receiver: "fraud-team", Route: "all", Steps: steps}, {Route: "nights", Muted: "muted by nights"}}
}

// A muted alert is handed on with its receivers and the reason why they do not get it. Mutes are read every few seconds, and hold while
// they cannot be read until they end.
func TestTakeMuted(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	mute := alert.Mute{ID: "m-1", Type: alert.FraudDetected, By: "ada", Reason: "load test", Begin: now, Until: now.Add(time.Hour)}
	list, begun, log := &muteList{}, &started{}, &bytes.Buffer{}
	intake := workers.Intake{
		Alerts: begun, Router: twoReceivers{}, Log: slog.New(slog.DiscardHandler),
		Mutes: &workers.Mutes{Store: list, Log: slog.New(slog.NewTextHandler(log, nil)), Now: func() time.Time { return now }},
	}
	muted := func() string {
		t.Helper()
		require.NoError(t, intake.Take(t.Context(), alert.Sample(alert.FraudDetected, "e-1", now)))
		require.Len(t, begun.assignments, 2)
		assert.Len(t, begun.assignments[0].Steps, 1, "it could not be sent later")
		assert.Equal(t, "muted by nights", begun.assignments[1].Muted)
		return begun.assignments[0].Muted
	}
	assert.Empty(t, muted())
	list.all = []alert.Mute{mute}
	assert.Empty(t, muted(), "what was read a moment ago counts")
	assert.Equal(t, 1, list.read)
	now = now.Add(5 * time.Second)
	const why = "muted by ada until 2026-01-02T04:04:05Z: load test (mute m-1)"
	assert.Equal(t, why, muted())
	now, list.all, list.err = now.Add(5*time.Second), nil, errors.New("no connection")
	assert.Equal(t, why, muted(), "while the ledger does not answer")
	assert.Equal(t, 1, strings.Count(log.String(), "Mutes not read"))
	now = now.Add(time.Hour)
	assert.Empty(t, muted(), "it has ended")
}
