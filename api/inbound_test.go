package api_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	"dummyorders/gateways/cloudevents"
)

// wire keeps what is published, as the publisher does that has a broker.
type wire struct {
	mu     sync.Mutex
	events []alert.Event
	err    error
	fails  map[string]error // by the alarm's name
}

func (w *wire) Publish(ctx context.Context, event alert.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := cmp.Or(w.err, w.fails[event.Subject], inTime(ctx, 15*time.Second)); err != nil {
		return err
	}
	if _, err := cloudevents.Encode(event); err != nil {
		return fmt.Errorf("%w: %w", alert.ErrUnpublishable, err)
	}
	w.events = append(w.events, event)
	return nil
}

// fired is what Alertmanager 0.25 sends of an alarm that fires.
const fired = `{"receiver":"alertman","status":"firing","alerts":[{"status":"firing",` +
	`"labels":{"alertname":"WorkerDown","job":"worker","severity":"page"},` +
	`"annotations":{"description":"It is down\nfor 1m.","runbook_url":"https://example.com/workerdown","summary":"No worker answers."},` +
	`"startsAt":"2026-11-02T09:30:15.5Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://ada:secret@prometheus:9090/graph?g0.expr=up","fingerprint":"c3d2b1a09f8e7d6c"}],` +
	`"groupLabels":{"alertname":"WorkerDown"},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://alertmanager:9093",` +
	`"version":"4","groupKey":"{}:{alertname=\"WorkerDown\"}","truncatedAlerts":0}`

// over is what it sends once the alarm is over.
var over = strings.NewReplacer(`"firing"`, `"resolved"`, "0001-01-01T00:00:00Z", "2026-11-02T09:40:15Z").Replace(fired)

func inboundWorld(t *testing.T) (*wire, *trail, http.Handler) {
	t.Helper()
	w, kept := &wire{}, &trail{}
	o := options(nowhere(t), newMemory())
	o.Alarms, o.Audit = w, kept
	o.Authenticators = []api.Authenticator{tokens{
		"monitor": aClient(identity.DefaultMerchant, "monitor", identity.Alarms),
		"acme":    aClient("acme", "till", identity.Alarms),
		"shop":    aClient(identity.DefaultMerchant, "shop", identity.Alerts),
	}}
	return w, kept, handlerWith(o)
}

func reportAlarms(t *testing.T, handler http.Handler, who, body string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, handler, http.MethodPost, "/alerts/inbound", body, "Authorization: Bearer "+who)
}

// An alarm becomes an event, with the same id as long as it fires, and another one once it is over.
func TestInbound(t *testing.T) {
	w, kept, handler := inboundWorld(t)
	for _, body := range []string{fired, fired, over, strings.Replace(fired, "09:30:15.5", "10:30:15.5", 1)} {
		answer := reportAlarms(t, handler, "monitor", body)
		require.Equal(t, http.StatusAccepted, answer.Code, answer.Body)
	}
	require.Len(t, w.events, 4)
	first, resolved := w.events[0], w.events[2]
	assert.Equal(t, first.ID, w.events[1].ID, "of the same alarm")
	assert.NotEqual(t, first.ID, resolved.ID, "of the end")
	assert.NotEqual(t, first.ID, w.events[3].ID, "of a later start")
	assert.Equal(t, alert.AlarmFiring, first.Type)
	assert.Equal(t, alert.AlarmResolved, resolved.Type)
	since, until := time.Date(2026, 11, 2, 9, 30, 15, 5e8, time.UTC), time.Date(2026, 11, 2, 9, 40, 15, 0, time.UTC)
	assert.Equal(t, &alert.Alarm{
		Name: "WorkerDown", Severity: "page", Summary: "No worker answers.", Description: "It is down for 1m.", Runbook: "https://example.com/workerdown",
		Source: "http://prometheus:9090/graph?g0.expr=up", Since: since,
		Labels: []alert.AlarmLabel{{Name: "alertname", Value: "WorkerDown"}, {Name: "job", Value: "worker"}, {Name: "severity", Value: "page"}},
	}, first.Data.Alarm)
	assert.Equal(t, &until, resolved.Data.Alarm.Until)
	assert.Equal(t, identity.NoMerchant, first.Data.Merchant)
	assert.Contains(t, kept.lines(), "client monitor | default | takeAlarms | alarms | begun |  > WorkerDown firing")
}

