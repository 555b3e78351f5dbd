package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/internal/strictjson"
)

const acknowledgeDescription = "Acknowledges an alert: its escalation stops. A caller with an API key or a token does so under its own name. The first acknowledgement counts, and later calls are answered " +
	"200 with that first one. The answer is 409 if the alert does not ask for an acknowledgement, or if its time is over." +
	"\n\nA signed link, as messages hold it, needs no API key: with its by, until and signature the receiver of the link " +
	"acknowledges, and the body is empty or the form of the link's page."

const acknowledgePageDescription = "The page that a signed link in a message leads to: what the alert is about, who has acknowledged it, " +
	"and a button to acknowledge. Opening the page does not acknowledge, because mail scanners open every link."

// acknowledgeRequest describes POST /alerts/{id}/acknowledge for huma. The body is read by its table, acknowledgements.
// Requests by a link are not read here.
type acknowledgeRequest struct {
	ID      string `path:"id" doc:"The id of the alert's event"`
	RawBody []byte `contentType:"application/json"`
}

// acknowledgementForm is what the link's page sends.
type acknowledgementForm struct {
	Name string `json:"name,omitempty" maxLength:"64" example:"ada" doc:"Who acknowledges, if several people get the message"`
	Note string `json:"note,omitempty" maxLength:"500"`
}

type acknowledgeResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         alert.Acknowledgement
}

func (s *server) registerAcknowledge(api huma.API, router chi.Router) {
	operation := s.soon(s.short, takesBody(MaxBody, huma.Operation{
		OperationID:   "acknowledgeAlert",
		Method:        http.MethodPost,
		Path:          "/alerts/{id}/acknowledge",
		Summary:       "Acknowledge an alert",
		Description:   acknowledgeDescription,
		Tags:          []string{"alerts"},
		DefaultStatus: http.StatusOK,
		Errors:        []int{403, 404, 409, 422, 503},
	}))
	operation.Middlewares = append(huma.Middlewares{s.byLink(alert.Acknowledging, s.short, s.acknowledgeByLink)}, operation.Middlewares...)
	huma.Register(api, operation, s.acknowledge)
	router.Get("/alerts/{id}/acknowledge", s.linkPage(alert.Acknowledging, s.showAcknowledgePage))
	s.describeAcknowledge(api.OpenAPI())
}

func (s *server) acknowledge(ctx context.Context, r *acknowledgeRequest) (*acknowledgeResponse, error) {
	caller := subjectOf(ctx)
	a, err := readBody(r.RawBody, acknowledgements(caller), "the acknowledgement")
	if err != nil {
		return nil, err
	}
	setBy(caller, &a.By)
	kept, refused := s.takeCare(ctx, merchantsOf(ctx), r.ID, a)
	if refused != nil {
		return nil, refused
	}
	return &acknowledgeResponse{CacheControl: noStore, Body: kept}, nil
}

// takeCare acknowledges an alert, between two entries of the audit trail.
func (s *server) takeCare(ctx context.Context, of identity.Merchants, id string, a alert.Acknowledgement) (alert.Acknowledgement, *Problem) {
	if !alert.IsID(id) {
		return alert.Acknowledgement{}, s.alertProblem(ctx, id, alert.ErrNotFound)
	}
	begun, p := s.audit.begin(ctx, audit.Entry{Object: "alert " + id, After: fmt.Sprintf("by %s: %s", a.By, a.Note)})
	if p != nil {
		return alert.Acknowledgement{}, p
	}
	kept, err := s.Alerts.Acknowledge(ctx, of, id, a)
	if err != nil {
		p = s.acknowledgeProblem(ctx, id, err)
	}
	s.ofAlert(ctx, &begun.Entry, of, id)
	s.audit.end(ctx, begun, "", statusOf(p, http.StatusOK))
	return kept, p
}

// acknowledgeProblem returns the reason why an alert was not acknowledged.
func (s *server) acknowledgeProblem(ctx context.Context, id string, err error) *Problem {
	if closed, is := errors.AsType[*alert.ClosedError](err); is {
		return problem(http.StatusConflict, "not acknowledged: "+closed.Why)
	}
	if errors.Is(err, alert.ErrInvalid) {
		return problem(http.StatusUnprocessableEntity, err.Error())
	}
	if errors.Is(err, alert.ErrNotFound) {
		return s.alertProblem(ctx, id, err)
	}
	s.Log.ErrorContext(ctx, "Alert not acknowledged", "id", id, "error", err)
	if errors.Is(err, alert.ErrNoAlertman) {
		return unavailable("no alertman answers, so it is not known whether the alert is acknowledged; it is safe to try again")
	}
	return unavailable("the workflow engine cannot be reached, so it is not known whether the alert is acknowledged; it is safe to try again")
}

