package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/internal/strictjson"
)

// Rules shows, tries and checks rulesets. It changes no decision.
type Rules interface {
	InUse(ctx context.Context) (ruleset.InUse, error)
	// Files returns the files of the ruleset that decides.
	Files(ctx context.Context) (ruleset.Files, error)
	// Try decides about a transaction as of a time, from what its decision has recorded, which may be nil, and, if past is true, from what
	// was counted before it. Other values are 0.
	Try(ctx context.Context, t transaction.Transaction, at time.Time, decided *fraud.Explanation, past bool) (ruleset.Trial, error)
	Check(files ruleset.Files) ruleset.Findings
	// List returns a list of the rulesets in use, and its entries if it is a file. It fails with ruleset.ErrNoList.
	List(ctx context.Context, name string) (ruleset.List, []string, error)
	// Spell returns an entry of lists of a value as they compare it, or an error that says what would be right.
	Spell(of, entry string) (string, error)
	// ListValue returns what a list of that value looks up for a transaction, as an entry. It is empty if the transaction has none.
	ListValue(of string, t transaction.Transaction) string
	// StartBacktest begins to decide again about the transactions of these merchants in the last days. It fails with a
	// *ruleset.FaultyError, or with ruleset.ErrBusy, or with ruleset.ErrOneRuns while one of the same caller runs.
	StartBacktest(by string, of identity.Merchants, files ruleset.Files, days int) (ruleset.Backtest, error)
	// Backtest returns a backtest of these merchants. It fails with ruleset.ErrNoBacktest if there is none of that id.
	Backtest(ctx context.Context, of identity.Merchants, id string) (ruleset.Backtest, error)
}

// maxRulesetBody is the largest body with a ruleset's files: as JSON they may be twice as long.
const maxRulesetBody = 2 * ruleset.MaxSize

// rulesetFiles are the files of a ruleset in a body.
type rulesetFiles struct {
	Files ruleset.Files `json:"files" doc:"The texts of the ruleset's files, by their paths"`
}

// tryRequest describes POST /rules/try for huma. readParameters reads the parameters; the fields only describe them.
type tryRequest struct {
	Merchant string `query:"merchant" doc:"Whose transaction it is, since counts are a merchant's own; the caller's by default"`
	History  string `query:"history" doc:"Count what came before it, in the ledger's database. Otherwise all counted values are 0"`
	RawBody  []byte `contentType:"application/json"`

	RawQuery
}

func (s *server) registerRules(api huma.API) {
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "getRules",
		Method:      http.MethodGet,
		Path:        "/rules",
		Summary:     "Look at the rules",
		Description: "The ruleset that decides, and the one in shadow: each rule in words, its text, and what it is worth.",
		Tags:        []string{"rules"},
		Errors:      []int{409, 503},
	}), answering(s.rulesInUse))
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "getRulesFiles",
		Method:      http.MethodGet,
		Path:        "/rules/files",
		Summary:     "Read the files of the ruleset that decides",
		Description: "The texts to begin a change with, with the entries of lists. It needs the scope for all merchants: a ruleset decides for all.",
		Tags:        []string{"rules"},
		Errors:      []int{403, 409, 503},
	}), answering(s.rulesFiles))
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "retryTransaction",
		Method:      http.MethodGet,
		Path:        "/rules/try/{id}",
		Summary:     "Decide about a transaction of the ledger once more",
		Description: "What the ruleset that decides now says about a transaction as of its start, with the explanation and without any effect. " +
			"The values that were recorded with its decision count; others are counted from the ledger's database.",
		Tags:   []string{"rules"},
		Errors: []int{404, 409, 503},
	}), answering(s.tryKnown))
	huma.Register(api, s.soon(s.short, takesBody(MaxBody, huma.Operation{
		OperationID: "tryTransaction",
		Method:      http.MethodPost,
		Path:        "/rules/try",
		Summary:     "Decide about a transaction without any effect",
		Description: "Takes the body of POST /transact, and answers what the ruleset that decides says about it, with the explanation. Nothing is stored, counted or paid.",
		Tags:        []string{"rules"},
		Errors:      []int{404, 409, 422, 503},
	})), answering(s.tryTyped))
	operation := api.OpenAPI().Paths["/rules/try"].Post
	describeParameter(operation, "merchant", huma.Schema{Pattern: namePattern})
	describeParameter(operation, "history", huma.Schema{Type: huma.TypeBoolean, Default: true})
	describeBody(api.OpenAPI(), operation, transactions, SeedExample)
	huma.Register(api, s.soon(s.lists, takesBody(maxRulesetBody, huma.Operation{
		OperationID: "checkRules",
		Method:      http.MethodPost,
		Path:        "/rules/check",
		Summary:     "Check a ruleset, and run its cases",
		Description: "Says everything that is wrong with a ruleset's files, and where. If nothing is, its cases are run. Nothing is stored.",
		Tags:        []string{"rules"},
		Errors:      []int{409, 422},
	})), answering(s.checkRules))
	describeBody(api.OpenAPI(), api.OpenAPI().Paths["/rules/check"].Post, rulesetBodies, `{"files": {"ruleset.yaml": "id: mine\nversion: 1\n…", "rules/amounts.yaml": "rules:\n…"}}`)
}

// withoutRules is the answer where no rules decide.
func (s *server) withoutRules() *Problem {
	if s.Rules == nil {
		return problem(http.StatusConflict, "no rules decide here: FRAUD_DETECTOR names another detector")
	}
	return nil
}

