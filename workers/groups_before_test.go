package workers_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"dummyorders/domain/alert"
	"dummyorders/gateways/temporal"
)

// lasting returns a gathering with a window that ends after every test.
func lasting(receiver, id string) alert.GroupRequest {
	g := assigned(receiver, id)
	g.Assignment.Group.Window = time.Hour
	return g
}

// afterTheEnd tests a worker that was killed before Temporal knew the result of its gathering, with a group that has ended
// since.
func (s *station) afterTheEnd(t *testing.T) {
	first, second := lasting("after", "after 1"), lasting("after", "after 2")
	second.Since = time.Now().Add(-time.Minute)
	_, err := s.groups.Gather(t.Context(), first)
	require.NoError(t, err)
	place, err := s.groups.Gather(t.Context(), second)
	require.NoError(t, err)
	s.end(t, place)
	again, err := s.groups.Gather(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, place, again)
	second.Notice.ID, second.Notice.Event.ID = "after 3", "after 3"
	place, err = s.groups.Gather(t.Context(), second)
	require.NoError(t, err)
	require.True(t, place.Now, "a notice that is old, and was never gathered")
}

// short lists one run per page.
type short struct{ client.Client }

func (s short) ListWorkflow(ctx context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	r.PageSize = 1
	return s.Client.ListWorkflow(ctx, r)
}

// amongMany is like afterTheEnd, with a group that has begun and ended several times since.
func (s *station) amongMany(t *testing.T) {
	first, second := lasting("many", "many 1"), lasting("many", "many 2")
	_, err := s.groups.Gather(t.Context(), first)
	require.NoError(t, err)
	place, err := s.groups.Gather(t.Context(), second)
	require.NoError(t, err)
	s.end(t, place)
	for i := range 4 {
		other, err := s.groups.Gather(t.Context(), lasting("many", fmt.Sprintf("another of many %d", i)))
		require.NoError(t, err)
		s.end(t, other)
	}
	second.Since = time.Now().Add(-time.Minute)
	groups := temporal.Groups{Client: short{s.client}}
	again, err := groups.Gather(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, place, again)
}

// endless lists the same runs over and over, without end.
type endless struct{ client.Client }

func (e endless) ListWorkflow(ctx context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	r.NextPageToken = nil
	runs, err := e.Client.ListWorkflow(ctx, r)
	if err == nil {
		runs.NextPageToken = []byte("more")
	}
	return runs, err
}

func (s *station) amongTooMany(t *testing.T) {
	first, second := lasting("too many", "too many 1"), lasting("too many", "too many 2")
	place, err := s.groups.Gather(t.Context(), first)
	require.NoError(t, err)
	s.end(t, place)
	second.Since = time.Now().Add(-time.Minute)
	groups := temporal.Groups{Client: endless{s.client}}
	place, err = groups.Gather(t.Context(), second)
	require.NoError(t, err)
	require.True(t, place.Now, "it waits for a group that it will not find")
}

// throttledAfterTheEnd is like afterTheEnd, with a throttle that has begun again since. The new run does not know which
// notices the earlier one let through, and would let them through again.
func (s *station) throttledAfterTheEnd(t *testing.T) {
	ask := func(id string, since time.Time) alert.Place {
		g := assigned("exhausted", id)
		g.Assignment.Throttle, g.Since = &alert.Throttle{Most: 1, Per: time.Hour}, since
		place, err := s.groups.Admit(t.Context(), g)
		require.NoError(t, err)
		return place
	}
	before := time.Now().Add(-time.Minute)
	require.True(t, ask("exhausted 1", before).Now)
	place := ask("exhausted 2", before)
	require.False(t, place.Now)
	s.end(t, place)
	anew := ask("exhausted 3", time.Time{})
	require.True(t, anew.Now, "the throttle has ended")
	place.Holding = nil // a throttle that has ended holds nothing back
	require.Equal(t, place, ask("exhausted 2", before))
	require.Equal(t, anew.RunID, ask("exhausted 4", before).RunID, "an alert that is old, and was never admitted")
	s.end(t, anew)
	until(t, func() bool { return len(s.digested("exhausted")) == 2 })
	require.Equal(t, map[string]int{"exhausted 2": 1, "exhausted 4": 1}, s.digested("exhausted"))
}
