package workflows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"dummyorders/activities"
	"dummyorders/domain/alert"
	"dummyorders/domain/money"
	"dummyorders/workflows"
)

const window = 5 * time.Minute

// group is an AlertGroup under test. Its digests are not delivered.
type group struct {
	*testsuite.TestWorkflowEnvironment

	t       require.TestingT
	start   time.Time
	recall  *place // finds events again
	digests []workflows.DeliverAlertInput
	at      []time.Duration // when each digest was handed on, after the start
}

func newGroupRun(t require.TestingT) *group {
	g := &group{TestWorkflowEnvironment: newEnvironment(), t: t, recall: &place{errs: slices.Repeat([]error{errAway}, 100)}}
	g.RegisterActivity(&activities.Groups{Store: g.recall})
	g.start = g.Now()
	g.RegisterWorkflowWithOptions(workflows.AlertGroup, workflow.RegisterOptions{Name: workflows.AlertGroupType})
	g.RegisterWorkflowWithOptions(func(ctx workflow.Context, d workflows.DeliverAlertInput) error {
		g.digests = append(g.digests, d)
		g.at = append(g.at, workflow.Now(ctx).Sub(g.start))
		return nil
	}, workflow.RegisterOptions{Name: workflows.DeliverAlertType})
	return g
}

func (g *group) gathering(id string) alert.GroupRequest {
	assignment := escalating()
	assignment.Group = &alert.Grouping{Key: "k", Name: "fraud.detected, card 123456******4321", Window: window}
	assignment.Throttle = &alert.Throttle{Most: 2, Per: time.Hour}
	event := alert.Sample(alert.FraudDetected, id, g.start)
	return alert.GroupRequest{Notice: alert.Notice{ID: id, Event: event}, Assignment: assignment}
}

// joins sends the group an alert that follows the first one.
func (g *group) joins(after time.Duration, id string) {
	g.RegisterDelayedCallback(func() { g.SignalWorkflow(workflows.JoinSignal, workflows.Arriving(g.gathering(id))) }, after)
}

// asks makes an alert ask the throttle.
func (g *group) asks(after time.Duration, id string) *admission {
	return g.asksAbout(after, id, alert.FraudDetected)
}

func (g *group) asksAbout(after time.Duration, id string, of alert.Type) *admission {
	got := &admission{}
	g.RegisterDelayedCallback(func() {
		asking := g.gathering(id)
		asking.Notice.Event.Type = of
		g.UpdateWorkflow(workflows.AdmitUpdate, "", got, workflows.Arriving(asking))
	}, after)
	return got
}

// admission holds the answer of a throttle.
type admission struct {
	alert.Place

	given bool
}

func (a *admission) Accept()      {}
func (a *admission) Reject(error) {}
func (a *admission) Complete(result any, _ error) {
	a.Place, a.given = result.(alert.Place)
}

func (g *group) gathers() {
	g.ExecuteWorkflow(workflows.AlertGroupType, workflows.NewGroup(g.gathering("first")))
}

func (g *group) throttles() {
	g.ExecuteWorkflow(workflows.AlertGroupType, workflows.NewThrottle(g.gathering("first")))
}

// members returns the ids in each digest.
func (g *group) members() [][]string {
	var digests [][]string
	for _, d := range g.digests {
		var members []string
		for _, m := range d.Digest.Members {
			members = append(members, m.EventID)
		}
		digests = append(digests, members)
	}
	return digests
}

// What follows within a window comes in one digest.
func TestGroupDigest(t *testing.T) {
	g := newGroupRun(t)
	for i, id := range []string{"b", "c", "b", "first", "d"} { // two of them twice
		g.joins(time.Duration(i)*time.Minute, id)
	}
	g.gathers()
	require.NoError(t, g.GetWorkflowError())
	require.Equal(t, [][]string{{"b", "c", "d"}}, g.members())
	require.Equal(t, []time.Duration{window}, g.at)
	d := g.digests[0]
	require.Equal(t, "first", d.Event.ID)
	require.Equal(t, 1, d.Digest.Number)
	require.Equal(t, "fraud.detected, card 123456******4321", d.Digest.Group)
	require.True(t, d.Digest.Since.Equal(g.start))
	require.Equal(t, window, d.Digest.Until.Sub(d.Digest.Since))
	require.NotEmpty(t, d.DigestID)
	require.Nil(t, d.Assignments[0].Group)
	require.NotNil(t, d.Assignments[0].Throttle)
	require.Len(t, d.Assignments[0].Steps, 1)
	require.Zero(t, d.Assignments[0].Steps[0].Within, "a digest asks for an acknowledgement")
}

