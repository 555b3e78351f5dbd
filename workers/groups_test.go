package workers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/stack"
	"dummyorders/workers"
	"dummyorders/workflows"
)

// busyHistory is how many events a group's history has before the group continues as a new run: few, so that the tests see
// it happen.
const busyHistory = 60

// TestAlertmanOnRealServer tests what no test environment offers: signals and updates that race with a workflow's end.
func TestAlertmanOnRealServer(t *testing.T) {
	s := startAlertman(t)
	for name, test := range map[string]func(*station, *testing.T){
		"one of many at once is told, and each other is in one digest":    (*station).manyAtOnce,
		"the same, of a group that keeps its window":                      (*station).manyInAWindow,
		"a group of one alert has no workflow, and the second begins it":  (*station).window,
		"a digest names the alert that was sent before it":                (*station).followers,
		"one that follows again once the group has ended":                 (*station).followsAfterTheEnd,
		"the first again, once another one has opened the window":         (*station).firstAgain,
		"one that follows again once the window was deleted":              (*station).windowDeleted,
		"a window that ends too late holds an alert no longer":            (*station).windowTooLong,
		"a group goes on without windows that do not answer":              (*station).windowsAway,
		"whoever gathers again gets the same answer":                      (*station).again,
		"whoever gathers again once the group has ended":                  (*station).afterTheEnd,
		"a group that ends while it is being joined":                      (*station).endsMeanwhile,
		"one whose group has had more runs since than a page lists":       (*station).amongMany,
		"one whose group has had more runs than can be looked through":    (*station).amongTooMany,
		"a throttle admits so many of many at once":                       (*station).throttled,
		"whoever asks a throttle again once it has ended":                 (*station).throttledAfterTheEnd,
		"what waits alone is told as itself":                              (*station).alone,
		"a reset of a group loses nothing that waits":                     (*station).resetGroup,
		"the same, of a group that keeps its window, which is over":       (*station).resetInAWindow,
		"a reset of a throttle loses nothing that waits":                  (*station).resetThrottle,
		"an event is taken once, told and acknowledged, and the log says": (*station).taken,
		"what a delivery has tried is known to its next try, and after":   (*station).attempts,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(s, t)
		})
	}
}

// station runs alertman's worker on a server of its own, and is itself the channel of its deliveries.
type station struct {
	client client.Client
	groups *temporal.Groups // without windows
	opens  *temporal.Groups // with windows, as alertman has them

	mu      sync.Mutex
	told    map[string][]alert.Notice // by address
	answers map[string][]error        // by address, one for each attempt
}

func startAlertman(t *testing.T) *station {
	t.Helper()
	s := newStation(t)
	s.work(t, map[string]alert.Channel{"mail": s}, 20)
	return s
}

// newStation starts a server, without a worker.
func newStation(t *testing.T) *station {
	t.Helper()
	server, err := stack.StartTemporal(t.Context(), stack.TemporalOptions{Dir: t.TempDir(), Config: eagerToContinue(t)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	c, err := client.Dial(client.Options{HostPort: server.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	windows := ledgertest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	opens := &temporal.Groups{Client: c, Windows: windows, Log: slog.New(slog.DiscardHandler)}
	return &station{client: c, groups: &temporal.Groups{Client: c}, opens: opens, told: map[string][]alert.Notice{}, answers: map[string][]error{}}
}

// work starts the workers, which make at most atOnce deliveries at the same time on each channel. They stop at the test's
// end.
func (s *station) work(t *testing.T, channels map[string]alert.Channel, atOnce int) {
	t.Helper()
	maker := workers.NewAlertman(s.client, &activities.Deliveries{Channels: channels, Writer: s}, &activities.Groups{Store: s.opens}, atOnce)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- workers.NewRunner("alertman", maker, slog.New(slog.DiscardHandler)).Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
}

// eagerToContinue returns the project's configuration of the server, changed so that a short history already counts as long.
func eagerToContinue(t *testing.T) string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(root, "temporal-config"))))
	file, err := os.OpenFile(filepath.Join(dir, "dynamicconfig", "dev.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = fmt.Fprintf(file, "\nlimit.historyCount.suggestContinueAsNew:\n  - value: %d\n", busyHistory)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return dir
}

func (*station) Write(t alert.DeliveryRequest) (alert.Message, error) {
	return alert.Message{Notice: t.Notice}, nil
}

func (s *station) Deliver(_ context.Context, to string, m alert.Message) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if planned := s.answers[to]; len(planned) > 0 {
		s.answers[to] = planned[1:]
		return "", planned[0]
	}
	s.told[to] = append(s.told[to], m.Notice)
	return "250 queued", nil
}

func (s *station) fails(to string, errs ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[to] = errs
}

// notices returns what a receiver got so far.
func (s *station) notices(receiver string) []alert.Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told[receiver]
}

