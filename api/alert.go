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

const alertDescription = "What became of an alert: who was chosen to be told and by which route, every try of every delivery with what " +
	"the other side answered, the escalation, and who acknowledged it. The id is the event's, or a digest's: of an alert that was " +
	"collected in a group, group.digestID leads to the digest that told it. Alerts are kept as long as Temporal keeps workflows."

const alertsDescription = "All alerts of a transaction, the oldest first, each as GET /alerts/{id} shows it. An alert is here once " +
	"alertman has taken it: one that still waits in the broker is not, and the transaction's own steps say whether it was published. " +
	"The list of a transaction that is not known, or that nobody had to be told of, is empty."

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
	huma.Register(api, s.clients.protect(huma.Operation{
		OperationID: "getAlert",
		Middlewares: huma.Middlewares{before(s.short.admit)},
		Method:      http.MethodGet,
		Path:        "/alerts/{id}",
		Summary:     "Look at an alert",
		Description: alertDescription,
		Tags:        []string{"alerts"},
		Errors:      []int{404, 429, 503},
	}), s.alert)
	huma.Register(api, s.clients.protect(huma.Operation{
		OperationID: "listAlerts",
		Middlewares: huma.Middlewares{before(s.short.admit)},
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
	found, err := s.deliveries.Find(ctx, r.ID)
	if err != nil {
		return nil, s.alertUnread(ctx, r.ID, err)
	}
	return &alertResponse{*answerAlert(found)}, nil
}

func (s *server) alerts(ctx context.Context, r *alertsRequest) (*alertsResponse, error) {
	id, err := readAlertsQuery(r.url.RawQuery)
	if err != nil {
		return nil, err
	}
	found, err := s.deliveries.OfTransaction(ctx, id)
	if err != nil {
		return nil, s.alertUnread(ctx, id, err)
	}
	answer := alertsAnswer{make([]alertAnswer, len(found))}
	for i, report := range found {
		answer.Alerts[i] = *answerAlert(report)
	}
	return &alertsResponse{answer}, nil
}

// alertUnread returns the reason why an alert cannot be shown. id is the alert's, or its transaction's.
func (s *server) alertUnread(ctx context.Context, id string, err error) *Problem {
	if errors.Is(err, alert.ErrNotFound) {
		return problem(http.StatusNotFound, "no such alert: alertman has not taken it yet, or nobody remembers it any more")
	}
	s.log.ErrorContext(ctx, "Alert not read", "id", id, "error", err)
	if errors.Is(err, alert.ErrNoAlertman) {
		return comeBack(http.StatusServiceUnavailable, retryAfterOutage,
			"no alertman answers now, and only it can tell what it did; the alert itself is safe, and goes on when alertman is back")
	}
	return comeBack(http.StatusServiceUnavailable, retryAfterOutage, "the workflow engine cannot be asked now")
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

// alertAnswer is an alert's log with what only Temporal and the groups know. Its fields replace those of the same name in
// the log.
type alertAnswer struct {
	alert.Log

	State  alertState   `json:"state" enum:"delivering,not_delivered,expired,delivered,collected,muted" doc:"delivering: a target is still to be told; not_delivered: a target refused for good, or the delivery was ended by force; expired: a target could not be told before the alert expired; delivered: all were told; collected: a digest tells it, see group; muted: nobody is told"`
	Chains []alertChain `json:"chains" nullable:"false" doc:"A receiver that was chosen, with whom it escalates to"`

	running bool
}

type alertChain struct {
	alert.ChainLog

	Steps []alertStep `json:"steps" nullable:"false"`
	Group *alertGroup `json:"group,omitempty" doc:"Of a collected alert; absent where the group cannot be asked"`
}

type alertStep struct {
	alert.StepLog

	Deliveries []alertDelivery `json:"deliveries" nullable:"false"`
}

type alertDelivery struct {
	alert.Delivery

	Attempts []alert.Attempt `json:"attempts" nullable:"false" doc:"The first and the last ones, where there were many"`
	NextTry  *time.Time      `json:"nextTry,omitempty" doc:"When it is tried again"`
}

// alertGroup is the group that a collected alert went to.
type alertGroup struct {
	Name     string     `json:"name" doc:"What the alerts in the group have in common"`
	DigestID string     `json:"digestID,omitempty" doc:"The digest that tells the alert: look at it like at an alert"`
	Waiting  int        `json:"waiting,omitempty" doc:"While there is no digest: how many alerts wait for it"`
	Until    *time.Time `json:"until,omitempty" doc:"While there is no digest: when there will be"`
}

// answerAlert turns a report into an answer.
func answerAlert(r *alert.Report) *alertAnswer {
	log := r.Log
	a := &alertAnswer{Log: log, Chains: make([]alertChain, len(log.Chains)), running: r.Running}
	states := map[alertState]bool{}
	for i, chain := range log.Chains {
		a.Chains[i] = alertChain{ChainLog: chain, Steps: make([]alertStep, len(chain.Steps)), Group: (*alertGroup)(r.Groups[i])}
		for j, step := range chain.Steps {
			a.Chains[i].Steps[j] = answerStep(j, step, r)
		}
		for _, state := range statesOf(chain, r.Running) {
			states[state] = true
		}
	}
	a.State = delivering // an alert that was only just accepted
	if first := slices.IndexFunc(alertStates, func(state alertState) bool { return states[state] }); first >= 0 {
		a.State = alertStates[first]
	} else if !r.Running {
		a.State = notDelivered
	}
	return a
}

// asks reports whether somebody is still asked to acknowledge the alert.
func (a *alertAnswer) asks(now time.Time) bool {
	if !a.running || a.Acknowledgement != nil {
		return false
	}
	return slices.ContainsFunc(a.Log.Chains, func(c alert.ChainLog) bool {
		if c.Unacknowledged || len(c.Steps) == 0 {
			return false
		}
		until := c.Steps[len(c.Steps)-1].AskedUntil
		return until != nil && now.Before(*until)
	})
}

func answerStep(number int, step alert.StepLog, r *alert.Report) alertStep {
	answer := alertStep{StepLog: step, Deliveries: make([]alertDelivery, len(step.Deliveries))}
	for i, d := range step.Deliveries {
		answer.Deliveries[i] = alertDelivery{Delivery: d, Attempts: d.Attempts}
		if d.State == alert.Pending {
			if tries, known := r.UnderWay[alert.DeliveryKey{Receiver: step.Receiver, Step: number, Target: d.Target}]; known {
				answer.Deliveries[i].Attempts, answer.Deliveries[i].NextTry = tries.Attempts, tries.Next
			}
		}
		if answer.Deliveries[i].Attempts == nil {
			answer.Deliveries[i].Attempts = []alert.Attempt{}
		}
	}
	return answer
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
