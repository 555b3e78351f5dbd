package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/domain/ruleset"
	"dummyorders/internal/strictjson"
)

// maxVersions is how many versions a list has at most.
const maxVersions = 50

// versionsRequest describes GET /rules/versions for huma. readParameters reads the parameter; the field only describes it.
type versionsRequest struct {
	Before string `query:"before" doc:"Versions with lower numbers than this one: the next page"`

	RawQuery
}

type ruleVersions struct {
	Versions []ruleset.Version `json:"versions" nullable:"false"`
	Deciding int64             `json:"deciding" doc:"The number of the version that decides, or 0 as long as none is approved: then the ruleset of FRAUD_RULESET does"`
}

type versionRequest struct {
	Number int64 `path:"number" minimum:"1" doc:"The version's number"`
}

func (s *server) registerVersions(api huma.API) {
	const path = "/rules/versions"
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "listRuleVersions",
		Method:      http.MethodGet,
		Path:        path,
		Summary:     "List the versions of the ruleset",
		Description: "What was proposed and published, the newest first, at most 50. It needs RULES_FROM=database, and the scope for all merchants, as do the operations below.",
		Tags:        []string{"rules"},
		Errors:      []int{403, 409, 422, 503},
	}), answering(s.versions))
	describeParameter(api.OpenAPI().Paths[path].Get, "before", huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: new(1.0)})
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "getRuleVersion",
		Method:      http.MethodGet,
		Path:        path + "/{number}",
		Summary:     "Read a version of the ruleset",
		Description: "The version with its files.",
		Tags:        []string{"rules"},
		Errors:      []int{403, 404, 409, 422, 503},
	}), answering(s.version))
	huma.Register(api, s.soon(s.lists, takesBody(maxRulesetBody, huma.Operation{
		OperationID:   "proposeRules",
		Method:        http.MethodPost,
		Path:          path,
		Summary:       "Propose a version of the ruleset",
		Description:   "Keeps a ruleset without faults whose cases pass. It decides once it is approved. To go back to an earlier version, propose its files again.",
		Tags:          []string{"rules"},
		DefaultStatus: http.StatusCreated,
		Errors:        []int{403, 409, 422, 503},
	})), answering(s.propose))
	describeBody(api.OpenAPI(), api.OpenAPI().Paths[path].Post, proposals,
		`{"note": "a limit for dollars", "files": {"ruleset.yaml": "id: mine\nversion: 2\n…", "rules/amounts.yaml": "rules:\n…"}}`)
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "approveRules",
		Method:      http.MethodPost,
		Path:        path + "/{number}/approve",
		Summary:     "Have a version of the ruleset decide",
		Description: "The version decides within five seconds, in all processes. Unless RULES_FOUR_EYES is false, a person has to approve who has not proposed it.",
		Tags:        []string{"rules"},
		Errors:      []int{403, 404, 409, 422, 503},
	}), answering(s.approve))
}

// withoutVersions is the answer to those who may not publish, and where nothing can be published.
func (s *server) withoutVersions(ctx context.Context) *Problem {
	if p := cmp.Or(forAll(ctx), s.withoutRules()); p != nil {
		return p
	}
	if s.Rulesets == nil {
		return problem(http.StatusConflict, "the ruleset is a folder of files here (RULES_FROM=files): change the files there")
	}
	return nil
}

// versionProblem returns the reason why versions cannot be read or written.
func (s *server) versionProblem(ctx context.Context, err error) *Problem {
	switch {
	case errors.Is(err, ruleset.ErrNotFound):
		return problem(http.StatusNotFound, err.Error())
	case errors.Is(err, ruleset.ErrApproved):
		return problem(http.StatusConflict, err.Error())
	case errors.Is(err, ruleset.ErrMayNotChange):
		return problem(http.StatusServiceUnavailable, "this process may not publish rulesets: do it on the desk, whose user of the ledger's database may")
	}
	s.Log.ErrorContext(ctx, "Versions of the ruleset not read or written", "error", err)
	return unavailable("the versions of the ruleset cannot be read or written now: the log says why")
}