// digested returns in how many digests of a receiver each alert is.
func (s *station) digested(receiver string) map[string]int {
	in := map[string]int{}
	for _, notice := range s.notices(receiver) {
		if notice.Digest != nil {
			for _, m := range notice.Digest.Members {
				in[m.EventID]++
			}
		}
	}
	return in
}

// until waits until so returns true.
func until(t *testing.T, so func() bool) {
	t.Helper()
	require.Eventually(t, so, time.Minute, 20*time.Millisecond)
}

// assigned returns the gathering of an event for a receiver whose only address is its name.
func assigned(receiver, id string) alert.GroupRequest {
	return alert.GroupRequest{
		Notice: alert.Notice{ID: id, Event: alert.Sample(alert.FraudDetected, id, time.Now())},
		Assignment: alert.Assignment{
			Receiver: receiver, Route: "all", Steps: []alert.Step{{Receiver: receiver, Targets: []alert.Target{alert.NewTarget("mail", receiver)}}},
			Group: &alert.Grouping{Key: "k", Name: "all of them", Window: 2 * time.Second},
		},
	}
}

// places asks for many notices, four at a time, and returns the answer for each.
func places(t *testing.T, many int, ask func(id string) (alert.Place, error)) map[string]alert.Place {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]alert.Place{}
	asking, _ := errgroup.WithContext(t.Context())
	asking.SetLimit(4)
	for i := range many {
		asking.Go(func() error {
			id := fmt.Sprintf("%s %d", t.Name(), i)
			place, err := ask(id)
			mu.Lock()
			defer mu.Unlock()
			answers[id] = place
			return err
		})
	}
	require.NoError(t, asking.Wait())
	return answers
}

func (s *station) manyAtOnce(t *testing.T) {
	s.many(t, s.groups, "storm")
}

func (s *station) manyInAWindow(t *testing.T) {
	s.many(t, s.opens, "storm in a window")
}

func (s *station) many(t *testing.T, groups *temporal.Groups, receiver string) {
	t.Helper()
	answers := places(t, 200, func(id string) (alert.Place, error) {
		return groups.Gather(t.Context(), assigned(receiver, id))
	})
	collected := 0
	for _, place := range answers {
		if !place.Now {
			require.NotEmpty(t, place.RunID)
			collected++
		}
	}
	require.Greater(t, collected, 190, "the first of a group is told, and the machine would have to be very slow for another group")
	until(t, func() bool { return len(s.digested(receiver)) >= collected })
	in := s.digested(receiver)
	for id, place := range answers {
		want := 1
		if place.Now {
			want = 0
		}
		require.Equal(t, want, in[id], id)
	}
	runs := map[string]bool{}
	for _, place := range answers {
		runs[place.RunID] = true
	}
	t.Logf("%d collected, in %d digests, over %d runs", collected, len(s.notices(receiver)), len(runs))
}

