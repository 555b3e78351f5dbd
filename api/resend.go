package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/internal/strictjson"
)

const resendDescription = "Sends an alert again whose delivery has ended, to all for whom it was or only to the targets that it did not " +
	"reach. It is a delivery of its own, under a new id, and is sent immediately: no mute, group or throttle holds it back. Who was to " +
	"acknowledge the alert is asked anew, unless it was acknowledged. The routing file of then counts, not the one of now. " +
	"With a number, a second call changes nothing and is answered as the first, or with 409 if it is to others. " +
	"The answer is also 409 while the alert is under way, and once what it asks for can be done no more, such as a review after its deadline."

// resendRequest describes POST /alerts/{id}/resend for huma. The body is read by its table, resends.
type resendRequest struct {
	ID      string `path:"id" doc:"The id of the alert's event, or of a digest"`
	RawBody []byte `contentType:"application/json"`
}

type resendResponse struct {
	Location string `header:"Location" doc:"The log of the new delivery"`
	Body     alert.Resending
}

func (s *server) registerResend(api huma.API) {
	huma.Register(api, s.soon(s.short, takesBody(MaxBody, huma.Operation{
		OperationID:   "resendAlert",
		Method:        http.MethodPost,
		Path:          "/alerts/{id}/resend",
		Summary:       "Send an alert again",
		Description:   resendDescription,
		Tags:          []string{"alerts"},
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{404, 409, 422, 503},
	})), s.resend)
	describeBody(api.OpenAPI(), api.OpenAPI().Paths["/alerts/{id}/resend"].Post, resends(s.typicalCaller()), `{"by": "ada", "to": "missed", "number": 1}`)
}

func (s *server) resend(ctx context.Context, r *resendRequest) (*resendResponse, error) {
	caller := subjectOf(ctx)
	asked, err := readBody(r.RawBody, resends(caller), "the request")
	if err != nil {
		return nil, err
	}
	setBy(caller, &asked.By)
	if asked.To == "" {
		asked.To = alert.ToAll
	}
	if !alert.IsID(r.ID) {
		return nil, s.alertProblem(ctx, r.ID, alert.ErrNotFound)
	}
	refusal := func(ctx context.Context, err error) *Problem { return s.resendProblem(ctx, r.ID, err) }
	e := audit.Entry{Object: "alert " + r.ID, After: fmt.Sprintf("to %s, by %s", asked.To, asked.By)}
	var sent alert.Resending
	err = s.changed(ctx, e, http.StatusAccepted, refusal, func(e *audit.Entry) (err error) {
		if sent, err = s.Alerts.Resend(ctx, merchantsOf(ctx), r.ID, asked); err == nil {
			e.After += ": alert " + sent.ID
		}
		s.ofAlert(ctx, e, merchantsOf(ctx), r.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &resendResponse{Location: "/alerts/" + sent.ID, Body: sent}, nil
}

// resendProblem returns the reason why an alert was not sent again.
func (s *server) resendProblem(ctx context.Context, id string, err error) *Problem {
	if closed, is := errors.AsType[*alert.ClosedError](err); is {
		return problem(http.StatusConflict, "not sent again: "+closed.Why)
	}
	if errors.Is(err, alert.ErrNotFound) {
		return s.alertProblem(ctx, id, err)
	}
	s.Log.ErrorContext(ctx, "Alert not sent again", "id", id, "error", err)
	if errors.Is(err, alert.ErrNoAlertman) {
		return unavailable("no alertman answers, so it is not known whom the alert has reached, and nothing was sent again; try again once an alertman runs")
	}
	return unavailable("the workflow engine cannot be reached, so it is not known whether the alert is sent again: GET /alerts/{id} shows it, or call again with the number")
}

// resends lists the members of a request to send an alert again.
func resends(caller identity.Subject) object[alert.Resend] {
	return object[alert.Resend]{name: "ResendSchema", members: []member[alert.Resend]{
		byName(caller, "by", alert.MaxBy, "Who asks for it", func(r *alert.Resend, name string) { r.By = name }),
		{
			"to", false, nullable(choice("all, or missed for the targets that it did not reach; all if it is left out", string(alert.ToAll), string(alert.ToMissed))),
			func(v *strictjson.Value, r *alert.Resend) { r.To = alert.ResendTo(v.Literal()) },
		},
		{
			"number", false, nullable(wholeNumber(1, alert.MaxResent, "How often the alert will have been sent again then: 1 for the first time. If it is left out, each call sends the alert again")),
			func(v *strictjson.Value, r *alert.Resend) { r.Number = readInteger(v, 1, alert.MaxResent) },
		},
	}}
}
