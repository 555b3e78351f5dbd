package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

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

// alertsRequest is GET /alerts as huma sees it. The parameter is read by readAlertsQuery, which can say every fault at
// once; the field is its description.
type alertsRequest struct {
	Transaction string `query:"transaction" doc:"The transactionID of the transaction" example:"01990000-0000-7000-8000-000000000001"`

	url url.URL
}

// Resolve keeps the whole query, with what it should not hold.
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

// alertUnread says why an alert cannot be shown. id is its own, or its transaction's.
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
