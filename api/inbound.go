package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/internal/safetext"
	"dummyorders/internal/strictjson"
)

const inboundDescription = "Takes the webhook of Prometheus' Alertmanager, and gives each of its alarms to alertman, which sends it to people " +
	"by its own routes, as it does alerts about transactions: as the events orders.alarm.firing.v1 and orders.alarm.resolved.v1. " +
	"Once this is answered, RabbitMQ has the events. An alarm that is sent again under the same start is delivered once. " +
	"Alarms belong to the operator of the service: a caller needs the scope for the merchant default, and other merchants' callers are refused."

// maxInboundBody is the largest body of a webhook: Alertmanager puts all alarms of a group into one.
const maxInboundBody = 1 << 20

// The most alarms in a webhook, and the greatest lengths of their texts, in characters. Longer texts are cut, and further labels left
// out. JSON can need six bytes for a character, and an event has to stay below the 128 KiB that alertman takes.
const (
	mostAlarms       = 1000
	longestAlarmName = 60 // in bytes at most what a search attribute takes
	longestLabelName = 100
	longestLabel     = 300
	longestText      = 1000
	mostLabels       = 100
	mostLabelText    = 12_000 // names and values together
)

// publishWithin bounds how long the alarms of a webhook may take to be published. It leaves time for the first entry of the audit
// trail (see workWithin). publishedAtOnce is how many are under way; the publisher bounds that too.
const (
	publishWithin   = workWithin - auditWrite
	publishedAtOnce = 32
)

// webhook is what Alertmanager sends.
type webhook struct{ alarms []inboundAlarm }

type inboundAlarm struct {
	status, fingerprint, source string
	labels, annotations         map[string]string
	startsAt, endsAt            time.Time
}

type inboundAnswer struct {
	Taken   []takenAlarm `json:"taken" nullable:"false" doc:"The alarms, in the webhook's order"`
	LeftOut []takenAlarm `json:"leftOut,omitempty" doc:"Alarms that cannot be made into events. They are not sent; the service's log says why"`
}

type takenAlarm struct {
	AlertID string     `json:"alertID" doc:"Where GET /alerts/{id} shows it, once alertman has taken it"`
	Type    alert.Type `json:"type" enum:"orders.alarm.firing.v1,orders.alarm.resolved.v1"`
	Name    string     `json:"name" doc:"The alarm's name"`
}

func (s *server) registerInbound(api huma.API) {
	const path = "/alerts/inbound"
	huma.Register(api, s.soon(s.short, takesBody(maxInboundBody, huma.Operation{
		OperationID:   "takeAlarms",
		Method:        http.MethodPost,
		Path:          path,
		Summary:       "Take alarms of Alertmanager",
		Description:   inboundDescription,
		Tags:          []string{"alerts"},
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{403, 422, 503},
	})), answering(s.takeAlarms))
	describeBody(api.OpenAPI(), api.OpenAPI().Paths[path].Post, webhooks, `{"version": "4", "status": "firing", "receiver": "alertman", "alerts": [{
  "status": "firing", "fingerprint": "c3d2b1a09f8e7d6c",
  "labels": {"alertname": "WorkerDown", "severity": "page", "job": "worker"},
  "annotations": {"summary": "No worker answers Prometheus.", "runbook_url": "https://example.com/runbooks/workerdown"},
  "startsAt": "2026-01-02T03:04:05Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus:9090/graph"}]}`)
	inboundAlarms.describe(api.OpenAPI())
}