func (s *station) again(t *testing.T) {
	first, second := assigned("again", "again 1"), assigned("again", "again 2")
	first.Assignment.Group.Window, second.Assignment.Group.Window = time.Hour, time.Hour
	for range 3 {
		for _, g := range []alert.GroupRequest{first, second} {
			place, err := s.groups.Gather(t.Context(), g)
			require.NoError(t, err)
			require.Equal(t, g.Notice.ID == "again 1", place.Now)
			require.Equal(t, workflows.GroupWorkflowID("again", "k"), place.WorkflowID)
		}
	}
	s.endNow(t, workflows.GroupWorkflowID("again", "k"))
	until(t, func() bool { return len(s.digested("again")) > 0 })
	require.Equal(t, map[string]int{"again 2": 1}, s.digested("again"))
}

// endNow makes a group hand on what it holds.
func (s *station) endNow(t *testing.T, id string) {
	t.Helper()
	require.NoError(t, s.client.CancelWorkflow(t.Context(), id, ""))
}

// end calls endNow, waits for the group's end, and then until Temporal's list, which is a moment behind, shows it.
func (s *station) end(t *testing.T, run alert.Place) {
	t.Helper()
	s.endNow(t, run.WorkflowID)
	_ = s.client.GetWorkflow(t.Context(), run.WorkflowID, run.RunID).Get(t.Context(), nil) // it was cancelled
	until(t, func() bool {
		ended, err := s.client.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: fmt.Sprintf("RunId = '%s' AND ExecutionStatus = 'Canceled'", run.RunID),
		})
		require.NoError(t, err)
		return ended.GetCount() == 1
	})
}

// ending ends a group just before it is signalled.
type ending struct {
	client.Client

	ended int
}

func (e *ending) SignalWorkflow(ctx context.Context, id, run, signal string, arg any) error {
	if e.ended++; e.ended == 1 {
		if err := e.CancelWorkflow(ctx, id, run); err != nil {
			return err
		}
		_ = e.GetWorkflow(ctx, id, run).Get(ctx, nil) // it was cancelled
	}
	return e.Client.SignalWorkflow(ctx, id, run, signal, arg)
}

func (s *station) endsMeanwhile(t *testing.T) {
	groups := temporal.Groups{Client: &ending{Client: s.client}}
	before, err := groups.Gather(t.Context(), assigned("ends", "ends 1"))
	require.NoError(t, err)
	after, err := groups.Gather(t.Context(), assigned("ends", "ends 2"))
	require.NoError(t, err)
	require.True(t, after.Now, "the group that it would have joined is over")
	require.NotEqual(t, before.RunID, after.RunID)
}

func (s *station) throttled(t *testing.T) {
	const most, many = 5, 60
	ask := func(id string) (alert.Place, error) {
		g := assigned("throttled", id)
		g.Assignment.Throttle = &alert.Throttle{Most: most, Per: time.Hour}
		return s.groups.Admit(t.Context(), g)
	}
	answers := places(t, many, ask)
	admitted := 0
	for _, place := range answers {
		if place.Now {
			admitted++
		}
	}
	require.Equal(t, most, admitted)
	for id, place := range answers {
		same, err := ask(id)
		require.NoError(t, err)
		require.Equal(t, place.Now, same.Now, id)
	}
	s.endNow(t, workflows.ThrottleWorkflowID("throttled"))
	until(t, func() bool { return len(s.digested("throttled")) > 0 })
	in := s.digested("throttled")
	require.Len(t, in, many-most)
	require.Len(t, s.notices("throttled"), 1)
}

// reset resets a workflow to the end of its first task.
func (s *station) reset(t *testing.T, of alert.Place) {
	t.Helper()
	history := s.client.GetWorkflowHistory(t.Context(), of.WorkflowID, of.RunID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := history.Next()
	for err == nil && first.GetEventType() != enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
		first, err = history.Next()
	}
	require.NoError(t, err)
	_, err = s.client.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: of.WorkflowID, RunId: of.RunID}, Reason: "a test",
		RequestId: uuid.NewString(), WorkflowTaskFinishEventId: first.GetEventId(),
	})
	require.NoError(t, err)
}

