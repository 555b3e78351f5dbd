package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/internal/safetext"
	"dummyorders/internal/strictjson"
)

// Routes shows and tries alertman's routes. It sends nothing.
type Routes interface {
	Shown() alert.Routing
	// Try says where an event would be delivered if it were taken at a time.
	Try(event alert.Event, at time.Time) alert.Routed
}

const routesDescription = "What the routing file of alertman says: mutes, routes and receivers, without its secrets. " +
	"It is read by the process that answers, from its own ALERTMAN_CONFIG. It needs the scope for all merchants, as the routes are of all."

const tryRoutesDescription = "Says for each mute and route whether an event matches, and why, and to whom it would be sent. " +
	"The body is a CloudEvent as in docs/asyncapi.yaml. Nothing is sent or kept. It needs the scope for all merchants."

// sampleEvent is a body for POST /alerts/routes/try.
const sampleEvent = `{"specversion": "1.0", "id": "sample", "source": "/orders", "type": "orders.fraud.detected.v1", "subject": "1234", "time": "2026-01-02T03:04:05Z",
  "data": {"transactionID": "00000000-0000-7000-8000-000000000000", "orderID": "1234", "paymentMethod": "card", "card": "411111******1111", "amount": 123.00, "currency": "INR",
    "decision": {"outcome": "decline", "score": 90, "riskLevel": "highest", "reasons": [], "ruleset": {"id": "default", "version": 1, "digest": "sha256:0"}, "source": "automated_rule"}}}`

// tryRoutesRequest describes POST /alerts/routes/try for huma. readParameters reads the parameter; the field only describes it.
type tryRoutesRequest struct {
	At      string `query:"at" doc:"When the event would be taken, RFC 3339; now by default"`
	RawBody []byte `contentType:"application/json"`

	RawQuery
}

// cloudEvent describes an event. It is read by what tries it.
var cloudEvent = object[struct{}]{name: "AlertEvent", open: true}

func (s *server) registerRoutes(api huma.API) {
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "getRoutes",
		Method:      http.MethodGet,
		Path:        "/alerts/routes",
		Summary:     "Look at the routes of alerts",
		Description: routesDescription,
		Tags:        []string{"alerts"},
		Errors:      []int{403, 503},
	}), answering(s.shownRoutes))
	huma.Register(api, s.soon(s.short, takesBody(MaxBody, huma.Operation{
		OperationID: "tryRoutes",
		Method:      http.MethodPost,
		Path:        "/alerts/routes/try",
		Summary:     "Try an event through the routes",
		Description: tryRoutesDescription,
		Tags:        []string{"alerts"},
		Errors:      []int{403, 422, 503},
	})), answering(s.tryRoutes))
	operation := api.OpenAPI().Paths["/alerts/routes/try"].Post
	describeParameter(operation, "at", huma.Schema{Format: "date-time"})
	describeBody(api.OpenAPI(), operation, cloudEvent, sampleEvent)
}

// withoutRoutes refuses callers who may not see the routes, and says so if this process has none to show. It returns nil otherwise.
func (s *server) withoutRoutes(ctx context.Context) *Problem {
	if !merchantsOf(ctx).All() {
		return problem(http.StatusForbidden, "the routes are of all merchants, and so this needs its scope for all of them")
	}
	if s.Routes == nil {
		return problem(http.StatusServiceUnavailable, "this process does not know the routes: it cannot use the file of its ALERTMAN_CONFIG, as its log says: start it again once the file is right")
	}
	return nil
}

func (s *server) shownRoutes(ctx context.Context, _ *struct{}) (alert.Routing, error) {
	if p := s.withoutRoutes(ctx); p != nil {
		return alert.Routing{}, p
	}
	return s.Routes().Shown(), nil
}

func (s *server) tryRoutes(ctx context.Context, r *tryRoutesRequest) (routed alert.Routed, _ error) {
	if p := s.withoutRoutes(ctx); p != nil {
		return routed, p
	}
	p, err := readParameters(r.sent.RawQuery, "at")
	if err != nil {
		return routed, err
	}
	at := p.time("at")
	if at.IsZero() {
		at = s.Now()
	}
	if err := p.problem("the event cannot be tried so: see errors"); err != nil {
		return routed, err
	}
	if _, err := strictjson.Parse(r.RawBody); err != nil {
		return routed, problem(http.StatusBadRequest, err.Error())
	}
	event, err := s.ReadEvent(r.RawBody)
	if err != nil {
		return routed, problem(http.StatusUnprocessableEntity, "the body is not an event: "+err.Error())
	}
	v := visitorOf(ctx)
	v.reads, v.object = true, "event "+card.Redact(safetext.Line(event.ID))
	return s.Routes().Try(event, at), nil
}