// If RabbitMQ does not take one of several alarms, Alertmanager has to send them again. An alarm that cannot be made into an event does not
// hold up the others.
func TestInboundPartly(t *testing.T) {
	one := fired[strings.Index(fired, `{"status"`):strings.Index(fired, `],`)]
	body := strings.Replace(fired, one, one+","+strings.Replace(one, "WorkerDown", "Odd", 1)+","+strings.Replace(one, "WorkerDown", "BrokerDown", 1), 1)
	for name, c := range map[string]struct {
		err            error
		status         int
		taken, leftOut []string
	}{
		"all are taken":    {nil, 202, []string{"WorkerDown", "Odd", "BrokerDown"}, nil},
		"one is not taken": {errors.New("not confirmed"), 503, nil, nil},
		"one has no event": {fmt.Errorf("publish: %w", alert.ErrUnpublishable), 202, []string{"WorkerDown", "BrokerDown"}, []string{"Odd"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, handler := inboundWorld(t)
			w.fails = map[string]error{"Odd": c.err}
			answer := reportAlarms(t, handler, "monitor", body)
			said := decoded[struct{ Taken, LeftOut []struct{ Name string } }](t, answer, c.status)
			names := func(all []struct{ Name string }) (names []string) {
				for _, a := range all {
					names = append(names, a.Name)
				}
				return names
			}
			assert.Equal(t, c.taken, names(said.Taken))
			assert.Equal(t, c.leftOut, names(said.LeftOut))
			if c.status == 202 {
				assert.Len(t, w.events, len(c.taken))
			}
		})
	}
}

// publishedAtOnce waits until two alarms are published at once.
type publishedAtOnce struct {
	begun sync.WaitGroup
}