func (s *station) resetGroup(t *testing.T) {
	s.resetOf(t, s.groups, "reset")
}

func (s *station) resetInAWindow(t *testing.T) {
	s.resetOf(t, s.opens, "reset in a window")
}

func (s *station) resetOf(t *testing.T, groups *temporal.Groups, receiver string) {
	t.Helper()
	gathering := func(id string) alert.Place {
		g := assigned(receiver, receiver+id)
		g.Assignment.Group.Window = 3 * time.Second
		place, err := groups.Gather(t.Context(), g)
		require.NoError(t, err)
		return place
	}
	gathering(" 1")
	place := gathering(" 2")
	until(t, func() bool { return len(s.digested(receiver)) == 1 })
	gathering(" 3")
	gathering(" 4")
	s.reset(t, place)
	until(t, func() bool { return len(s.digested(receiver)) == 3 })
	require.Equal(t, map[string]int{receiver + " 2": 1, receiver + " 3": 1, receiver + " 4": 1}, s.digested(receiver))
}

// resetThrottle tests a throttle that is asked again by a reset: a notice that it admits then would be lost, because its
// caller was answered before.
func (s *station) resetThrottle(t *testing.T) {
	throttle := workflows.NewThrottle(assigned("reset throttle", "first"))
	throttle.Assignment.Throttle = &alert.Throttle{Most: 1, Per: time.Hour}
	run, err := s.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: workflows.ThrottleWorkflowID("reset throttle"), TaskQueue: workflows.AlertmanTaskQueue,
	}, workflows.AlertGroupType, throttle)
	require.NoError(t, err)
	// No caller of the first two waits any more by the time of the reset. The third was answered a moment ago.
	for i, asked := range []time.Time{time.Now().Add(-2 * time.Minute), time.Now().Add(-2 * time.Minute), time.Now()} {
		g := assigned("reset throttle", fmt.Sprintf("held %d", i+1))
		g.Assignment.Throttle = throttle.Assignment.Throttle
		arrival := workflows.Arriving(g)
		arrival.AskedAt = asked
		update, err := s.client.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
			WorkflowID: run.GetID(), UpdateID: g.Notice.ID, UpdateName: workflows.AdmitUpdate, Args: []any{arrival},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		require.NoError(t, err)
		require.NoError(t, update.Get(t.Context(), nil))
	}
	s.reset(t, alert.Place{WorkflowID: run.GetID(), RunID: run.GetRunID()})
	s.endNow(t, run.GetID())
	until(t, func() bool { return len(s.digested("reset throttle")) == 3 })
	require.Equal(t, map[string]int{"held 1": 1, "held 2": 1, "held 3": 1}, s.digested("reset throttle"))
}

// router sends everything to one receiver.
type router struct{ assignment alert.Assignment }

func (r router) Route(alert.Event, time.Time) []alert.Assignment {
	return []alert.Assignment{r.assignment}
}

func (s *station) take(t *testing.T, a alert.Assignment, event alert.Event) {
	t.Helper()
	intake := workers.Intake{Alerts: &temporal.Alerts{Client: s.client}, Router: router{a}, Log: slog.New(slog.DiscardHandler)}
	require.NoError(t, intake.Take(t.Context(), event))
}

