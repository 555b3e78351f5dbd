package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/alert"
)

const alertDescription = "The log of an alert: which route chose which receivers, every attempt of every delivery with the answer of the " +
	"other side, the escalation, and who acknowledged. The id is that of an event or of a digest: for an alert that was " +
	"collected in a group, group.digestID is the digest that it came in. Alerts are kept as long as Temporal keeps workflows."

const alertsDescription = "All alerts of a transaction, the oldest first, each as GET /alerts/{id} shows it. An alert is listed once " +
	"alertman has taken it off the broker; the transaction's own steps say whether it was published. " +
	"The list is empty for an unknown transaction, and for one that caused no alert."

type alertRequest struct {
	ID string `path:"id" doc:"The id of the alert's event, or of a digest"`
}

type alertResponse struct {
	Body alertAnswer
}

// alertsRequest describes GET /alerts for huma. readAlertsQuery reads the parameter, because it can report every fault at
// once; the field only describes it.
type alertsRequest struct {
	Transaction string `query:"transaction" doc:"The transactionID of the transaction" example:"01990000-0000-7000-8000-000000000001"`

	url url.URL
}

// Resolve keeps the whole query, including what it should not hold.
func (r *alertsRequest) Resolve(ctx huma.Context) []error {
	r.url = ctx.URL()
	return nil
}

type alertsResponse struct {
	Body alertsAnswer
}

type alertsAnswer struct {
	Alerts []alertAnswer `json:"alerts" nullable:"false"`
}

func (s *server) registerAlerts(api huma.API) {
	huma.Register(api, s.protect(huma.Operation{
		OperationID: "getAlert",
		Middlewares: huma.Middlewares{s.short.admitBriefly},
		Method:      http.MethodGet,
		Path:        "/alerts/{id}",
		Summary:     "Look at an alert",
		Description: alertDescription,
		Tags:        []string{"alerts"},
		Errors:      []int{404, 429, 503},
	}), s.alert)
	huma.Register(api, s.protect(huma.Operation{
		OperationID: "listAlerts",
		Middlewares: huma.Middlewares{s.lists.admitBriefly},
		Method:      http.MethodGet,
		Path:        "/alerts",
		Summary:     "List the alerts of a transaction",
		Description: alertsDescription,
		Tags:        []string{"alerts"},
		Errors:      []int{422, 429, 503},
	}), s.alerts)
	asked := api.OpenAPI().Paths["/alerts"].Get
	describeParameter(asked, "transaction", huma.Schema{Format: "uuid"})
	asked.Parameters[0].Required = true
}

func (s *server) alert(ctx context.Context, r *alertRequest) (*alertResponse, error) {
	found, err := s.deliveries.Find(ctx, merchantsOf(ctx), r.ID)
	if err != nil {
		return nil, s.alertProblem(ctx, r.ID, err)
	}
	return &alertResponse{*answerAlert(found)}, nil
}

func (s *server) alerts(ctx context.Context, r *alertsRequest) (*alertsResponse, error) {
	id, err := readAlertsQuery(r.url.RawQuery)
	if err != nil {
		return nil, err
	}
	visitorOf(ctx).object = "alerts of " + id
	found, err := s.deliveries.OfTransaction(ctx, merchantsOf(ctx), id)
	if err != nil {
		return nil, s.alertProblem(ctx, id, err)
	}
	answer := alertsAnswer{make([]alertAnswer, len(found))}
	for i, log := range found {
		answer.Alerts[i] = *answerAlert(log)
	}
	return &alertsResponse{answer}, nil
}

// alertProblem returns the reason why an alert cannot be shown. id is the alert's, or its transaction's.
func (s *server) alertProblem(ctx context.Context, id string, err error) *Problem {
	if errors.Is(err, alert.ErrNotFound) {
		return problem(http.StatusNotFound, "no such alert: alertman has not taken it yet, or it is older than what Temporal keeps")
	}
	s.log.ErrorContext(ctx, "Alert not read", "id", id, "error", err)
	if errors.Is(err, alert.ErrNoAlertman) {
		return retryLater(http.StatusServiceUnavailable, retryAfterOutage,
			"no alertman answers, and only alertman can read this log; the alert itself is safe, and its delivery goes on when alertman is back")
	}
	return retryLater(http.StatusServiceUnavailable, retryAfterOutage, "the workflow engine cannot be asked now")
}

// readAlertsQuery returns the id of the transaction whose alerts are asked for. It returns all faults at once, as a
// *Problem.
func readAlertsQuery(raw string) (transactionID string, err error) {
	p, err := readParameters(raw, "transaction")
	if err != nil {
		return "", err
	}
	id, err := uuid.Parse(p.values.Get("transaction"))
	if err != nil {
		p.wrong("transaction", "must be there, and be a transactionID as POST /transact answers it, which is a UUID")
	}
	return id.String(), p.problem("the alerts cannot be listed so: see errors")
}

// alertState is the state of an alert with all its deliveries. If several fit, the first in the order below counts.
type alertState string

const (
	delivering   alertState = "delivering"
	notDelivered alertState = "not_delivered"
	expired      alertState = "expired"
	delivered    alertState = "delivered"
	collected    alertState = "collected"
	muted        alertState = "muted"
)

var alertStates = []alertState{delivering, notDelivered, expired, delivered, collected, muted}

// alertAnswer is an alert's log with the state that follows from it.
type alertAnswer struct {
	alert.Log

	State alertState `json:"state" enum:"delivering,not_delivered,expired,delivered,collected,muted" doc:"delivering: a target has not got it yet; not_delivered: a target refused it for good, or the delivery was ended by force; expired: it could not be delivered to a target before it expired; delivered: all targets got it; collected: it comes in a digest, see group; muted: it is sent to no receiver"`
}

func answerAlert(log alert.Log) *alertAnswer {
	a := &alertAnswer{Log: log, State: delivering} // as an alert that was only just accepted
	states := map[alertState]bool{}
	for _, chain := range log.Chains {
		for _, state := range statesOf(chain, log.Running) {
			states[state] = true
		}
	}
	if first := slices.IndexFunc(alertStates, func(state alertState) bool { return states[state] }); first >= 0 {
		a.State = alertStates[first]
	} else if !log.Running {
		a.State = notDelivered
	}
	return a
}

// asks reports whether somebody is still asked to acknowledge the alert.
func (a *alertAnswer) asks(now time.Time) bool {
	if !a.Running || a.Acknowledgement != nil {
		return false
	}
	return slices.ContainsFunc(a.Chains, func(c alert.ChainLog) bool {
		if c.Unacknowledged || len(c.Steps) == 0 {
			return false
		}
		until := c.Steps[len(c.Steps)-1].AskedUntil
		return until != nil && now.Before(*until)
	})
}

// statesOf returns the states of a chain's parts.
func statesOf(chain alert.ChainLog, running bool) []alertState {
	switch {
	case chain.Muted != "":
		return []alertState{muted}
	case chain.Collected != nil:
		return []alertState{collected}
	}
	open := notDelivered
	if running {
		open = delivering
	}
	if len(chain.Steps) == 0 {
		return []alertState{open}
	}
	known := map[alert.State]alertState{
		alert.Pending: open, alert.Refused: notDelivered, alert.Expired: expired, alert.Delivered: delivered,
	}
	var states []alertState
	for _, step := range chain.Steps {
		for _, d := range step.Deliveries {
			states = append(states, known[d.State])
		}
	}
	return states
}
