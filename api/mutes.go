package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/domain/transaction"
	"dummyorders/internal/safetext"
	"dummyorders/internal/strictjson"
)

const addMuteDescription = "Has alerts not sent for some hours that are of a type, about a merchant or about a customer, or all of these; " +
	"without any of them, all alerts. It holds within five seconds, for alerts that alertman takes from then on: what is being delivered, " +
	"escalated or collected in a digest goes on. **Urgent alerts are muted like others**: frauds, and money that could not be given back. " +
	"A muted alert is sent to nobody, and nobody is asked to acknowledge it; its log says by which mute, GET /alerts?state=muted lists it, and " +
	"POST /alerts/{id}/resend sends it. It stays muted when the mute ends. " +
	"Only those with the scope for all merchants can mute alerts of all. The mutes of the routing file are others, and are not listed here."

const mutesDescription = "The mutes that are on, and those that ended within the last day, the latest first. Those with the scope for some " +
	"merchants only see the mutes of these, not those of all merchants."

// shownFor is how long a mute is listed after its end.
const shownFor = 24 * time.Hour

type (
	muteRequest struct {
		RawBody []byte `contentType:"application/json"`
	}
	endMuteRequest struct {
		ID string `path:"id" doc:"The id of the mute"`
	}
	muteResponse  struct{ Body alert.Mute }
	mutesResponse struct{ Body mutesAnswer }
)

type mutesAnswer struct {
	Mutes []alert.Mute `json:"mutes" nullable:"false"`
}

func (s *server) registerMutes(api huma.API) {
	huma.Register(api, s.protect(huma.Operation{
		OperationID:      "muteAlerts",
		Method:           http.MethodPost,
		Path:             "/mutes",
		Summary:          "Mute alerts",
		Description:      addMuteDescription,
		Tags:             []string{"alerts"},
		DefaultStatus:    http.StatusCreated,
		SkipValidateBody: true,
		MaxBodyBytes:     2 * MaxBody, // limitBody has refused larger ones already
		Middlewares:      huma.Middlewares{before(limitBody), s.short.admitBriefly},
		Errors:           []int{400, 404, 413, 415, 422, 429, 503},
	}), s.addMute)
	huma.Register(api, s.protect(huma.Operation{
		OperationID: "listMutes",
		Method:      http.MethodGet,
		Path:        "/mutes",
		Summary:     "List mutes",
		Description: mutesDescription,
		Tags:        []string{"alerts"},
		Middlewares: huma.Middlewares{s.short.admitBriefly},
		Errors:      []int{429, 503},
	}), s.listMutes)
	huma.Register(api, s.protect(huma.Operation{
		OperationID: "endMute",
		Method:      http.MethodDelete,
		Path:        "/mutes/{id}",
		Summary:     "End a mute",
		Description: "Ends a mute now, which holds within five seconds. One that has ended before stays as it is.",
		Tags:        []string{"alerts"},
		Middlewares: huma.Middlewares{s.short.admitBriefly},
		Errors:      []int{404, 429, 503},
	}), s.endMute)
	describeBody(api.OpenAPI(), api.OpenAPI().Paths["/mutes"].Post, newMutes(s.typicalCaller()),
		`{"by": "ada", "type": "orders.fraud.detected.v1", "merchant": "default", "hours": 1, "reason": "load test"}`)
}

func (s *server) addMute(ctx context.Context, r *muteRequest) (*muteResponse, error) {
	caller := subjectOf(ctx)
	asked, err := readBody(r.RawBody, newMutes(caller), "the mute")
	if err != nil {
		return nil, err
	}
	m := asked.mute
	if isKnown(caller) {
		m.By = safetext.Cut(caller.Name, alert.MaxBy, "…")
	}
	of := merchantsOf(ctx)
	if names := of.Names(); m.Merchant == "" && !of.All() {
		if len(names) > 1 {
			p := problem(http.StatusUnprocessableEntity, "the mute is not accepted: see errors")
			p.Errors = []Fault{{Pointer: "#/merchant", Detail: "must name one of the merchants that you have the scope for, since that is not all"}}
			return nil, p
		}
		m.Merchant = names[0]
	}
	if m.Merchant != "" && !of.Has(m.Merchant) {
		return nil, problem(http.StatusNotFound, "no such merchant")
	}
	m.ID, m.Begin = uuid.Must(uuid.NewV7()).String(), time.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	m.Until = m.Begin.Add(time.Duration(asked.hours) * time.Hour)
	begun, p := s.audit.begin(ctx, audit.Entry{Object: "mute " + m.ID, Merchant: m.Merchant, After: described(m)})
	if p != nil {
		return nil, p
	}
	if err := s.mutes.AddMute(ctx, m); err != nil {
		p = s.muteProblem(ctx, err)
	}
	s.audit.end(ctx, begun, "", statusOf(p, http.StatusCreated))
	if p != nil {
		return nil, p
	}
	return &muteResponse{m}, nil
}