// A window follows upon a digest, and the group ends in silence.
func TestGroupWindows(t *testing.T) {
	g := newGroupRun(t)
	g.joins(time.Minute, "b")
	g.joins(6*time.Minute, "c")
	g.joins(7*time.Minute, "b") // asked again
	g.gathers()
	require.Equal(t, [][]string{{"b"}, {"c"}}, g.members())
	require.Equal(t, []time.Duration{window, 2 * window}, g.at)
	require.NotEqual(t, g.digests[0].DigestID, g.digests[1].DigestID)
	require.Equal(t, 3*window, g.Now().Sub(g.start))
}

// A storm of alerts has a digest for each thousand.
func TestGroupStorm(t *testing.T) {
	g := newGroupRun(t)
	for i := 0; i < 2500; i += 500 { // the test environment does not accept a thousand at once
		g.RegisterDelayedCallback(func() {
			for id := i; id < i+500; id++ {
				g.SignalWorkflow(workflows.JoinSignal, workflows.Arriving(g.gathering(fmt.Sprint(id))))
			}
		}, time.Minute+time.Duration(i)*time.Millisecond)
	}
	g.gathers()
	require.Len(t, g.digests, 3)
	var sizes []int
	for _, d := range g.digests {
		sizes = append(sizes, len(d.Digest.Members))
	}
	require.Equal(t, []int{1000, 1000, 500}, sizes)
	require.InDeltaSlice(t, []time.Duration{61 * time.Second, 62 * time.Second, window}, g.at, float64(time.Second))
	for i, m := range g.digests[0].Digest.Members {
		require.Equal(t, fmt.Sprint(i), m.EventID, "in the order in which they came")
	}
}

// The more people get a digest, the fewer alerts it holds. Every delivery carries the digest, and all of them begin in
// one answer to Temporal, which refuses a large one.
func TestDigestSizeByRecipients(t *testing.T) {
	g := newGroupRun(t)
	g.RegisterDelayedCallback(func() {
		for id := range 150 {
			joins := g.gathering(fmt.Sprint(id))
			joins.Assignment.Steps[0].Targets = make([]alert.Target, 100)
			g.SignalWorkflow(workflows.JoinSignal, workflows.Arriving(joins))
		}
	}, time.Minute)
	g.gathers()
	var sizes []int
	for _, d := range g.digests {
		sizes = append(sizes, len(d.Digest.Members))
	}
	require.Equal(t, []int{40, 40, 40, 30}, sizes)
}

// No order id makes a digest too large to deliver. Temporal terminates a workflow that answers with more than 4 MiB at
// once.
func TestDigestFitsTemporal(t *testing.T) {
	longest := alert.Member{
		EventID: strings.Repeat("e", 36), TransactionID: strings.Repeat("t", 36), OrderID: strings.Repeat("<", 64), Wire: money.Wire{Amount: "999999999999.9999", Currency: "CLF"}, Outcome: "decline", Score: 100, Reason: strings.Repeat("R", 64), Time: time.Now(), Expiry: time.Now(),
	}
	for _, targets := range []int{1, 4, 20, 100} {
		g := newGroupRun(t)
		g.RegisterDelayedCallback(func() {
			joins := workflows.Arriving(g.gathering("many"))
			joins.Assignment.Steps[0].Targets = make([]alert.Target, targets)
			joins.Members = slices.Repeat([]alert.Member{longest}, 1000)
			g.SignalWorkflow(workflows.JoinSignal, joins)
		}, time.Minute)
		g.gathers()
		require.NotEmpty(t, g.digests)
		for _, d := range g.digests {
			encoded, err := json.Marshal(d.Digest)
			require.NoError(t, err)
			require.Less(t, len(encoded)*targets, 3<<20+1<<19, "%d targets", targets)
		}
	}
}

// The query of a group says what waits and what was delivered.
func TestGroupQuery(t *testing.T) {
	g := newGroupRun(t)
	g.joins(time.Minute, "b")
	g.joins(6*time.Minute, "c")
	ask := func() (answer alert.GroupLog) {
		value, err := g.QueryWorkflow(workflows.DigestsQuery)
		require.NoError(t, err)
		require.NoError(t, value.Get(&answer))
		return answer
	}
	var before, between alert.GroupLog
	g.RegisterDelayedCallback(func() { before = ask() }, 2*time.Minute)
	g.RegisterDelayedCallback(func() { between = ask() }, 8*time.Minute)
	g.gathers()
	require.Equal(t, 1, before.Waiting)
	require.True(t, before.Until.Equal(g.start.Add(window)))
	require.Empty(t, before.Digests)
	require.Equal(t, 1, between.Waiting)
	require.Equal(t, []string{"b"}, between.Digests[0].Events)
	after := ask()
	require.Zero(t, after.Waiting)
	require.Nil(t, after.Until)
	require.Len(t, after.Digests, 2)
	require.Equal(t, g.digests[1].DigestID, after.Digests[1].ID)
}