// describeAcknowledge adds to the operations what huma cannot infer: the two bodies, the links, and the page.
func (s *server) describeAcknowledge(document *huma.OpenAPI) {
	item := document.Paths["/alerts/{id}/acknowledge"]
	describeBody(document, item.Post, acknowledgements(s.typicalCaller()),
		`{"by": "ada", "note": "calling the buyer"}`)
	item.Post.RequestBody.Required = false
	item.Post.RequestBody.Content[formType] = &huma.MediaType{
		Schema:  document.Components.Schemas.Schema(reflect.TypeFor[acknowledgementForm](), true, "AcknowledgementForm"),
		Example: acknowledgementForm{Name: "ada", Note: "calling the buyer"},
	}
	describeLink(document, item.Post, huma.Operation{
		OperationID: "acknowledgePage",
		Path:        "/alerts/{id}/acknowledge",
		Summary:     "Open a signed link",
		Description: acknowledgePageDescription,
	}, map[string]string{
		"404": "A page that says that the alert was not found, or that links are not in use",
		"429": "A page that says that the service has too many requests at once",
		"503": "A page that says that the alert cannot be shown now",
	})
}

// acknowledgements lists the members of an acknowledgement. Whatever could be a card number is masked before it goes
// anywhere.
func acknowledgements(caller identity.Subject) object[alert.Acknowledgement] {
	return object[alert.Acknowledgement]{name: "AcknowledgementSchema", members: []member[alert.Acknowledgement]{
		byName(caller, "by", alert.MaxBy, "Who takes care", func(a *alert.Acknowledgement, name string) { a.By = name }),
		{"note", false, noteSchema, func(v *strictjson.Value, a *alert.Acknowledgement) { a.Note = card.Redact(clean(v.Literal())) }},
	}}
}

func (s *server) showAcknowledgePage(v *visit) {
	found, err := s.complete(v)
	if err != nil {
		v.refuse(s.alertProblem(v.r.Context(), v.id, err))
		return
	}
	v.show(http.StatusOK, pageOf(answerAlert(found)))
}

// complete returns the log of a link's alert. Without an alertman it is not known whether the alert is acknowledged, so there is none.
func (s *server) complete(v *visit) (alert.Log, error) {
	found, err := s.Alerts.Find(v.r.Context(), identity.AllMerchants(), v.id)
	if err == nil && found.Incomplete {
		err = alert.ErrNoAlertman
	}
	return found, err
}

// acknowledgeByLink takes an empty body or the page's form.
func (s *server) acknowledgeByLink(v *visit, values url.Values) {
	f := readForm(values)
	if len(f.Faults) > 0 {
		s.askAgain(v, f)
		return
	}
	sent := alert.Acknowledgement{By: f.by(v.sentTo, alert.MaxBy), Note: f.Note}
	kept, refused := s.takeCare(v.r.Context(), identity.AllMerchants(), v.id, sent)
	if refused != nil {
		v.refuse(refused)
		return
	}
	v.showAcknowledged(kept, sent.By)
}

// askAgain shows the form as it was typed, with its faults.
func (s *server) askAgain(v *visit, f form) {
	found, err := s.complete(v)
	if err != nil {
		v.refuse(problem(http.StatusUnprocessableEntity, strings.Join(f.Faults, " ")))
		return
	}
	p := pageOf(answerAlert(found))
	p.Form = f
	v.show(http.StatusUnprocessableEntity, p)
}

// headings are the headings of pages about an alert: what happened, in words for people.
var headings = map[alert.Type]string{
	alert.FraudDetected:      "A transaction was stopped as a fraud",
	alert.ReviewRequested:    "A transaction waits for a decision",
	alert.ReviewReminder:     "A transaction still waits for a decision",
	alert.ReviewExpired:      "A transaction was not reviewed in time",
	alert.CompensationFailed: "Money could not be given back",
	alert.AlarmFiring:        "An alarm of the service fires",
	alert.AlarmResolved:      "An alarm of the service is over",
	alert.Test:               "This is a test",
}

func pageOf(a *alertAnswer) page {
	p := page{Heading: headings[a.Type], Log: &a.Log, Acknowledgement: a.Acknowledgement, Open: a.asks(time.Now())}
	if p.Heading == "" {
		p.Heading = "An alert"
	}
	return p
}

// showAcknowledged answers with who takes care of the alert, which may be somebody else.
func (v *visit) showAcknowledged(kept alert.Acknowledgement, by string) {
	if v.html {
		heading := "Thank you"
		if kept.By != by {
			heading = "The alert was acknowledged before"
		}
		v.show(http.StatusOK, page{Heading: heading, Acknowledgement: &kept})
		return
	}
	v.setHeaders()
	v.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(v.w).Encode(kept) // the client may be gone; the error can be reported nowhere
}