// described says what is muted, for the audit trail.
func described(m alert.Mute) string {
	return fmt.Sprintf("type %q, merchant %q, customer %q, until %s, by %s: %s", m.Type, m.Merchant, m.CustomerID, m.Until.Format(time.RFC3339), m.By, m.Reason)
}

func (s *server) listMutes(ctx context.Context, _ *struct{}) (*mutesResponse, error) {
	found, err := s.mutes.Mutes(ctx, merchantsOf(ctx), time.Now().Add(-shownFor))
	if err != nil {
		return nil, s.muteProblem(ctx, err)
	}
	visitorOf(ctx).shown = strconv.Itoa(len(found)) + " mutes"
	return &mutesResponse{mutesAnswer{append([]alert.Mute{}, found...)}}, nil
}

func (s *server) endMute(ctx context.Context, r *endMuteRequest) (*muteResponse, error) {
	caller := subjectOf(ctx)
	by := "someone who need not say who they are"
	if isKnown(caller) {
		by = safetext.Cut(caller.Name, alert.MaxBy, "…")
	}
	begun, p := s.audit.begin(ctx, audit.Entry{Object: "mute " + r.ID})
	if p != nil {
		return nil, p
	}
	ended, err := s.mutes.EndMute(ctx, merchantsOf(ctx), r.ID, by, time.Now().UTC().Truncate(time.Microsecond))
	if err != nil {
		p = s.muteProblem(ctx, err)
	} else {
		begun.After = described(ended)
	}
	s.audit.end(ctx, begun, "", statusOf(p, http.StatusOK))
	if p != nil {
		return nil, p
	}
	return &muteResponse{ended}, nil
}

// muteProblem returns the reason why a mute was not made, ended or read.
func (s *server) muteProblem(ctx context.Context, err error) *Problem {
	if errors.Is(err, alert.ErrNoMute) {
		return problem(http.StatusNotFound, "no such mute: GET /mutes lists those that are on")
	}
	s.log.ErrorContext(ctx, "Mutes not read or changed", "error", err)
	return retryLater(http.StatusServiceUnavailable, retryAfterOutage,
		"the ledger does not answer now, so it is not known whether a change was kept: look at GET /mutes before you send it again")
}

// newMute is what a body asks for.
type newMute struct {
	mute  alert.Mute
	hours int
}

// newMutes lists the members of a mute.
func newMutes(caller identity.Subject) object[newMute] {
	types := make([]any, len(alert.Types))
	for i, of := range alert.Types {
		types[i] = string(of)
	}
	return object[newMute]{name: "MuteSchema", members: []member[newMute]{
		byName(caller, "by", alert.MaxBy, "Who mutes them", func(m *newMute, name string) { m.mute.By = name }),
		{
			"type", false, nullable(choice("Only alerts of this type; all types if it is left out", types...)),
			func(v *strictjson.Value, m *newMute) { m.mute.Type = alert.Type(v.Literal()) },
		},
		{
			"merchant", false, nullable(nameSchema("Only alerts about this merchant; about all if it is left out, or about the caller's own if that is only one", "default")),
			func(v *strictjson.Value, m *newMute) { m.mute.Merchant = v.Literal() },
		},
		{
			"customerID", false, nullable(requiredText(transaction.MaxID, "Only alerts about this customer", "c-1")),
			func(v *strictjson.Value, m *newMute) { m.mute.CustomerID = v.Literal() },
		},
		{
			"hours", true, &huma.Schema{
				Type: huma.TypeInteger, Minimum: new(float64(alert.LeastMute)), Maximum: new(float64(alert.MostMute)), Examples: []any{1}, Description: "For how long",
			},
			func(v *strictjson.Value, m *newMute) {
				hours, err := strconv.Atoi(v.Literal())
				if err != nil || hours < alert.LeastMute || hours > alert.MostMute {
					v.Fault(fmt.Sprintf("must be a whole number from %d to %d", alert.LeastMute, alert.MostMute))
				}
				m.hours = hours
			},
		},
		{
			"reason", true, requiredText(alert.MaxNote, "Why: the delivery log of each muted alert has it", "load test"),
			func(v *strictjson.Value, m *newMute) { m.mute.Reason = card.Redact(v.Literal()) },
		},
	}}
}