func (p *publishedAtOnce) Publish(ctx context.Context, _ alert.Event) error {
	p.begun.Done()
	both := make(chan struct{})
	go func() { p.begun.Wait(); close(both) }()
	select {
	case <-both:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Alarms do not wait for each other.
func TestInboundAtOnce(t *testing.T) {
	p, o := &publishedAtOnce{}, options(nowhere(t), newMemory())
	p.begun.Add(2)
	o.Alarms = p
	one := fired[strings.Index(fired, `{"status"`):strings.Index(fired, `],`)]
	answer := request(t, handlerWith(o), http.MethodPost, "/alerts/inbound", strings.Replace(fired, one, one+","+one, 1))
	assert.Equal(t, http.StatusAccepted, answer.Code, answer.Body)
}

// An alarm with many or long labels is taken without some of them, always the same, and as an event that alertman takes.
func TestInboundLabels(t *testing.T) {
	many := map[string]string{"alertname": "WorkerDown", "severity": "page"}
	for i := range 200 {
		many[fmt.Sprintf("label %03d", i)] = "x"
	}
	wide := map[string]string{"alertname": "WorkerDown", "severity": "page"}
	for i := range 100 {
		wide[fmt.Sprintf("%03d", i)+strings.Repeat("<", 97)] = strings.Repeat("<", 300)
	}
	long := strings.Repeat("n", 100)
	for name, c := range map[string]struct {
		labels         map[string]string
		count          int
		name, severity string
		has            map[string]string
	}{
		"many":          {many, 100, "WorkerDown", "page", map[string]string{"label 097": "x", "label 098": ""}},
		"wide":          {wide, 31, "WorkerDown", "page", nil},
		"no name":       {map[string]string{"job": "worker"}, 2, "alarm without a name", "", map[string]string{"job": "worker"}},
		"empty name":    {map[string]string{"alertname": "\t", "job": "worker"}, 2, "alarm without a name", "", nil},
		"same when cut": {map[string]string{"alertname": "A", long + "2": "second", long + "1": "first"}, 2, "A", "", map[string]string{strings.Repeat("n", 99) + "…": "first"}},
		"nearly ours":   {map[string]string{" alertname": "no", "alertname": "A", " severity": "no", "severity": "page"}, 2, "A", "page", nil},
	} {
		t.Run(name, func(t *testing.T) {
			labels, err := json.Marshal(c.labels)
			require.NoError(t, err)
			w, _, handler := inboundWorld(t)
			body := strings.Replace(fired, `{"alertname":"WorkerDown","job":"worker","severity":"page"}`, string(labels), 1)
			body = strings.Replace(body, "It is down", strings.Repeat("<", 1000), 1)
			answer := reportAlarms(t, handler, "monitor", body)
			require.Equal(t, http.StatusAccepted, answer.Code, answer.Body)
			require.Len(t, w.events, 1)
			a := w.events[0].Data.Alarm
			assert.Equal(t, []any{c.count, c.name, c.severity}, []any{len(a.Labels), a.Name, a.Severity})
			for name, value := range c.has {
				assert.Equal(t, value, a.Label(name), name)
			}
			sent, err := cloudevents.Encode(w.events[0])
			require.NoError(t, err)
			assert.Less(t, len(sent), 128<<10, "alertman's bound")
		})
	}
}

// A webhook is taken whole or not at all, so that Alertmanager sends it again. A body that is not Alertmanager's is refused, and the
// answer says why.
func TestInboundFaults(t *testing.T) {
	two := strings.Replace(fired, `"alerts":[`, `"alerts":[`+strings.TrimSuffix(fired[strings.Index(fired, `{"status"`):strings.Index(fired, `],`)], `,`)+",", 1)
	for name, c := range map[string]struct {
		who, body string
		away      bool
		status    int
		says      string
	}{
		"two alarms":         {"monitor", two, false, 202, "WorkerDown"},
		"no alarm":           {"monitor", `{"version":"4","alerts":[]}`, false, 202, `"taken":[]`},
		"broker away":        {"monitor", fired, true, 503, "send them again"},
		"not JSON":           {"monitor", `alarm!`, false, 400, ""},
		"no object":          {"monitor", `[]`, false, 422, ""},
		"another version":    {"monitor", strings.Replace(fired, `"version":"4"`, `"version":"5"`, 1), false, 422, `"detail":"must be 4"`},
		"no alarms":          {"monitor", `{"version":"4"}`, false, 422, "#/alerts"},
		"unknown status":     {"monitor", strings.ReplaceAll(fired, `"firing"`, `"odd"`), false, 422, "must be firing or resolved"},
		"label not text":     {"monitor", strings.Replace(fired, `"worker"`, `1`, 1), false, 422, "#/alerts/0/labels/job"},
		"no fingerprint":     {"monitor", strings.Replace(fired, `"c3d2b1a09f8e7d6c"`, `""`, 1), false, 422, "#/alerts/0/fingerprint"},
		"no start":           {"monitor", strings.Replace(fired, "2026-11-02T09:30:15.5Z", "0001-01-01T00:00:00Z", 1), false, 422, "must say in startsAt"},
		"odd start":          {"monitor", strings.Replace(fired, "2026-11-02T09:30:15.5Z", "yesterday", 1), false, 422, "#/alerts/0/startsAt"},
		"start too far":      {"monitor", strings.Replace(fired, "2026-11-02T09:30:15.5Z", "9999-12-31T23:59:59-01:00", 1), false, 422, "#/alerts/0/startsAt"},
		"no end":             {"monitor", strings.ReplaceAll(fired, `"firing"`, `"resolved"`), false, 422, "must say in endsAt"},
		"end left out":       {"monitor", strings.Replace(strings.ReplaceAll(fired, `"firing"`, `"resolved"`), "endsAt", "ends", 1), false, 422, "must say in endsAt"},
		"too large":          {"monitor", strings.Replace(fired, "No worker", strings.Repeat("x", 1<<20), 1), false, 413, ""},
		"no scope":           {"shop", fired, false, 403, "alarms"},
		"a merchant's":       {"acme", fired, false, 403, "for the merchant default"},
		"without annotation": {"monitor", strings.Replace(fired, `"annotations":{`, `"other":{`, 1), false, 202, "WorkerDown"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, handler := inboundWorld(t)
			if c.away {
				w.err = errors.New("no channel free")
			}
			answer := reportAlarms(t, handler, c.who, c.body)
			assert.Equal(t, c.status, answer.Code, answer.Body)
			assert.Contains(t, answer.Body.String(), c.says)
			if c.status != 202 {
				assert.Empty(t, w.events)
			}
		})
	}
}

// Without access to the broker nothing is taken.
func TestInboundWithoutBroker(t *testing.T) {
	answer := request(t, handlerWith(options(nowhere(t), newMemory())), http.MethodPost, "/alerts/inbound", fired)
	assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
	assert.Contains(t, answer.Body.String(), "RABBITMQ_PUBLISHER_URL")
}

// A card number in a label or a text is in no event, and not in the audit trail.
func TestInboundCards(t *testing.T) {
	w, kept, handler := inboundWorld(t)
	body := strings.NewReplacer("WorkerDown", "Card4111111111111111", `"worker"`, `"4111 1111 1111 1111"`, "No worker", "4111-1111-1111-1111").Replace(fired)
	require.Equal(t, http.StatusAccepted, reportAlarms(t, handler, "monitor", body).Code)
	sent, err := cloudevents.Encode(w.events[0])
	require.NoError(t, err)
	for _, text := range append(kept.lines(), string(sent)) {
		assert.NotContains(t, strings.NewReplacer(" ", "", "-", "").Replace(text), "4111111111111111")
	}
}

// FuzzInbound checks for any body that it is refused, or becomes events that can be published.
func FuzzInbound(f *testing.F) {
	for _, body := range []string{fired, over, `{"version":"4","alerts":[]}`, `{"version":"4","alerts":[{"status":"firing"}]}`, "", "[]"} {
		f.Add(body)
	}
	w := &wire{}
	o := options(nil, newMemory())
	o.Alarms, o.Log = w, slog.New(slog.DiscardHandler)
	handler := api.New(o)
	f.Fuzz(func(t *testing.T, body string) {
		w.events = nil
		r := httptest.NewRequest(http.MethodPost, "/alerts/inbound", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if answer.Code != http.StatusAccepted && (answer.Code < 400 || answer.Code >= 500) {
			t.Fatalf("%q is answered %d", body, answer.Code)
		}
		if answer.Code == http.StatusAccepted && (!json.Valid(answer.Body.Bytes()) || strings.Contains(answer.Body.String(), `"leftOut"`)) {
			t.Errorf("%q is answered %q", body, answer.Body)
		}
	})
}
