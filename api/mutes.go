package api

import (
	"cmp"
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
	"dummyorders/internal/strictjson"
)

const addMuteDescription = "Has alerts not sent for some hours that are of a type, about a merchant or about a customer, or all of these; " +
	"without any of them, all alerts. It holds within five seconds, for alerts that alertman takes from then on: what is being delivered, " +
	"escalated or collected in a digest goes on. **Urgent alerts are muted like others**: frauds, money that could not be given back, and alarms that fire. " +
	"A muted alert is not sent, and its acknowledgement is not asked for; its log says by which mute, GET /alerts?state=muted lists it, and " +
	"POST /alerts/{id}/resend sends it. It stays muted when the mute ends; an alarm that began while it was muted is not sent either as long as it fires. " +
	"With an id, a second call changes nothing and is answered as the first, or with 409 if it asks for another mute. The answer is also 409 if 100 mutes " +
	"of the merchant, or of all merchants, are on, or 1000 are on or ended within the last day. " +
	"Only those with the scope for all merchants can mute alerts of all. The mutes of the routing file are others, and are not listed here."

const mutesDescription = "The mutes that are on, and those that ended within the last day, the latest first. Those with the scope for some " +
	"merchants only see the mutes of these, not those of all merchants."

// muteWithin bounds how long a mute may take to be kept or ended.
const muteWithin = 10 * time.Second

type endMuteRequest struct {
	ID string `path:"id" doc:"The id of the mute"`
}

type mutesAnswer struct {
	Mutes []alert.Mute `json:"mutes" nullable:"false"`
}

func (s *server) registerMutes(api huma.API) {
	huma.Register(api, s.soon(s.short, takesBody(MaxBody, huma.Operation{
		OperationID:   "muteAlerts",
		Method:        http.MethodPost,
		Path:          "/mutes",
		Summary:       "Mute alerts",
		Description:   addMuteDescription,
		Tags:          []string{"alerts"},
		DefaultStatus: http.StatusCreated,
		Errors:        []int{404, 409, 422, 503},
	})), answering(s.addMute))
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "listMutes",
		Method:      http.MethodGet,
		Path:        "/mutes",
		Summary:     "List mutes",
		Description: mutesDescription,
		Tags:        []string{"alerts"},
		Errors:      []int{503},
	}), answering(s.listMutes))
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "endMute",
		Method:      http.MethodDelete,
		Path:        "/mutes/{id}",
		Summary:     "End a mute",
		Description: "Ends a mute now, which holds within five seconds. One that has ended before stays as it is.",
		Tags:        []string{"alerts"},
		Errors:      []int{404, 503},
	}), answering(s.endMute))
	describeBody(api.OpenAPI(), api.OpenAPI().Paths["/mutes"].Post, newMutes(s.typicalCaller()),
		`{"by": "ada", "type": "orders.fraud.detected.v1", "merchant": "default", "hours": 1, "reason": "load test"}`)
}

func (s *server) addMute(ctx context.Context, r *bodyRequest) (m alert.Mute, _ error) {
	caller := subjectOf(ctx)
	asked, err := readBody(r.RawBody, newMutes(caller), "the mute")
	if err != nil {
		return m, err
	}
	m = asked.mute
	setBy(caller, &m.By)
	of := merchantsOf(ctx)
	if names := of.Names(); m.Merchant == "" && !of.All() {
		if len(names) > 1 {
			p := problem(http.StatusUnprocessableEntity, "the mute is not accepted: see errors")
			p.Errors = []Fault{{Pointer: "#/merchant", Detail: "must name one of the merchants that you have the scope for, since that is not all"}}
			return m, p
		}
		m.Merchant = names[0]
	}
	if m.Merchant != "" && !of.Has(m.Merchant) {
		return m, problem(http.StatusNotFound, "no such merchant")
	}
	m.ID, m.Begin = cmp.Or(m.ID, uuid.Must(uuid.NewV7()).String()), s.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	m.Until = m.Begin.Add(time.Duration(asked.hours) * time.Hour)
	err = s.changed(ctx, audit.Entry{Object: "mute " + m.ID, Merchant: m.Merchant, After: described(m)}, http.StatusCreated, s.muteProblem, func(*audit.Entry) (err error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), muteWithin)
		defer cancel()
		m, err = s.Mutes.AddMute(ctx, m)
		return err
	})
	return m, err
}