// takeAlarms publishes alarms, between two entries of the audit trail.
func (s *server) takeAlarms(ctx context.Context, r *bodyRequest) (a inboundAnswer, err error) {
	if !merchantsOf(ctx).Has(identity.DefaultMerchant) {
		return a, problem(http.StatusForbidden, "alarms belong to the operator of the service: this needs the scope "+string(identity.Alarms)+" for the merchant "+identity.DefaultMerchant)
	}
	sent, err := readBody(r.RawBody, webhooks, "the webhook")
	if err != nil {
		return a, err
	}
	if s.Alarms == nil {
		return a, problem(http.StatusServiceUnavailable, "this process cannot publish alarms: RABBITMQ_PUBLISHER_URL is not set for it")
	}
	a.Taken = []takenAlarm{}
	events, names := make([]alert.Event, len(sent.alarms)), make([]string, len(sent.alarms))
	for i, alarm := range sent.alarms {
		events[i] = alarm.event(s.Now())
		names[i] = events[i].Subject + " " + alarm.status
	}
	e := audit.Entry{Object: "alarms", After: safetext.Cut(strings.Join(names, ", "), longestText, "…")}
	var odd []bool
	err = s.changed(ctx, e, http.StatusAccepted, s.inboundProblem, func(*audit.Entry) (err error) {
		odd, err = s.publishAlarms(ctx, events)
		return err
	})
	if err != nil {
		return a, err
	}
	for i, event := range events {
		taken := takenAlarm{event.ID, event.Type, event.Subject}
		if odd[i] {
			a.LeftOut = append(a.LeftOut, taken)
		} else {
			a.Taken = append(a.Taken, taken)
		}
	}
	return a, nil
}

// inboundProblem says that alarms were not published.
func (s *server) inboundProblem(ctx context.Context, err error) *Problem {
	s.Log.ErrorContext(ctx, "Alarms not published", "error", err)
	return unavailable("RabbitMQ has not taken all alarms: send them again; those that it has are delivered once")
}

// publishAlarms gives events to RabbitMQ, several at once, and says which are odd: they cannot be published, and do not hold up the
// others. After an error some may have been published.
func (s *server) publishAlarms(ctx context.Context, events []alert.Event) (odd []bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishWithin)
	defer cancel()
	odd = make([]bool, len(events))
	publishing, ctx := errgroup.WithContext(ctx)
	publishing.SetLimit(publishedAtOnce)
	for i, event := range events {
		publishing.Go(func() error {
			err := s.Alarms.Publish(ctx, event)
			if odd[i] = errors.Is(err, alert.ErrUnpublishable); odd[i] {
				s.Log.ErrorContext(ctx, "Alarm left out: no event can be made of it", "alarm", event.Subject, "id", event.ID, "error", err)
				return nil
			}
			return err
		})
	}
	return odd, publishing.Wait()
}

// alarmNamespace makes the ids of alarms' events. It must not change: an alarm would be delivered again.
var alarmNamespace = uuid.MustParse("5b0d6f0e-3c43-4d3f-9a1c-7f2f3c0d9b51")

// event returns what the alarm says, at a time. The same alarm gives an event with the same id as long as it fires.
func (in inboundAlarm) event(now time.Time) alert.Event {
	said := func(name string) string { return safeText(in.annotations[name], longestText) }
	labels := in.safeLabels()
	a := alert.Alarm{
		Summary: cmp.Or(said("summary"), said("message"), labels[nameLabel]), Description: said("description"), Runbook: said("runbook_url"),
		Source: safeText(withoutUser(in.source), longestText), Since: in.startsAt.UTC(),
	}
	a.SetLabels(labels)
	if in.status == resolved {
		a.Until = new(in.endsAt.UTC())
	}
	id := fmt.Sprintf("%s\n%s\n%s", in.fingerprint, in.startsAt.UTC().Format(time.RFC3339Nano), in.status)
	return a.Event(uuid.NewSHA1(alarmNamespace, []byte(id)).String(), now)
}

// safeLabels returns the labels that the event has: the name and the severity, and others by name. Of labels whose names become the
// same, the first counts.
func (in inboundAlarm) safeLabels() map[string]string {
	labels := map[string]string{nameLabel: cmp.Or(safeText(in.labels[nameLabel], longestAlarmName), nameless)}
	size := 0
	for _, said := range append([]string{severityLabel}, slices.Sorted(maps.Keys(in.labels))...) {
		value, is := in.labels[said]
		name := safeText(said, longestLabelName)
		if _, known := labels[name]; known || !is {
			continue
		}
		value = safeText(value, longestLabel)
		size += utf8.RuneCountInString(name + value)
		if len(labels) == mostLabels || size > mostLabelText {
			break
		}
		labels[name] = value
	}
	return labels
}

// safeText returns a monitor's text on one line, without card numbers, and cut to up to most characters.
func safeText(text string, most int) string {
	return safetext.Cut(card.Redact(safetext.Line(text)), most, "…")
}

