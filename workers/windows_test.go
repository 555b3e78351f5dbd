package workers_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"dummyorders/domain/alert"
	"dummyorders/gateways/temporal"
	"dummyorders/workflows"
)

func (s *station) window(t *testing.T) {
	group := workflows.GroupWorkflowID("window", "k")
	for range 3 {
		place, err := s.opens.Gather(t.Context(), lasting("window", "window 1"))
		require.NoError(t, err)
		require.Equal(t, alert.Place{Now: true}, place)
	}
	_, err := s.client.DescribeWorkflowExecution(t.Context(), group, "")
	require.ErrorAs(t, err, new(*serviceerror.NotFound))

	second, err := s.opens.Gather(t.Context(), lasting("window", "window 2"))
	require.NoError(t, err)
	require.Equal(t, alert.Place{WorkflowID: group, RunID: second.RunID}, second)
	for _, id := range []string{"window 2", "window 3"} {
		place, err := s.opens.Gather(t.Context(), lasting("window", id))
		require.NoError(t, err)
		require.Equal(t, second, place)
	}
	place, err := s.groups.Gather(t.Context(), lasting("window", "window 1"))
	require.NoError(t, err)
	require.True(t, place.Now, "the group knows it, also if its window is not asked")
	s.endNow(t, group)
	until(t, func() bool { return len(s.digested("window")) > 0 })
	require.Equal(t, map[string]int{"window 2": 1, "window 3": 1}, s.digested("window"))
}

func (s *station) followers(t *testing.T) {
	for _, id := range []string{"followed", "follows 1", "follows 2"} {
		g := assigned("followers", id)
		s.take(t, g.Assignment, g.Notice.Event)
		if id == "followed" {
			until(t, func() bool { return len(s.notices("followers")) == 1 })
		}
	}
	until(t, func() bool { return len(s.notices("followers")) == 2 })
	digest := s.notices("followers")[1]
	require.Equal(t, "followed", digest.Event.ID)
	require.Equal(t, map[string]int{"follows 1": 1, "follows 2": 1}, s.digested("followers"))
	require.Equal(t, 2*time.Second, digest.Digest.Until.Sub(digest.Digest.Since).Round(time.Second), "the window began with the first alert")
}

// followsAfterTheEnd is like afterTheEnd.
func (s *station) followsAfterTheEnd(t *testing.T) {
	second := lasting("followed", "followed 2")
	second.Since = time.Now().Add(-time.Minute)
	_, err := s.opens.Gather(t.Context(), lasting("followed", "followed 1"))
	require.NoError(t, err)
	place, err := s.opens.Gather(t.Context(), second)
	require.NoError(t, err)
	s.end(t, place)
	again, err := s.opens.Gather(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, place, again)
}

// away counts how often windows that do not answer are asked.
type away struct{ asked int }

func (a *away) OpenWindow(context.Context, alert.Window) (alert.Window, error) {
	a.asked++
	return alert.Window{}, errors.New("connection refused")
}

func (s *station) windowsAway(t *testing.T) {
	windows := &away{}
	groups := temporal.Groups{Client: s.client, Windows: windows, Log: slog.New(slog.DiscardHandler)}
	for _, id := range []string{"away 1", "away 2", "away 1"} {
		place, err := groups.Gather(t.Context(), lasting("away", id))
		require.NoError(t, err)
		require.Equal(t, id == "away 1", place.Now)
	}
	require.Less(t, windows.asked, 3, "each alert waits for them")
}