func (s *server) versions(ctx context.Context, r *versionsRequest) (answer ruleVersions, err error) {
	if p := s.withoutVersions(ctx); p != nil {
		return answer, p
	}
	p, err := readParameters(r.sent.RawQuery, "before")
	if err != nil {
		return answer, err
	}
	before := p.wholeNumber("before", math.MaxInt, math.MaxInt)
	if err := p.problem("the versions cannot be listed so: see errors"); err != nil {
		return answer, err
	}
	if answer.Versions, err = s.Rulesets.Versions(ctx, int64(before), maxVersions); err != nil {
		return answer, s.versionProblem(ctx, err)
	}
	if answer.Deciding, err = s.Rulesets.Deciding(ctx); err != nil {
		return answer, s.versionProblem(ctx, err)
	}
	return answer, nil
}

func (s *server) version(ctx context.Context, r *versionRequest) (ruleset.Version, error) {
	if p := s.withoutVersions(ctx); p != nil {
		return ruleset.Version{}, p
	}
	visitorOf(ctx).object = versionName(r.Number)
	found, err := s.Rulesets.Version(ctx, r.Number)
	if err != nil {
		return found, s.versionProblem(ctx, err)
	}
	return found, nil
}

func versionName(number int64) string { return fmt.Sprintf("ruleset, number %d", number) }

func (s *server) propose(ctx context.Context, r *bodyRequest) (proposed ruleset.Version, _ error) {
	if p := s.withoutVersions(ctx); p != nil {
		return proposed, p
	}
	q, err := readBody(r.RawBody, proposals, "the ruleset")
	if err != nil {
		return proposed, err
	}
	found := s.Rules.Check(q.Files)
	if !found.Sound() {
		return proposed, faultyProblem(&ruleset.FaultyError{Findings: found})
	}
	proposed = ruleset.Version{
		Digest: found.Ruleset.Digest, Note: q.note, By: nameOf(subjectOf(ctx)), At: time.Now().UTC().Truncate(time.Microsecond), Files: q.Files,
	}
	err = s.changed(ctx, audit.Entry{Object: found.Ruleset.String(), After: proposed.Digest}, http.StatusCreated, s.versionProblem, func(*audit.Entry) (err error) {
		proposed, err = s.Rulesets.Propose(ctx, proposed)
		return err
	})
	return proposed, err
}

// nameOf returns the name under which a version is kept.
func nameOf(caller identity.Subject) string {
	return cmp.Or(caller.Name, string(caller.Kind))
}

func (s *server) approve(ctx context.Context, r *versionRequest) (v ruleset.Version, err error) {
	if p := s.withoutVersions(ctx); p != nil {
		return v, p
	}
	if v, err = s.Rulesets.Version(ctx, r.Number); err != nil {
		return v, s.versionProblem(ctx, err)
	}
	caller := subjectOf(ctx)
	switch {
	case s.OneApproves:
	case caller.Kind != identity.Person:
		return v, problem(http.StatusForbidden, "a person has to approve this, who has signed in (RULES_FOUR_EYES)")
	case caller.Name == v.By:
		return v, problem(http.StatusForbidden, "you have proposed this version, and another person has to approve it (RULES_FOUR_EYES)")
	}
	err = s.changed(ctx, audit.Entry{Object: versionName(r.Number), After: v.Digest}, http.StatusOK, s.versionProblem, func(e *audit.Entry) (err error) {
		if used, err := s.Rules.InUse(ctx); err == nil {
			e.Before = used.Deciding.Digest
		}
		v, err = s.Rulesets.Approve(ctx, r.Number, nameOf(caller), time.Now().UTC().Truncate(time.Microsecond))
		return err
	})
	return v, err
}

// proposal is a ruleset's files, and what was changed.
type proposal struct {
	rulesetFiles

	note string
}

var proposals = object[proposal]{name: "ProposalSchema", members: []member[proposal]{
	{"note", false, noteSchema, func(v *strictjson.Value, p *proposal) { p.note = card.Redact(clean(v.Literal())) }},
	{
		"files", true, rulesetBodies.members[0].schema,
		func(v *strictjson.Value, p *proposal) { rulesetBodies.members[0].read(v, &p.rulesetFiles) },
	},
}}