// withoutUser returns a URL without a user's name and password. It is empty for what is not a URL.
func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

// The labels with an alarm's name and severity, and the name of an alarm without one.
const (
	nameLabel     = "alertname"
	severityLabel = "severity"
	nameless      = "alarm without a name"
)

// What Alertmanager says of an alarm.
const (
	firing   = "firing"
	resolved = "resolved"
)

// webhooks lists what is read of Alertmanager's webhook. Other members are left.
var webhooks = object[webhook]{name: "AlertmanagerWebhook", open: true, members: []member[webhook]{
	{"version", true, choice("The form of the webhook", "4"), func(*strictjson.Value, *webhook) {}},
	{
		"alerts", true, &huma.Schema{Type: huma.TypeArray, MaxItems: new(mostAlarms), Items: inboundAlarms.reference(), Description: "The alarms"},
		func(v *strictjson.Value, w *webhook) {
			for _, element := range v.Elements() {
				if conforms(element, inboundAlarms.reference()) {
					var a inboundAlarm
					inboundAlarms.read(element, &a)
					switch { // Alertmanager writes year 1 for a time that is not known
					case element.Faulty():
					case a.startsAt.IsZero():
						element.Fault("must say in startsAt when the alarm began")
					case a.status == resolved && a.endsAt.IsZero():
						element.Fault("must say in endsAt when the alarm was over, as it is resolved")
					}
					w.alarms = append(w.alarms, a)
				}
			}
		},
	},
}}

var inboundAlarms = object[inboundAlarm]{name: "AlertmanagerAlarm", open: true, members: []member[inboundAlarm]{
	{"status", true, choice("Whether it fires", firing, resolved), func(v *strictjson.Value, a *inboundAlarm) { a.status = v.Literal() }},
	{
		"fingerprint", true, requiredText(longestLabelName, "What tells alarms apart: the digest of its labels", "c3d2b1a09f8e7d6c"),
		func(v *strictjson.Value, a *inboundAlarm) { a.fingerprint = v.Literal() },
	},
	{
		"labels", true, labelsSchema("The alarm's labels: alertname is its name, and severity is shown, too. Of more than 100 labels, the others are left out by name"),
		func(v *strictjson.Value, a *inboundAlarm) { a.labels = readTexts(v) },
	},
	{
		"annotations", false, nullable(labelsSchema("What is said about it: summary, description and runbook_url are shown")),
		func(v *strictjson.Value, a *inboundAlarm) { a.annotations = readTexts(v) },
	},
	{"startsAt", true, momentSchema("When it began"), func(v *strictjson.Value, a *inboundAlarm) { a.startsAt = readMoment(v) }},
	{
		"endsAt", false, nullable(momentSchema("When a resolved alarm was over")),
		func(v *strictjson.Value, a *inboundAlarm) { a.endsAt = readMoment(v) },
	},
	{"generatorURL", false, signal("Where the monitor shows it", "http://prometheus:9090/graph"), func(v *strictjson.Value, a *inboundAlarm) { a.source = v.Literal() }},
}}

func labelsSchema(doc string) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Description: doc,
		AdditionalProperties: &huma.Schema{Type: huma.TypeString}, Examples: []any{map[string]string{"alertname": "WorkerDown"}},
	}
}

// readTexts returns an object of texts.
func readTexts(v *strictjson.Value) map[string]string {
	texts := map[string]string{}
	for _, name := range v.Names() {
		if value := v.Optional(name); value.Is(strictjson.String) {
			texts[name] = value.Literal()
		}
	}
	return texts
}

func momentSchema(doc string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Description: doc, Examples: []any{"2026-01-02T03:04:05Z"}}
}

func readMoment(v *strictjson.Value) time.Time {
	at, err := time.Parse(time.RFC3339, v.Literal())
	if err != nil {
		v.Fault("must be a time as in RFC 3339, such as 2026-01-02T03:04:05Z")
	}
	if !alert.IsSayable(at) {
		v.Fault(sayable)
	}
	return at
}

// sayable is what is wrong with a time that JSON cannot say in UTC, or that counts as none.
const sayable = "must be a time after the beginning of year 1, up to year 9999, in UTC"
