package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/alert"
)

const alertDescription = "The log of an alert: which route chose which receivers, every attempt of every delivery with the answer of the " +
	"other side, the escalation, and who acknowledged. The id is that of an event or of a digest: for an alert that was " +
	"collected in a group, group.digestID is the digest that it came in. Who has the scope for some merchants only is shown no answers of the other side, which name servers, " +
	"and not how many alerts wait for a digest, among which may be other merchants'. Where decisions are not shown (DECISION_DETAIL=none), the members of a digest " +
	"have no outcome, score and reason without the scope rules. Alerts are kept as long as Temporal keeps workflows."

const alertsDescription = "Alerts that alertman has taken, each as GET /alerts/{id} shows it: first those that are still under way, " +
	"then those that are over, the last to end first, in pages. A page may have fewer than limit, or none, while there are more. " +
	"If no alertman has answered after three seconds, the alerts that are left are incomplete, and a state lists also those that may be in it. " +
	"With transaction, all alerts of that transaction, the oldest first, and no pages: an alert is listed once " +
	"alertman has taken it off the broker; the transaction's own steps say whether it was published. " +
	"That list is empty for an unknown transaction, and for one that caused no alert."

type alertRequest struct {
	ID string `path:"id" doc:"The id of the alert's event, or of a digest"`
}

// alertsRequest describes GET /alerts for huma. readAlertsQuery reads the parameters, because it can report every fault at
// once; the fields only describe them.
type alertsRequest struct {
	Transaction string `query:"transaction" doc:"The transactionID of the transaction. No other parameter goes with it" example:"01990000-0000-7000-8000-000000000001"`
	State       string `query:"state" doc:"unacknowledged: somebody is asked to acknowledge it, or was and did not; undelivered: a target does not have it; open: it is being delivered or waits to be acknowledged; failed: it is over, and was not delivered or not acknowledged; delivered: all targets have it; muted: it was not sent to a receiver" example:"unacknowledged"`
	Type        string `query:"type" doc:"The type of its event" example:"orders.fraud.detected.v1"`
	Merchant    string `query:"merchant" doc:"Whose transactions it is about" example:"default"`
	Since       string `query:"since" doc:"Taken by alertman at that time or later, RFC 3339" example:"2026-01-02T00:00:00Z"`
	EndedSince  string `query:"endedSince" doc:"Over at that time or later, RFC 3339" example:"2026-01-02T00:00:00Z"`
	Cursor      string `query:"cursor" doc:"The value of next in an earlier answer: asks for the page after that one"`
	Limit       string `query:"limit" doc:"The largest number of alerts on a page, 1 to 50; 20 by default"`

	RawQuery
}

type alertsAnswer struct {
	Alerts []alertAnswer `json:"alerts" nullable:"false"`
	Next   string        `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one"`
}

func (s *server) registerAlerts(api huma.API) {
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "getAlert",
		Method:      http.MethodGet,
		Path:        "/alerts/{id}",
		Summary:     "Look at an alert",
		Description: alertDescription,
		Tags:        []string{"alerts"},
		Errors:      []int{404, 503},
	}), answering(s.alert))
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "listAlerts",
		Method:      http.MethodGet,
		Path:        "/alerts",
		Summary:     "List alerts",
		Description: alertsDescription,
		Tags:        []string{"alerts"},
		Errors:      []int{422, 503},
	}), answering(s.alerts))
	asked := api.OpenAPI().Paths["/alerts"].Get
	describeParameter(asked, "transaction", huma.Schema{Format: "uuid"})
	describeParameter(asked, "state", huma.Schema{Enum: alertChoices})
	describeParameter(asked, "merchant", huma.Schema{Pattern: namePattern})
	describeParameter(asked, "type", huma.Schema{Enum: typeWords()})
	describeParameter(asked, "since", huma.Schema{Format: "date-time"})
	describeParameter(asked, "endedSince", huma.Schema{Format: "date-time"})
	describeParameter(asked, "cursor", huma.Schema{MinLength: new(1)})
	describeParameter(asked, "limit", huma.Schema{Type: huma.TypeInteger, Minimum: new(1.0), Maximum: new(float64(maxAlerts)), Default: defaultAlerts})
}

