package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
)

// Sessions knows who is signed in at the desk.
type Sessions interface {
	// Open returns the open sessions of all persons, the latest sign-in first.
	Open(ctx context.Context) ([]identity.Session, error)
	// End ends a session. It fails with identity.ErrNotFound if it has ended before.
	End(ctx context.Context, id string) error
}

const sessionsDescription = "Who is signed in at the desk, the latest sign-in first: the caller's own sessions, and those of all persons for a caller with " +
	"the scope admin for all merchants. Every caller may ask. A client has no sessions of its own."

type sessionRequest struct {
	ID string `path:"id" doc:"The id of the session"`
}

// sessionsAnswer is all sessions that the caller may end.
type sessionsAnswer struct {
	Sessions []identity.Session `json:"sessions" nullable:"false"`
}

func (s *server) registerSessions(api huma.API) {
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "listSessions",
		Method:      http.MethodGet,
		Path:        "/sessions",
		Summary:     "List sessions",
		Description: sessionsDescription,
		Tags:        []string{"sessions"},
		Errors:      []int{503},
	}), answering(s.listSessions))
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "endSession",
		Method:      http.MethodPost,
		Path:        "/sessions/{id}/end",
		Summary:     "End a session",
		Description: "Signs a person out of the desk, at once and at every desk. It is for the sessions that GET /sessions lists, and answers with the one that it has ended.",
		Tags:        []string{"sessions"},
		Errors:      []int{404, 503},
	}), answering(s.endSession))
}

func (s *server) listSessions(ctx context.Context, _ *struct{}) (answer sessionsAnswer, _ error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	mine, p := s.sessionsOf(ctx)
	if p != nil {
		return answer, p
	}
	visitorOf(ctx).shown = strconv.Itoa(len(mine)) + " sessions"
	return sessionsAnswer{mine}, nil
}

func (s *server) endSession(ctx context.Context, r *sessionRequest) (ended identity.Session, _ error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	mine, p := s.sessionsOf(ctx)
	if p != nil {
		return ended, p
	}
	at := slices.IndexFunc(mine, func(of identity.Session) bool { return of.ID == r.ID })
	if at < 0 {
		return ended, s.sessionsProblem(ctx, identity.ErrNotFound)
	}
	ended = mine[at]
	return ended, s.changed(ctx, audit.Entry{Object: ended.String()}, http.StatusOK, s.sessionsProblem, func(*audit.Entry) error { return s.Sessions.End(ctx, ended.ID) })
}

// sessionsOf returns the sessions that the caller may end.
func (s *server) sessionsOf(ctx context.Context) ([]identity.Session, *Problem) {
	all, err := s.Sessions.Open(ctx)
	if err != nil {
		s.Log.ErrorContext(ctx, "Sessions not read", "error", err)
		return nil, unavailable("the ledger does not answer now; no session was ended, and the request can safely be sent again")
	}
	caller, mine := subjectOf(ctx), []identity.Session{}
	for _, of := range all {
		if caller.For(identity.Admin).All() || caller.Kind == identity.Person && caller.Name == of.Person {
			of.Own = of.ID == caller.Session
			mine = append(mine, of)
		}
	}
	return mine, nil
}

// sessionsProblem returns the reason why a session was not ended.
func (s *server) sessionsProblem(ctx context.Context, err error) *Problem {
	if errors.Is(err, identity.ErrNotFound) {
		return problem(http.StatusNotFound, "no such session, or it has ended already: GET /sessions lists those that are open")
	}
	s.Log.ErrorContext(ctx, "Session not ended", "error", err)
	return unavailable("the ledger does not answer now, so it is not known whether the session was ended: look at GET /sessions before you send it again")
}