// A group that is cancelled delivers what it holds.
func TestGroupCancelled(t *testing.T) {
	g := newGroupRun(t)
	g.joins(time.Minute, "b")
	g.RegisterDelayedCallback(g.CancelWorkflow, 2*time.Minute)
	g.gathers()
	require.ErrorAs(t, g.GetWorkflowError(), new(*temporal.CanceledError))
	require.Equal(t, [][]string{{"b"}}, g.members())
}

// A long group continues as new with all that it holds.
func TestGroupContinuesAsNew(t *testing.T) {
	g := newGroupRun(t)
	g.joins(time.Minute, "b")
	g.joins(90*time.Second, "c")
	g.RegisterDelayedCallback(func() { g.SetContinueAsNewSuggested(true) }, 2*time.Minute)
	g.gathers()
	next := g.next(t)
	require.Empty(t, g.digests)

	g = newGroupRun(t)
	g.SetStartTime(next.Held.Since.Add(2 * time.Minute))
	g.start = next.Held.Since
	g.joins(time.Second, "b")
	g.joins(time.Second, "d")
	g.ExecuteWorkflow(workflows.AlertGroupType, next)
	require.Equal(t, [][]string{{"b", "c", "d"}}, g.members())
	require.Equal(t, []time.Duration{window}, g.at, "the window goes on where it was")
}

// next returns what a run has left to the one that follows.
func (g *group) next(t require.TestingT) workflows.AlertGroupInput {
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, g.GetWorkflowError(), &again)
	var next workflows.AlertGroupInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	return next
}

func (g *group) continued() bool {
	_, is := errors.AsType[*workflow.ContinueAsNewError](g.GetWorkflowError())
	return is
}

// A throttle admits so many and collects the rest.
func TestThrottle(t *testing.T) {
	g := newGroupRun(t)
	a, b, again := g.asks(0, "a"), g.asks(time.Minute, "b"), g.asks(3*time.Minute, "a")
	c, cAgain := g.asks(2*time.Minute, "c"), g.asks(4*time.Minute, "c")
	d := g.asks(time.Hour+time.Minute, "d") // after the digest, which was the span's first
	e := g.asksAbout(time.Hour+2*time.Minute, "e", alert.ReviewRequested)
	g.throttles()
	for name, got := range map[string]*admission{"a": a, "b": b, "a again": again, "d": d} {
		require.True(t, got.given && got.Now, name)
	}
	for name, got := range map[string]*admission{"c": c, "c again": cAgain, "e": e} {
		require.True(t, got.given && !got.Now, name)
		require.NotEmpty(t, got.WorkflowID)
		require.NotEmpty(t, got.RunID)
	}
	require.Equal(t, [][]string{{"c"}, {"e"}}, g.members())
	require.Equal(t, []time.Duration{time.Hour, 2 * time.Hour}, g.at)
	require.Nil(t, g.digests[0].Assignments[0].Throttle, "a throttle's digest is throttled")
	require.Equal(t, "what is more than 2 in 1h", g.digests[0].Digest.Group)
	require.Equal(t, 3*time.Hour, g.Now().Sub(g.start), "it ends in silence")
}

// A fraud of a new group passes where others have used up the throttle.
func TestThrottlePassesNewFraud(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*alert.Notice)
		passes bool
	}{
		"a fraud":                            {func(*alert.Notice) {}, true},
		"money that could not be given back": {func(n *alert.Notice) { n.Event.Type = alert.CompensationFailed }, true},
		"a review":                           {func(n *alert.Notice) { n.Event.Type = alert.ReviewRequested }, false},
		"a digest of frauds":                 {func(n *alert.Notice) { n.Digest = &alert.Digest{Members: []alert.Member{{EventID: "x"}}} }, false},
		"a fraud that its group held back":   {func(n *alert.Notice) { n.FollowUp = true }, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGroupRun(t)
			first, last := g.asksAbout(0, "1", alert.ReviewRequested), g.asksAbout(time.Second, "2", alert.ReviewRequested)
			held := g.asksAbout(2*time.Second, "3", alert.ReviewReminder)
			asking, got := g.gathering("new"), &admission{}
			c.change(&asking.Notice)
			g.RegisterDelayedCallback(func() {
				g.UpdateWorkflow(workflows.AdmitUpdate, "", got, workflows.Arriving(asking))
			}, 3*time.Second)
			g.throttles()
			require.True(t, first.Now && last.Now && !held.Now)
			require.Nil(t, first.Holding)
			until := g.start.Add(time.Hour)
			for waiting, one := range []*admission{last, held} {
				require.True(t, one.Holding.Until.Equal(until))
				require.Equal(t, waiting, one.Holding.Waiting)
			}
			require.Equal(t, c.passes, got.Now)
			require.True(t, got.Holding.Until.Equal(until))
		})
	}
}