func (s *server) alert(ctx context.Context, r *alertRequest) (answer alertAnswer, _ error) {
	found, err := s.Alerts.Find(ctx, merchantsOf(ctx), r.ID)
	if err != nil {
		return answer, s.alertProblem(ctx, r.ID, err)
	}
	visitorOf(ctx).isOf(found)
	return *s.shownAlert(ctx, found), nil
}

func (s *server) alerts(ctx context.Context, r *alertsRequest) (answer alertsAnswer, _ error) {
	q, err := readAlertsQuery(r.sent.RawQuery)
	if err != nil {
		return answer, err
	}
	answer.Alerts = []alertAnswer{}
	if q.transaction != "" {
		visitorOf(ctx).object = "alerts of " + q.transaction
		found, err := s.Alerts.OfTransaction(ctx, merchantsOf(ctx), q.transaction)
		if err != nil {
			return answer, s.alertProblem(ctx, q.transaction, err)
		}
		for _, log := range found {
			visitorOf(ctx).isOf(log)
			answer.Alerts = append(answer.Alerts, *s.shownAlert(ctx, log))
		}
		return answer, nil
	}
	if q.Merchants = merchantsOf(ctx).Narrow(q.merchant); q.Merchants.None() {
		return answer, nil
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	q.DetailsBy = time.Now().Add(alert.DetailsWithin)
	if answer.Alerts, q.After, err = s.chosenAlerts(ctx, q); err != nil {
		return answer, s.alertProblem(ctx, "", err)
	}
	if len(q.After) > 0 {
		answer.Next = base64.RawURLEncoding.EncodeToString(append([]byte(alertsCursor), q.After...))
	}
	visitorOf(ctx).shown = fmt.Sprintf("%d alerts", len(answer.Alerts))
	return answer, nil
}

// chosenAlerts reads parts of the list until a page is full, or until it has looked at a few parts.
func (s *server) chosenAlerts(ctx context.Context, q alertsQuery) (all []alertAnswer, next []byte, err error) {
	all = []alertAnswer{}
	limit := q.Limit
	for range mostParts {
		q.Limit = limit - len(all)
		page, err := s.Alerts.List(ctx, q.Query)
		if err != nil {
			return nil, nil, err
		}
		for _, log := range page.Alerts {
			if a := s.shownAlert(ctx, log); q.chooses(a, time.Now()) {
				all = append(all, *a)
			}
		}
		if q.After = page.Next; len(q.After) == 0 || len(all) == limit {
			break
		}
	}
	return all, q.After, nil
}

// alertProblem returns the reason why an alert cannot be shown. id is the alert's, or its transaction's.
func (s *server) alertProblem(ctx context.Context, id string, err error) *Problem {
	switch {
	case errors.Is(err, alert.ErrNotFound):
		return problem(http.StatusNotFound, "no such alert: alertman has not taken it yet, or it is older than what Temporal keeps")
	case errors.Is(err, alert.ErrNoPage):
		foreign := problem(http.StatusUnprocessableEntity, alertsFaults)
		foreign.Errors = []Fault{{Parameter: "cursor", Detail: foreignCursor}}
		return foreign
	}
	s.Log.ErrorContext(ctx, "Alert not read", "id", id, "error", err)
	if errors.Is(err, alert.ErrNoAlertman) {
		return unavailable("no alertman answers, and only alertman can read this log; the alert itself is safe, and its delivery goes on when alertman is back")
	}
	return unavailable("the workflow engine cannot be asked now")
}

// alertsQuery is what a list of alerts is asked for.
type alertsQuery struct {
	alert.Query

	transaction, merchant string
	state                 string
	of                    alert.Type
}

// How many alerts a page has by default and at most, and how often the list is read on for a page.
const (
	defaultAlerts = 20
	maxAlerts     = 50
	mostParts     = 5
)

const alertsFaults = "the alerts cannot be listed so: see errors"

// alertsCursor begins each cursor of this list, and of no other.
const alertsCursor = "alerts/"

// What alerts can be chosen by, beside failed, delivered and muted.
const (
	unacknowledged = "unacknowledged"
	undelivered    = "undelivered"
	stillOpen      = "open"
)

var alertChoices = []any{unacknowledged, undelivered, stillOpen, string(failed), string(delivered), string(muted)}

// readAlertsQuery returns all faults at once, as a *Problem.
func readAlertsQuery(raw string) (q alertsQuery, err error) {
	p, err := readParameters(raw, "transaction", "state", "type", "merchant", "since", "endedSince", "cursor", "limit")
	if err != nil {
		return q, err
	}
	q.transaction, q.merchant = p.values.Get("transaction"), p.name("merchant")
	q.state, q.of = p.values.Get("state"), alert.Type(p.values.Get("type"))
	if q.transaction != "" {
		id, err := uuid.Parse(q.transaction)
		if err != nil {
			p.wrong("transaction", "must be a transactionID as POST /transact answers it, which is a UUID")
		}
		if len(p.values) > 1 {
			p.wrong("transaction", "must stand alone: a transaction's alerts are listed without other parameters")
		}
		q.transaction = id.String()
	}
	if q.state != "" && !slices.Contains(alertChoices, any(q.state)) {
		p.wrong("state", "must be "+oneOf(alertChoices))
	}
	if q.of != "" && !slices.Contains(typeWords(), any(string(q.of))) {
		p.wrong("type", "must be the type of an event, such as "+string(alert.FraudDetected))
	}
	q.Since, q.EndedSince, q.Limit = p.time("since"), p.time("endedSince"), p.wholeNumber("limit", defaultAlerts, maxAlerts)
	q.Open, q.Running, q.Failed = q.state == unacknowledged, q.state == stillOpen, q.state == string(failed)
	if text := p.values.Get("cursor"); text != "" {
		plain, err := base64.RawURLEncoding.Strict().DecodeString(text)
		after, ours := bytes.CutPrefix(plain, []byte(alertsCursor))
		if q.After = after; err != nil || !ours || len(after) == 0 {
			p.wrong("cursor", foreignCursor)
		}
	}
	return q, p.problem(alertsFaults)
}

// typeWords returns the types of events that alerts can be about.
func typeWords() []any { return append(words(alert.Types), string(alert.Test)) }

// chooses reports whether an alert is what the query asks for.
func (q alertsQuery) chooses(a *alertAnswer, now time.Time) bool {
	if q.of != "" && a.Type != q.of {
		return false
	}
	switch q.state {
	case unacknowledged:
		return a.mayNeed() || a.asks(now) || a.Silent()
	case undelivered:
		return a.mayNeed() || a.State == delivering || a.State == notDelivered || a.State == expired
	case string(delivered):
		return a.State == delivered || a.State == over
	case string(muted):
		return slices.ContainsFunc(a.Chains, func(c alert.ChainLog) bool { return c.Muted != "" })
	}
	return true
}

// mayNeed reports whether an incomplete alert may need a person.
func (a *alertAnswer) mayNeed() bool {
	return a.Incomplete && (a.State == delivering || a.State == failed)
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
	over         alertState = "over"   // incomplete, and ended well
	failed       alertState = "failed" // incomplete, and ended otherwise
)

var alertStates = []alertState{delivering, notDelivered, expired, delivered, collected, muted}

// alertAnswer is an alert's log with the state that follows from it.
type alertAnswer struct {
	alert.Log

	State alertState `json:"state" enum:"delivering,not_delivered,expired,delivered,collected,muted,over,failed" doc:"delivering: a target has not got it yet; not_delivered: a target refused it for good, or the delivery was ended by force; expired: it could not be delivered to a target before it expired; delivered: all targets got it; collected: it comes in a digest, see group; muted: it is sent to no receiver. If the answer is incomplete, over: it was delivered, or comes in a digest; failed: it was not delivered, or not acknowledged"`
}

func answerAlert(log alert.Log) *alertAnswer {
	a := &alertAnswer{Log: log, State: delivering} // as an alert that was only just accepted
	if log.Incomplete {
		a.State = outlined(log)
		return a
	}
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

// outlined returns the state of an incomplete alert.
func outlined(log alert.Log) alertState {
	switch sent := func(c alert.ChainLog) bool { return c.Muted == "" }; {
	case log.Running:
		return delivering
	case log.Failed:
		return failed
	case !slices.ContainsFunc(log.Chains, sent):
		return muted
	default:
		return over
	}
}

// asks reports whether somebody is still asked to acknowledge the alert.
func (a *alertAnswer) asks(now time.Time) bool {
	return a.Running && a.Asks(now)
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
