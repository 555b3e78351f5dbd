package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"dummyorders/domain/alert"
	"dummyorders/gateways/rabbitmq"
	"dummyorders/internal/stack"
	"dummyorders/workflows"
)

var (
	kills = flag.Int("kills", 0, "how often an alertman is killed while alerts come in; without it none is killed")
	away  = flag.Duration("away", 5*time.Second, "how long Temporal is away meanwhile")
)

// eachKill is the number of alerts that come in around each kill.
const eachKill = 3

// TestAlertsChaos publishes alerts while two alertmen are killed, as kill -9 does, at each of their
// steps, while RabbitMQ is restarted, its queue is deleted and made again, and Temporal is unreachable. Every provider
// must have been given every alert, and none twice, except for those that alertman itself marks as unknown: the kill
// came between the provider's confirmation and Temporal's record of it.
func TestAlertsChaos(t *testing.T) {
	if *kills == 0 {
		t.Skip("make chaos-alerts runs it")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := newChaos(t, rand.New(rand.NewPCG(seed, 0)))
	for i := range *kills {
		c.publish(eachKill)
		c.killOne(i)
		switch {
		case i%40 == 5:
			c.restartBroker()
		case i%40 == 25, i == *kills-1:
			c.makeQueueAnew()
		case i == *kills/2:
			c.takeTemporalAway()
		}
	}
	c.published.Wait()
	c.everythingIsDelivered()
	c.count()
}

// chaos holds two alertmen, each behind proxies of its own, and the providers that they send to.
type chaos struct {
	*world
	*providers

	random    *rand.Rand
	alertmen  [2]*gated
	publisher alert.Publisher
	published sync.WaitGroup
	events    []alert.Event
	twice     int // events that were published twice
	done      map[string]int
}

// gated is an alertman whose connections to RabbitMQ and Temporal can be held up.
type gated struct {
	name, health     string
	broker, temporal *proxy
	process          *stack.Process
}

func newChaos(t *testing.T, random *rand.Rand) *chaos {
	c := &chaos{world: newWorld(t, nil), random: random, done: map[string]int{}}
	c.providers = newProviders(t, c.world)
	c.alertsTo(chaosConfig(c.providers))
	c.publisher = publisher(t, rabbitmq.Config{URL: shared.rabbitmq.URL("orders", "orders")})
	for i := range c.alertmen {
		c.alertmen[i] = &gated{
			name: fmt.Sprintf("%s-%d", alertman, i), health: freeAddress(t),
			broker: startProxy(t, brokerAddress()), temporal: startProxy(t, shared.temporal.Address()),
		}
		c.begin(c.alertmen[i])
	}
	return c
}

// chaosConfig sends each alert by itself by webhook, mail and SMS, and in groups by chat.
func chaosConfig(p *providers) string {
	return fmt.Sprintf(`
version: 1
receivers:
  - name: each
    channels:
      - webhook: {url: %q, secret: %q}
      - mail: each@example.com
      - sms: "+4915112345678"
    group: none
    templates: {sms: {text: "alerts/{{.ID}}"}}
  - name: grouped
    channels: [chat: {url: %q}]
    group: {by: [card], window: 2s}
    templates: {chat: {text: "{{if .Digest}}{{range .Digest.Members}}alerts/{{.EventID}} {{end}}{{else}}alerts/{{.ID}}{{end}}"}}
routes:
  - {name: all, tell: [each, grouped]}
`, p.hookURL(), hookSecret, p.chatURL())
}

// begin starts an alertman, or restarts it with its connections open.
func (c *chaos) begin(g *gated) {
	c.t.Helper()
	for _, p := range []*proxy{g.broker, g.temporal} {
		p.Toxics.ResetToxics(c.t.Context())
	}
	g.process = c.startAs(alertman, g.name, map[string]string{
		"HEALTH_ADDRESS":        g.health,
		"RABBITMQ_CONSUMER_URL": through(g.broker, shared.rabbitmq.URL("alertman", "alertman")),
		"TEMPORAL_ADDRESS":      g.temporal.Listen,
	})
}

// publish publishes alerts about a few cards, concurrently with everything else, each until the broker has it, and some
// twice.
func (c *chaos) publish(n int) {
	for range n {
		event := alert.Sample(alert.FraudDetected, uuid.NewString(), time.Now().UTC())
		event.Data.CardFingerprint = fmt.Sprintf("card-%d", c.random.IntN(4))
		event.Data.TransactionID = uuid.NewString()
		c.events = append(c.events, event)
		times := 1 + c.random.IntN(4)/3
		c.twice += times - 1
		c.published.Go(func() {
			for range times {
				c.untilItSticks(event)
			}
		})
	}
}

func (c *chaos) untilItSticks(event alert.Event) {
	for c.t.Context().Err() == nil && c.publisher.Publish(c.t.Context(), event) != nil {
		time.Sleep(100 * time.Millisecond)
	}
}

// killOne kills one alertman, or both, at one of their steps.
func (c *chaos) killOne(i int) {
	c.t.Helper()
	for _, g := range c.alertmen {
		require.NoError(c.t, g.process.WaitHealthy(c.t.Context(), "http://"+g.health+"/readyz"))
	}
	victim := c.alertmen[(i/len(steps))%2]
	step := steps[i%len(steps)]
	c.done[step.name]++
	step.kill(c, victim)
}

// steps lists where an alertman is killed.
var steps = []struct {
	name string
	kill func(*chaos, *gated)
}{
	{"at any moment", func(c *chaos, g *gated) {
		time.Sleep(time.Duration(c.random.IntN(400)) * time.Millisecond)
		c.kill(g.name)
		c.begin(g)
	}},
	{"taken, and not acked", func(c *chaos, _ *gated) {
		for _, g := range c.alertmen {
			g.broker.hold(toServer)
		}
		c.publish(1)
		c.isTaken()
		c.killBoth()
	}},
	{"taken, and Temporal not asked", func(c *chaos, _ *gated) {
		for _, g := range c.alertmen {
			g.temporal.hold(toServer)
		}
		c.publish(1)
		time.Sleep(300 * time.Millisecond)
		c.killBoth()
	}},
	{"accepted, and not answered", func(c *chaos, _ *gated) { c.killBothWhenAccepted(false) }},
	{"answered, and not recorded", func(c *chaos, _ *gated) { c.killBothWhenAccepted(true) }},
}

// killBothWhenAccepted kills both alertmen when a provider has accepted a message, since it is unknown which of them sent
// it. If answered, the kill comes after the provider's answer, which the alertman can no longer report to Temporal;
// otherwise before it.
func (c *chaos) killBothWhenAccepted(answered bool) {
	c.t.Helper()
	accepted, killed := make(chan struct{}), make(chan struct{})
	defer close(killed)
	c.onAccepted(sync.OnceFunc(func() {
		if !answered {
			close(accepted)
			<-killed
			return
		}
		for _, g := range c.alertmen {
			g.temporal.hold(toServer)
		}
		close(accepted)
	}))
	c.publish(1)
	select {
	case <-accepted:
	case <-time.After(soon):
		c.t.Log("no message was accepted to kill upon")
	}
	c.onAccepted(nil)
	if answered {
		time.Sleep(200 * time.Millisecond) // until the alertman has the answer
	}
	c.killBoth()
}

func (c *chaos) killBoth() {
	c.t.Helper()
	for _, g := range c.alertmen {
		c.kill(g.name)
	}
	for _, g := range c.alertmen {
		c.begin(g)
	}
}

// isTaken waits until the last published alert has its workflow. The broker may not know about that yet.
func (c *chaos) isTaken() {
	c.t.Helper()
	last := c.events[len(c.events)-1].ID
	eventually(c.t, func() error {
		_, err := shared.client.DescribeWorkflowExecution(c.t.Context(), workflows.AlertWorkflowID(last), "")
		return err
	})
}

func (c *chaos) restartBroker() {
	c.t.Helper()
	c.done["RabbitMQ restarted"]++
	require.NoError(c.t, shared.rabbitmq.Stop(context.WithoutCancel(c.t.Context())))
	require.NoError(c.t, shared.rabbitmq.Start(context.WithoutCancel(c.t.Context())))
}

// makeQueueAnew deletes the queue and makes it again while alerts come in. It waits until each alert has its workflow,
// because the queue's contents are lost. The queue may still hold what a killed alertman has given back.
func (c *chaos) makeQueueAnew() {
	c.t.Helper()
	c.done["queue deleted"]++
	c.published.Wait()
	for _, event := range c.events {
		eventually(c.t, func() error {
			_, err := shared.client.DescribeWorkflowExecution(c.t.Context(), workflows.AlertWorkflowID(event.ID), "")
			return err
		})
	}
	remake := deleteQueue(c.t)
	c.publish(eachKill)
	time.Sleep(300 * time.Millisecond)
	remake()
}

func (c *chaos) takeTemporalAway() {
	c.t.Helper()
	c.done["Temporal away for "+away.String()]++
	require.NoError(c.t, shared.temporal.Stop(context.WithoutCancel(c.t.Context())))
	c.publish(10 * eachKill)
	time.Sleep(*away)
	require.NoError(c.t, shared.temporal.Start(context.WithoutCancel(c.t.Context())))
}

// everythingIsDelivered waits until all alerts have been delivered.
func (c *chaos) everythingIsDelivered() {
	c.t.Helper()
	for _, event := range c.events {
		eventuallyWithin(c.t, 10*time.Minute, func() error {
			answer, err := shared.client.DescribeWorkflowExecution(c.t.Context(), workflows.AlertWorkflowID(event.ID), "")
			if err == nil && answer.GetWorkflowExecutionInfo().GetCloseTime() == nil {
				err = fmt.Errorf("alert %s is on its way: %v", event.ID, answer.GetPendingActivities())
			}
			return err
		})
	}
	eventuallyWithin(c.t, 10*time.Minute, func() error { return noneRuns(c.t.Context(), alertWorkflows) })
}

// alertWorkflows is the query for all of alertman's workflows that are running.
const alertWorkflows = "WorkflowType IN ('DeliverAlert', 'AlertGroup') AND ExecutionStatus = 'Running'"

func noneRuns(ctx context.Context, query string) error {
	answer, err := shared.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err == nil && answer.GetCount() > 0 {
		err = fmt.Errorf("%d workflows run", answer.GetCount())
	}
	return err
}

// count compares what the providers were given with alertman's own records, and prints it.
func (c *chaos) count() {
	c.t.Helper()
	unknown := c.unknown()
	total := map[string]int{}
	for _, channel := range channels {
		delivered := c.deliveriesByAlert(channel)
		for _, event := range c.events {
			got := delivered[event.ID]
			switch {
			case got == 0:
				c.t.Errorf("alert %s is lost on %s", event.ID, channel)
			case got > 1+unknown[channel][event.ID]:
				c.t.Errorf("alert %s was told %d times on %s, and alertman knows nothing of %d of them", event.ID, got, channel, got-1-unknown[channel][event.ID])
			}
			total[channel] += max(0, got-1)
		}
	}
	assert.LessOrEqual(c.t, c.hookKeys(), 0)
	for _, violation := range c.violations() {
		c.t.Errorf("a provider was asked in a wrong way: %s", violation)
	}
	c.t.Logf("%d alerts, %d of them published twice; %v", len(c.events), c.twice, c.done)
	c.t.Logf("none lost; told twice, each time where alertman cannot know: %v; by webhook all under the same webhook-id", total)
}

// unknown returns how often alertman does not know whether an alert was delivered on a channel.
func (c *chaos) unknown() map[string]map[string]int {
	c.t.Helper()
	all := map[string]map[string]int{}
	for _, channel := range channels {
		all[channel] = map[string]int{}
	}
	for _, event := range c.events {
		log := c.deliveries(event.ID)
		for _, chain := range log.Chains {
			if chain.Collected != nil {
				c.addUnknown(all, event.ID, c.deliveries(c.digestOf(event.ID, *chain.Collected)))
			}
		}
		c.addUnknown(all, event.ID, log)
	}
	return all
}

func (c *chaos) addUnknown(all map[string]map[string]int, id string, log alert.Log) {
	for _, chain := range log.Chains {
		for _, step := range chain.Steps {
			for _, delivery := range step.Deliveries {
				channel, _ := delivery.Target.Split()
				for _, attempt := range delivery.Attempts {
					if attempt.Unknown {
						all[channel][id]++
					}
				}
			}
		}
	}
}

// deliveries returns a notice's delivery log.
func (w *world) deliveries(id string) alert.Log {
	w.t.Helper()
	var log alert.Log
	w.query(workflows.AlertWorkflowID(id), "", workflows.DeliveriesQuery, &log)
	return log
}

// digestOf returns the digest that contains an alert.
func (w *world) digestOf(id string, in alert.Place) string {
	w.t.Helper()
	var log alert.GroupLog
	w.query(in.WorkflowID, in.RunID, workflows.DigestsQuery, &log)
	for _, digest := range log.Digests {
		if slices.Contains(digest.Events, id) {
			return digest.ID
		}
	}
	w.t.Fatalf("alert %s is in no digest of %+v", id, in)
	return ""
}

func (w *world) query(workflowID, runID, query string, into any) {
	w.t.Helper()
	eventually(w.t, func() error {
		ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
		defer cancel()
		value, err := shared.client.QueryWorkflow(ctx, workflowID, runID, query)
		if err != nil {
			return errors.Join(fmt.Errorf("ask %s for %s", workflowID, query), err)
		}
		return value.Get(into)
	})
}

// idsIn returns the ids of the alerts that a text names.
func idsIn(text string) []string {
	var ids []string
	for word := range strings.FieldsSeq(text) {
		if _, id, named := strings.Cut(word, "alerts/"); named && len(id) >= 36 {
			ids = append(ids, id[:36])
		}
	}
	return ids
}
