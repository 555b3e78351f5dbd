package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"dummyorders/domain/alert"
	"dummyorders/workflows"
)

// escalating returns an assignment with two receivers: the first has a quarter of an hour to acknowledge, and the next has
// as long.
func escalating() alert.Assignment {
	return alert.Assignment{Receiver: "fraud-team", Route: "all", Steps: []alert.Step{
		{Receiver: "fraud-team", Targets: []alert.Target{ada}, Within: 15 * time.Minute},
		{Receiver: "on-call", Targets: []alert.Target{grace}, Within: 15 * time.Minute},
	}}
}

// acknowledgement holds the answer to an acknowledgement.
type acknowledgement struct {
	alert.Acknowledgement

	rejected, err error
}

func (a *acknowledgement) Accept()          {}
func (a *acknowledgement) Reject(err error) { a.rejected = err }
func (a *acknowledgement) Complete(result any, err error) {
	a.Acknowledgement, _ = result.(alert.Acknowledgement)
	a.err = err
}

func (d *delivery) acknowledges(after time.Duration, by alert.Acknowledgement) *acknowledgement {
	got := &acknowledgement{}
	d.RegisterDelayedCallback(func() { d.UpdateWorkflow(workflows.AcknowledgeUpdate, "", got, by) }, after)
	return got
}

func refused(t *testing.T, err error, kind, says string) {
	t.Helper()
	var refused *temporal.ApplicationError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, kind, refused.Type())
	require.Contains(t, refused.Message(), says)
}

// An acknowledgement in time stops the escalation of every chain.
func TestAckStopsEscalation(t *testing.T) {
	d := newDelivery(t)
	got := d.acknowledges(10*time.Minute, alert.Acknowledgement{By: "ada", Note: "mine"})
	other := escalating()
	other.Receiver, other.Steps[0].Targets, other.Steps[1].Targets = "shop", []alert.Target{"mail shop@example.com"}, []alert.Target{"mail boss@example.com"}
	log := d.execute(escalating(), other)
	require.NoError(t, d.GetWorkflowError())
	require.NoError(t, got.err)
	require.Equal(t, "ada", got.By)
	require.True(t, got.At.Equal(d.start.Add(10*time.Minute)), "the workflow's own clock says when")
	require.Equal(t, "mine", log.Acknowledgement.Note)
	require.Len(t, d.told, 2)
	for _, chain := range log.Chains {
		require.Len(t, chain.Steps, 1)
		require.False(t, chain.Unacknowledged)
	}
}

// If a step is not acknowledged in time, the alert goes to the next one.
func TestEscalate(t *testing.T) {
	d := newDelivery(t)
	d.acknowledges(20*time.Minute, alert.Acknowledgement{By: "grace"})
	log := d.execute(escalating())
	require.NoError(t, d.GetWorkflowError())
	require.Equal(t, 15*time.Minute, d.told[grace])
	first, second := d.notices[ada][0], d.notices[grace][0]
	require.Equal(t, "on-call", first.Ask.Next)
	require.True(t, first.Ask.Until.Equal(d.start.Add(15*time.Minute)))
	require.Empty(t, first.Unanswered)
	require.Empty(t, second.Ask.Next)
	require.Equal(t, []string{"fraud-team"}, second.Unanswered)
	require.Len(t, log.Chains[0].Steps, 2)
	require.True(t, log.Chains[0].Steps[1].AskedUntil.Equal(d.start.Add(30*time.Minute)))
}

// If no target of a step can be reached, the alert goes to the next step at once.
func TestEscalateAtOnce(t *testing.T) {
	d := newDelivery(t)
	d.fails(ada, errRefused, 1)
	d.acknowledges(time.Minute, alert.Acknowledgement{By: "grace"})
	d.execute(escalating())
	require.Contains(t, d.told, grace)
	require.Zero(t, d.told[grace])
	require.Contains(t, d.failure(workflows.NotDelivered), string(ada))
}

// An alert that is not acknowledged fails its workflow.
func TestNotAcknowledged(t *testing.T) {
	d := newDelivery(t)
	log := d.execute(escalating())
	require.Contains(t, d.failure(workflows.NotAcknowledged), "not acknowledged by on-call")
	require.True(t, log.Chains[0].Unacknowledged)
	require.Len(t, d.told, 2)
}

// The first acknowledgement counts, and the others get it as their answer.
func TestFirstAckCounts(t *testing.T) {
	d := newDelivery(t)
	d.fails(ada, errAway, 7) // for two minutes, in which the workflow goes on
	d.acknowledges(10*time.Second, alert.Acknowledgement{By: "ada"})
	second := d.acknowledges(20*time.Second, alert.Acknowledgement{By: "grace"})
	log := d.execute(escalating())
	require.NoError(t, second.rejected)
	require.Equal(t, "ada", second.By)
	require.Equal(t, "ada", log.Acknowledgement.By)
	require.Contains(t, d.told, ada, "what was begun is seen through")
	require.NotContains(t, d.told, grace)
}

// An acknowledgement is refused where there is nothing to acknowledge.
func TestAckRefused(t *testing.T) {
	collected := escalating()
	collected.Group = &alert.Grouping{Key: "k", Window: time.Minute}
	muted := escalating()
	muted.Muted = "muted"
	short := escalating()
	short.Steps = short.Steps[:1]
	short.Steps[0].Within = time.Second
	for name, test := range map[string]struct {
		assignment alert.Assignment
		by, says   string
	}{
		"by nobody":             {escalating(), " ", "must say who acknowledges"},
		"of what asks nobody":   {toTell(ada), "ada", "does not ask"},
		"of what is muted":      {muted, "ada", "does not ask"},
		"of what was collected": {collected, "ada", "does not ask"},
		"too late":              {short, "ada", "not acknowledged in time"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDelivery(t)
			d.fails("mail slow@example.com", errAway, 6)
			got := d.acknowledges(10*time.Second, alert.Acknowledgement{By: test.by})
			d.execute(test.assignment, toTell("mail slow@example.com"))
			kind := workflows.AcknowledgementClosed
			if strings.TrimSpace(test.by) == "" {
				kind = workflows.RequestInvalid
			}
			refused(t, got.rejected, kind, test.says)
		})
	}
}

// Once an alert has expired, no receiver is asked to acknowledge it.
func TestAckEndsWithExpiry(t *testing.T) {
	d := newDelivery(t)
	expires := d.start.Add(5 * time.Minute)
	d.event.Data.ExpiresAt = &expires
	log := d.execute(escalating())
	require.Contains(t, d.failure(workflows.NotAcknowledged), "fraud-team")
	require.True(t, d.notices[ada][0].Ask.Until.Equal(expires))
	require.Len(t, log.Chains[0].Steps, 1, "the next step would be told of what is over")
}