// described says what is muted, for the audit trail.
func described(m alert.Mute) string {
	return fmt.Sprintf("type %q, merchant %q, customer %q, until %s, by %s: %s", m.Type, m.Merchant, m.CustomerID, m.Until.Format(time.RFC3339), m.By, m.Reason)
}

func (s *server) listMutes(ctx context.Context, _ *struct{}) (answer mutesAnswer, _ error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	found, err := s.Mutes.Mutes(ctx, merchantsOf(ctx), s.Now().Add(-alert.Listed))
	if err != nil {
		return answer, s.muteProblem(ctx, err)
	}
	visitorOf(ctx).shown = strconv.Itoa(len(found)) + " mutes"
	answer.Mutes = append([]alert.Mute{}, found...)
	return answer, nil
}

func (s *server) endMute(ctx context.Context, r *endMuteRequest) (ended alert.Mute, _ error) {
	id, err := uuid.Parse(r.ID)
	if err != nil {
		return ended, s.muteProblem(ctx, alert.ErrNoMute)
	}
	by := "an anonymous caller"
	setBy(subjectOf(ctx), &by)
	err = s.changed(ctx, audit.Entry{Object: "mute " + id.String()}, http.StatusOK, s.muteProblem, func(e *audit.Entry) (err error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), muteWithin)
		defer cancel()
		if ended, err = s.Mutes.EndMute(ctx, merchantsOf(ctx), id.String(), by, s.Now().UTC().Truncate(time.Microsecond)); err == nil {
			e.After, e.Merchant = described(ended), cmp.Or(ended.Merchant, e.Merchant)
		}
		return err
	})
	return ended, err
}

// muteProblem returns the reason why a mute was not made, ended or read.
func (s *server) muteProblem(ctx context.Context, err error) *Problem {
	switch {
	case errors.Is(err, alert.ErrNoMute):
		return problem(http.StatusNotFound, "no such mute: GET /mutes lists those that are on")
	case errors.Is(err, alert.ErrOtherMute):
		return problem(http.StatusConflict, "not muted: the id is that of another mute")
	case errors.Is(err, alert.ErrManyMutes):
		return problem(http.StatusConflict, fmt.Sprintf("not muted: %d such mutes are on, or %d are on or ended within the last day, which is the most", alert.MostMutes, alert.MostListed))
	}
	s.Log.ErrorContext(ctx, "Mutes not read or changed", "error", err)
	return unavailable("the ledger does not answer now, so it is not known whether a change was kept: look at GET /mutes before you send it again")
}

// newMute is what a body asks for.
type newMute struct {
	mute  alert.Mute
	hours int
}

// newMutes lists the members of a mute.
func newMutes(caller identity.Subject) object[newMute] {
	return object[newMute]{name: "MuteSchema", members: []member[newMute]{
		{
			"id", false, nullable(&huma.Schema{Type: huma.TypeString, Format: "uuid", Description: "The mute's id, if the call may have to be sent again", Examples: []any{"0193a2b4-0000-7000-8000-000000000001"}}),
			func(v *strictjson.Value, m *newMute) {
				id, err := uuid.Parse(v.Literal())
				if err != nil {
					v.Fault("must be a UUID")
				}
				m.mute.ID = id.String()
			},
		},
		byName(caller, "by", alert.MaxBy, "Who mutes them", func(m *newMute, name string) { m.mute.By = name }),
		{
			"type", false, nullable(choice("Only alerts of this type; all types if it is left out", words(alert.Types)...)),
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
			"hours", true, wholeNumber(alert.LeastMute, alert.MostMute, "For how long"),
			func(v *strictjson.Value, m *newMute) { m.hours = readInteger(v, alert.LeastMute, alert.MostMute) },
		},
		{
			"reason", true, requiredText(alert.MaxNote, "Why: the delivery log of each muted alert has it", "load test"),
			func(v *strictjson.Value, m *newMute) { m.mute.Reason = card.Redact(v.Literal()) },
		},
	}}
}
