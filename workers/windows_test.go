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
	begun, first := time.Now(), lasting("followers", "followed")
	s.take(t, first.Assignment, first.Notice.Event)
	until(t, func() bool { return len(s.notices("followers")) == 1 })
	sent := time.Now()
	for _, id := range []string{"follows 1", "follows 2"} {
		g := lasting("followers", id)
		s.take(t, g.Assignment, g.Notice.Event)
		until(t, func() bool { return s.log(t, id).Chains[0].Collected != nil })
	}
	s.endNow(t, workflows.GroupWorkflowID("followers", "k"))
	until(t, func() bool { return len(s.notices("followers")) == 2 })
	digest := s.notices("followers")[1]
	require.Equal(t, "followed", digest.Event.ID)
	require.Equal(t, map[string]int{"follows 1": 1, "follows 2": 1}, s.digested("followers"))
	require.WithinRange(t, digest.Digest.Since, begun, sent, "the window began with the first alert")
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

// openedBy are windows that a notice has opened, and that end so long after they are asked for.
type openedBy struct {
	first string
	left  time.Duration
}

func (o openedBy) OpenWindow(_ context.Context, w alert.Window) (alert.Window, error) {
	w.First, w.Until = o.first, w.Since.Add(o.left)
	return w, nil
}

// firstAgain tests a worker that was killed before Temporal knew that it may send a group's first alert. The alert would be lost in the
// group, which takes it for sent.
func (s *station) firstAgain(t *testing.T) {
	first := lasting("first again", "first again 1")
	for _, g := range []alert.GroupRequest{first, lasting("first again", "first again 2")} {
		_, err := s.opens.Gather(t.Context(), g)
		require.NoError(t, err)
	}
	groups := temporal.Groups{Client: s.client, Windows: openedBy{"first again 3", time.Hour}}
	place, err := groups.Gather(t.Context(), first)
	require.NoError(t, err)
	require.True(t, place.Now)
}

// windowDeleted tests a worker that was killed before Temporal knew the result of its gathering, as were all others, until the window was
// over. The group still runs.
func (s *station) windowDeleted(t *testing.T) {
	second := lasting("deleted", "deleted 2")
	second.Since = time.Now().Add(-time.Minute)
	_, err := s.opens.Gather(t.Context(), lasting("deleted", "deleted 1"))
	require.NoError(t, err)
	place, err := s.opens.Gather(t.Context(), second)
	require.NoError(t, err)
	groups := temporal.Groups{Client: s.client, Windows: openedBy{"deleted 2", time.Hour}}
	again, err := groups.Gather(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, place, again)
	s.endNow(t, place.WorkflowID)
	until(t, func() bool { return len(s.digested("deleted")) > 0 })
	require.Equal(t, map[string]int{"deleted 2": 1}, s.digested("deleted"))
}

func (s *station) windowTooLong(t *testing.T) {
	groups := temporal.Groups{Client: s.client, Windows: openedBy{"too long 1", 24 * time.Hour}}
	place, err := groups.Gather(t.Context(), assigned("too long", "too long 2"))
	require.NoError(t, err)
	require.False(t, place.Now)
	until(t, func() bool { return len(s.notices("too long")) == 1 })
}

// away counts how often windows that do not answer are asked.
type away struct{ asked int }

func (a *away) OpenWindow(context.Context, alert.Window) (alert.Window, error) {
	a.asked++
	return alert.Window{}, errors.New("connection refused")
}

func (s *station) windowsAway(t *testing.T) {
	windows, begun := &away{}, time.Now()
	groups := temporal.Groups{Client: s.client, Windows: windows, Log: slog.New(slog.DiscardHandler)}
	for _, id := range []string{"away 1", "away 2", "away 1"} {
		place, err := groups.Gather(t.Context(), lasting("away", id))
		require.NoError(t, err)
		require.Equal(t, id == "away 1", place.Now)
	}
	require.LessOrEqual(t, windows.asked, 1+int(time.Since(begun)/(5*time.Second)), "each alert waits for them")
}
