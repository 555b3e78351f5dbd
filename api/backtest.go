package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/audit"
	"dummyorders/domain/ruleset"
	"dummyorders/internal/strictjson"
)

const startBacktestDescription = "Decides again about the transactions of the caller's merchants in the last days, with another ruleset. Ask at Location how far it is, " +
	"and for the report. It runs in the process that was asked. An api keeps its latest backtests until it ends, and the desks keep theirs for a day. It is bounded in " +
	"time and in how much it reads, and a caller has one run at a time; for more there is orders rules backtest. Nothing is changed."

type backtestStarted struct {
	Location   string `header:"Location" doc:"Where to ask how far it is, and for the report"`
	RetryAfter string `header:"Retry-After" doc:"After how many seconds to ask"`
	Body       ruleset.Backtest
}

type backtestRequest struct {
	ID string `path:"id" doc:"The id of the answer to POST /rules/backtests"`
}

func (s *server) registerBacktests(api huma.API) {
	huma.Register(api, s.soon(s.lists, takesBody(maxRulesetBody, huma.Operation{
		OperationID:   "startBacktest",
		Method:        http.MethodPost,
		Path:          "/rules/backtests",
		Summary:       "Decide about past transactions with another ruleset",
		Description:   startBacktestDescription,
		Tags:          []string{"rules"},
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{409, 422, 503},
	})), s.startBacktest)
	describeBody(api.OpenAPI(), api.OpenAPI().Paths["/rules/backtests"].Post, backtestBodies,
		`{"days": 7, "files": {"ruleset.yaml": "id: mine\nversion: 1\n…", "rules/amounts.yaml": "rules:\n…"}}`)
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "getBacktest",
		Method:      http.MethodGet,
		Path:        "/rules/backtests/{id}",
		Summary:     "Look at a backtest",
		Description: "How far a backtest is, and its report once it is done.",
		Tags:        []string{"rules"},
		Errors:      []int{404, 409, 503},
	}), answering(s.backtest))
}

func (s *server) startBacktest(ctx context.Context, r *bodyRequest) (*backtestStarted, error) {
	q, err := readBody(r.RawBody, backtestBodies, "the backtest")
	if err != nil {
		return nil, err
	}
	if p := s.withoutRules(); p != nil {
		return nil, p
	}
	var started ruleset.Backtest
	err = s.changed(ctx, audit.Entry{Object: fmt.Sprintf("a ruleset, %d days", q.days)}, http.StatusAccepted, startProblem, func(*audit.Entry) (err error) {
		started, err = s.Rules.StartBacktest(subjectOf(ctx).String(), merchantsOf(ctx), q.Files, q.days)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &backtestStarted{Location: "/rules/backtests/" + started.ID, RetryAfter: retryAfterPending, Body: started}, nil
}

// startProblem returns the reason why a backtest was not begun.
func startProblem(ctx context.Context, err error) *Problem {
	if faulty, is := errors.AsType[*ruleset.FaultyError](err); is {
		return faultyProblem(faulty)
	}
	return limited(ctx, "backtests", retryAfterReview, err.Error()+"; try again later")
}

// faultyProblem says what is wrong with a ruleset, each fault with its place.
func faultyProblem(of *ruleset.FaultyError) *Problem {
	p := problem(http.StatusUnprocessableEntity, of.Error()+": POST /rules/check shows them")
	for _, f := range of.Findings.Faults {
		place := f.File
		if f.Line > 0 {
			place += ":" + strconv.Itoa(f.Line)
		}
		p.Errors = append(p.Errors, Fault{Pointer: "#/files", Detail: place + ": " + f.Text})
	}
	return p
}

func (s *server) backtest(ctx context.Context, r *backtestRequest) (found ruleset.Backtest, err error) {
	if p := s.withoutRules(); p != nil {
		return found, p
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	found, err = s.Rules.Backtest(ctx, merchantsOf(ctx), r.ID)
	switch {
	case errors.Is(err, ruleset.ErrNoBacktest):
		return found, problem(http.StatusNotFound, "no such backtest: an api shows its own latest ones until it ends, and the desks show theirs for a day")
	case err != nil:
		return found, s.rulesProblem(ctx, err)
	}
	return found, nil
}

// backtestBody is a ruleset's files, and how many days to look back.
type backtestBody struct {
	rulesetFiles

	days int
}

// maxDays bounds how far back a backtest looks.
const maxDays = 90

var backtestBodies = object[backtestBody]{name: "BacktestSchema", members: []member[backtestBody]{
	{
		"days", true, wholeNumber(1, maxDays, "How many days to look back"),
		func(v *strictjson.Value, b *backtestBody) { b.days = readInteger(v, 1, maxDays) },
	},
	{
		"files", true, rulesetBodies.members[0].schema,
		func(v *strictjson.Value, b *backtestBody) { rulesetBodies.members[0].read(v, &b.rulesetFiles) },
	},
}}