// Frauds have no more places than the throttle gives them.
func TestThrottleLimitsFrauds(t *testing.T) {
	g := newGroupRun(t)
	var passed []bool
	for i, of := range []alert.Type{alert.ReviewRequested, alert.FraudDetected, alert.FraudDetected, alert.FraudDetected} {
		got := g.asksAbout(time.Duration(i)*time.Second, fmt.Sprint(i), of)
		g.RegisterDelayedCallback(func() { passed = append(passed, got.Now) }, time.Minute)
	}
	g.throttles()
	require.Equal(t, []bool{true, true, true, false}, passed)
}

// An alert that waits alone does not become a digest.
func TestGroupOfOne(t *testing.T) {
	g := newGroupRun(t)
	g.recall.errs = nil
	g.joins(time.Minute, "b")
	g.joins(6*time.Minute, "c")
	g.joins(7*time.Minute, "d")
	g.gathers()
	require.NoError(t, g.GetWorkflowError())
	require.Equal(t, []string{"recall b"}, g.recall.asked)
	require.Len(t, g.digests, 2)
	require.Nil(t, g.digests[0].Digest)
	require.Equal(t, "b", g.digests[0].Event.ID)
	require.Equal(t, alert.ReviewRequested, g.digests[0].Event.Type, "it is its own event")
	require.NotEmpty(t, g.digests[0].DigestID)
	require.Len(t, g.digests[1].Digest.Members, 2)
	value, err := g.QueryWorkflow(workflows.DigestsQuery)
	require.NoError(t, err)
	var log alert.GroupLog
	require.NoError(t, value.Get(&log))
	require.Equal(t, []string{"b"}, log.Digests[0].Events)
}

// A throttle holds all the alerts of a digest.
func TestThrottleHoldsDigest(t *testing.T) {
	g := newGroupRun(t)
	digest := g.gathering("digest-1")
	digest.Notice.Digest = &alert.Digest{Members: []alert.Member{{EventID: "x"}, {EventID: "y"}}}
	g.asks(0, "a")
	g.asks(0, "b")
	g.RegisterDelayedCallback(func() {
		g.UpdateWorkflow(workflows.AdmitUpdate, "", &admission{}, workflows.Arriving(digest))
	}, time.Minute)
	g.throttles()
	require.Equal(t, [][]string{{"x", "y"}}, g.members())
}

// No alert is lost and none is in two digests. The order, times and repetitions of the arrivals make no difference:
// each collected alert is in exactly one digest, and no other alert is in any, over all runs of the workflow.
func TestGroupOfAnyArrivals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGroupRun(t)
		throttled := rapid.Bool().Draw(t, "throttled")
		arrivals := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) arrival {
			return arrival{rapid.IntRange(0, 40).Draw(t, "id"), rapid.IntRange(0, 240).Draw(t, "after")}
		}), 0, 60).Draw(t, "arrivals")
		suggested := rapid.IntRange(0, 500).Draw(t, "long after")
		collected, told := map[string]bool{}, map[string]bool{}
		for _, a := range arrivals {
			id := fmt.Sprint("alert ", a.id)
			g.RegisterDelayedCallback(func() {
				switch {
				case g.IsWorkflowCompleted():
				case throttled:
					g.UpdateWorkflow(workflows.AdmitUpdate, "", answered(func(now bool) {
						collected[id], told[id] = collected[id] || !now, told[id] || now
					}), workflows.Arriving(g.gathering(id)))
				default:
					g.SignalWorkflow(workflows.JoinSignal, workflows.Arriving(g.gathering(id)))
					collected[id] = true
				}
			}, time.Duration(a.after)*time.Minute/4+time.Second)
		}
		g.RegisterDelayedCallback(func() { g.SetContinueAsNewSuggested(true) }, time.Duration(suggested)*time.Minute/4+2*time.Second)
		if throttled {
			g.throttles()
		} else {
			g.gathers()
		}
		in := map[string]int{}
		for _, digest := range g.members() {
			for _, id := range digest {
				in[id]++
			}
		}
		if g.continued() {
			for _, m := range g.next(t).Held.Waiting {
				in[m.EventID]++
			}
		}
		for id := range collected {
			if collected[id] && in[id] != 1 {
				t.Errorf("%s was collected, and is in %d digests", id, in[id])
			}
			if collected[id] && told[id] {
				t.Errorf("%s was both collected and told", id)
			}
			delete(in, id)
		}
		if len(in) > 0 && !throttled {
			t.Errorf("%v are in digests and were never collected", in)
		}
	})
}

type arrival struct{ id, after int } // after is in quarters of a minute

// answered passes on the answer of a throttle.
type answered func(now bool)

func (answered) Accept()      {}
func (answered) Reject(error) {}
func (a answered) Complete(result any, err error) {
	if place, ok := result.(alert.Place); ok && err == nil {
		a(place.Now)
	}
}