func (s *station) alone(t *testing.T) {
	for _, id := range []string{"alone 1", "alone 2"} {
		g := assigned("alone", id)
		g.Notice.Event.Data.OrderName = "the order of " + id
		s.take(t, g.Assignment, g.Notice.Event)
	}
	until(t, func() bool { return len(s.notices("alone")) == 2 })
	first, second := s.notices("alone")[0], s.notices("alone")[1]
	require.False(t, first.FollowUp)
	require.True(t, second.FollowUp)
	require.Nil(t, second.Digest)
	require.NotEqual(t, first.ID, second.ID)
	require.Equal(t, "the order of "+second.ID, second.Event.Data.OrderName, "its event is whole")
	place := s.log(t, second.ID).Chains[0].Collected
	require.NotNil(t, place)
	var group alert.GroupLog
	s.query(t, *place, workflows.DigestsQuery, &group)
	require.Equal(t, []string{second.ID}, group.Digests[0].Events)
	told := s.log(t, group.Digests[0].ID)
	require.Equal(t, group.Digests[0].ID, told.ID)
	require.Equal(t, second.ID, told.EventID)
}

func (s *station) log(t *testing.T, id string) (log alert.Log) {
	t.Helper()
	s.query(t, alert.Place{WorkflowID: workflows.AlertWorkflowID(id)}, workflows.DeliveriesQuery, &log)
	return log
}

// query retries until a worker has the time to answer.
func (s *station) query(t *testing.T, of alert.Place, name string, answer any) {
	t.Helper()
	until(t, func() bool {
		value, err := s.client.QueryWorkflow(t.Context(), of.WorkflowID, of.RunID, name)
		return err == nil && value.Get(answer) == nil
	})
}

func (s *station) taken(t *testing.T) {
	g := assigned("taken", "taken 1")
	g.Assignment.Throttle = &alert.Throttle{Most: 5, Per: 20 * time.Second}
	g.Assignment.Steps[0].Within = time.Hour
	for range 2 {
		s.take(t, g.Assignment, g.Notice.Event)
	}
	until(t, func() bool { return len(s.notices("taken")) == 1 })
	update, err := s.client.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: workflows.AlertWorkflowID("taken 1"), UpdateName: workflows.AcknowledgeUpdate,
		Args: []any{alert.Acknowledgement{By: "ada"}}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	var got alert.Acknowledgement
	require.NoError(t, update.Get(t.Context(), &got))
	require.NoError(t, s.client.GetWorkflow(t.Context(), workflows.AlertWorkflowID("taken 1"), "").Get(t.Context(), nil))
	log := s.log(t, "taken 1")
	require.Equal(t, "ada", log.Acknowledgement.By)
	require.Equal(t, alert.Delivered, log.Chains[0].Steps[0].Deliveries[0].State)
	require.Len(t, s.notices("taken"), 1, "it was taken twice, and told twice")
}

// The log shows the attempts of a delivery that is given up, whether between its tries or during one.
func (s *station) attempts(t *testing.T) {
	away := errors.New("connection refused")
	s.fails("tried", away, away)
	g := assigned("tried", "tried 1")
	g.Assignment.Group = nil
	s.take(t, g.Assignment, g.Notice.Event)
	require.NoError(t, s.client.GetWorkflow(t.Context(), workflows.AlertWorkflowID("tried 1"), "").Get(t.Context(), nil))
	tried := s.log(t, "tried 1").Chains[0].Steps[0].Deliveries[0].Attempts
	require.Len(t, tried, 3)
	require.Equal(t, "connection refused", tried[1].Answer)
	require.Equal(t, "250 queued", tried[2].Answer)

	s.fails("expiring", away, away, away, away)
	g = assigned("expiring", "expiring 1")
	g.Assignment.Group = nil
	expires := time.Now().Add(5 * time.Second)
	g.Notice.Event.Data.ExpiresAt = &expires
	s.take(t, g.Assignment, g.Notice.Event)
	require.ErrorContains(t, s.client.GetWorkflow(t.Context(), workflows.AlertWorkflowID("expiring 1"), "").Get(t.Context(), nil), "not delivered to mail expiring")
	expired := s.log(t, "expiring 1").Chains[0].Steps[0].Deliveries[0]
	require.Equal(t, alert.Expired, expired.State)
	require.NotEmpty(t, expired.Attempts)
	require.Equal(t, "connection refused", expired.Attempts[0].Answer)
}