// rulesProblem returns the reason why rules cannot be shown or tried.
func (s *server) rulesProblem(ctx context.Context, err error) *Problem {
	if errors.Is(err, ruleset.ErrOtherFiles) {
		return problem(http.StatusConflict, err.Error())
	}
	s.Log.ErrorContext(ctx, "Rules not shown or tried", "error", err)
	return unavailable("the rules, or what was counted before, cannot be read now: the log says why. " +
		"On PostgreSQL only the desk's user may read what was counted; with history=false it is not needed")
}

// forAll refuses callers who have the scope for some merchants only.
func forAll(ctx context.Context) *Problem {
	if !merchantsOf(ctx).All() {
		return problem(http.StatusForbidden, "a ruleset decides for all merchants, and so this needs its scope for all of them")
	}
	return nil
}

func (s *server) rulesInUse(ctx context.Context, _ *struct{}) (used ruleset.InUse, err error) {
	if p := s.withoutRules(); p != nil {
		return used, p
	}
	if used, err = s.Rules.InUse(ctx); err != nil {
		return used, s.rulesProblem(ctx, err)
	}
	visitorOf(ctx).object = used.Deciding.Digest
	return used, nil
}

func (s *server) rulesFiles(ctx context.Context, _ *struct{}) (answer rulesetFiles, err error) {
	if p := cmp.Or(s.withoutRules(), forAll(ctx)); p != nil {
		return answer, p
	}
	if answer.Files, err = s.Rules.Files(ctx); err != nil {
		return answer, s.rulesProblem(ctx, err)
	}
	return answer, nil
}

func (s *server) tryKnown(ctx context.Context, r *transactionRequest) (trial ruleset.Trial, _ error) {
	id, err := parseID(r.ID)
	if err != nil {
		return trial, err
	}
	if p := s.withoutRules(); p != nil {
		return trial, p
	}
	visitorOf(ctx).object = id
	found, err := s.Ledger.Find(ctx, merchantsOf(ctx), id)
	if errors.Is(err, ledger.ErrNotFound) {
		return trial, problem(http.StatusNotFound, "no such transaction in the ledger")
	}
	if err != nil {
		return trial, s.rulesProblem(ctx, err)
	}
	merchant, caller := identity.MerchantOf(found.Record.Merchant), subjectOf(ctx)
	visitorOf(ctx).merchant = merchant
	if trial, err = s.Rules.Try(ctx, found.Transaction, found.Record.StartTime, found.Record.Explanation, true); err != nil {
		return trial, s.rulesProblem(ctx, err)
	}
	if !caller.For(identity.Read).Has(merchant) && !caller.For(identity.Review).Has(merchant) {
		trial.Saw = map[string][]ruleset.Seen{} // the scope for rules alone does not show what was posted
	}
	return trial, nil
}

func (s *server) tryTyped(ctx context.Context, r *tryRequest) (trial ruleset.Trial, _ error) {
	p, err := readParameters(r.sent.RawQuery, "merchant", "history")
	if err != nil {
		return trial, err
	}
	merchant, history := p.name("merchant"), p.flag("history") || !p.values.Has("history")
	if err := p.problem("the transaction cannot be tried so: see errors"); err != nil {
		return trial, err
	}
	posted, _, err := s.reader.read(r.RawBody, "")
	if err != nil {
		return trial, err
	}
	of, subject := merchantsOf(ctx), subjectOf(ctx)
	posted.Merchant = cmp.Or(merchant, subject.Merchant)
	if names := of.Names(); posted.Merchant == "" && len(names) == 1 {
		posted.Merchant = names[0]
	}
	posted.Merchant = identity.MerchantOf(posted.Merchant)
	if !of.Has(posted.Merchant) {
		return trial, problem(http.StatusNotFound, "no such merchant: name one of yours in the parameter merchant")
	}
	if p := s.withoutRules(); p != nil {
		return trial, p
	}
	v := visitorOf(ctx)
	v.reads, v.merchant, v.object = true, posted.Merchant, "order "+posted.Order.ID
	posted.ID = "tried"
	if trial, err = s.Rules.Try(ctx, *posted, time.Now(), nil, history); err != nil {
		return trial, s.rulesProblem(ctx, err)
	}
	return trial, nil
}

func (s *server) checkRules(_ context.Context, r *bodyRequest) (ruleset.Findings, error) {
	sent, err := readBody(r.RawBody, rulesetBodies, "the ruleset")
	if err != nil {
		return ruleset.Findings{}, err
	}
	if p := s.withoutRules(); p != nil {
		return ruleset.Findings{}, p
	}
	return s.Rules.Check(sent.Files), nil
}

var rulesetBodies = object[rulesetFiles]{name: "RulesetSchema", members: []member[rulesetFiles]{{
	"files", true, &huma.Schema{
		Type: huma.TypeObject, MinProperties: new(1), MaxProperties: new(ruleset.MaxFiles), AdditionalProperties: &huma.Schema{Type: huma.TypeString},
		Description: fmt.Sprintf("The texts of the files by their paths, such as ruleset.yaml and rules/amounts.yaml; at most %d KiB in all", ruleset.MaxSize>>10),
	},
	func(v *strictjson.Value, into *rulesetFiles) {
		into.Files = ruleset.Files{}
		for _, name := range v.Names() {
			if file := v.Optional(name); file.Is(strictjson.String) {
				into.Files[name] = file.Literal()
			}
		}
		if wrong := into.Files.Wrong(); wrong != "" {
			v.Fault(wrong)
		}
	},
}}}
