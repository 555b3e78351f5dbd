package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/ledger"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/internal/strictjson"
)

// maxListValue bounds an entry's value: the longest is a value of metadata or a mail address.
const maxListValue = 500

// entriesRequest describes GET /rules/lists/{name}/entries for huma. The parameters are read by readParameters; the fields only
// describe them.
type entriesRequest struct {
	Name    string `path:"name" doc:"The list's name" example:"blocked_customers"`
	Search  string `query:"search" doc:"Only entries whose value or reason has this in it, in small letters or capitals" example:"c-66"`
	Removed string `query:"removed" doc:"true for those that were removed too"`
	Cursor  string `query:"cursor" doc:"The value of next in an earlier answer: asks for the page after that one"`
	Limit   string `query:"limit" doc:"The largest number of entries on a page, 1 to 200; 50 by default"`

	RawQuery
}

// listEntries is a page of a list's entries.
type listEntries struct {
	List    ruleset.List        `json:"list"`
	Entries []ruleset.ListEntry `json:"entries" nullable:"false"`
	Next    string              `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one"`
}

type addEntryRequest struct {
	Name    string `path:"name" doc:"The list's name" example:"blocked_customers"`
	RawBody []byte `contentType:"application/json"`
}

// removeEntryRequest has its reason in the query, since bodies of DELETE get lost on the way.
type removeEntryRequest struct {
	Name   string `path:"name" doc:"The list's name" example:"blocked_customers"`
	Entry  int64  `path:"entry" minimum:"1" doc:"The entry's number"`
	Reason string `query:"reason" doc:"Why it is removed" example:"the customer has called"`

	RawQuery
}

func (s *server) registerLists(api huma.API) {
	const path = "/rules/lists/{name}/entries"
	huma.Register(api, s.soon(s.lists, huma.Operation{
		OperationID: "listEntries",
		Method:      http.MethodGet,
		Path:        path,
		Summary:     "List the entries of a list of the ruleset",
		Description: "The newest first, in pages; the entries of a file in the order of their values, and without their comments. Lists are for all merchants, so this needs its scope for all of them, as do the operations below.",
		Tags:        []string{"rules"},
		Errors:      []int{403, 404, 409, 422, 503},
	}), answering(s.listEntries))
	operation := api.OpenAPI().Paths[path].Get
	describeParameter(operation, "search", huma.Schema{MinLength: new(1), MaxLength: new(maxListValue)})
	describeParameter(operation, "removed", huma.Schema{Type: huma.TypeBoolean})
	describePages(operation)
	huma.Register(api, s.soon(s.short, takesBody(MaxBody, huma.Operation{
		OperationID:   "addListEntry",
		Method:        http.MethodPost,
		Path:          path,
		Summary:       "Add to a list of the ruleset",
		Description:   "The entry counts within five seconds, in all processes, for transactions that are decided from then on. The list has to be kept in the database. A card goes on a list by its fingerprint, or by one of its transactions.",
		Tags:          []string{"rules"},
		DefaultStatus: http.StatusCreated,
		Errors:        []int{403, 404, 409, 422, 503},
	})), answering(s.addEntry))
	describeBody(api.OpenAPI(), api.OpenAPI().Paths[path].Post, newEntries, `{"value": "c-666", "reason": "chargeback 4711", "expires": "90d"}`)
	huma.Register(api, s.soon(s.short, huma.Operation{
		OperationID: "removeListEntry",
		Method:      http.MethodDelete,
		Path:        path + "/{entry}",
		Summary:     "Remove an entry from a list of the ruleset",
		Description: "It counts no longer, within five seconds. It is kept with the reason, so that earlier decisions can be explained.",
		Tags:        []string{"rules"},
		Errors:      []int{403, 404, 409, 422, 503},
	}), answering(s.removeEntry))
	operation = api.OpenAPI().Paths[path+"/{entry}"].Delete
	describeParameter(operation, "reason", huma.Schema{MinLength: new(1), MaxLength: new(maxReason)})
	operation.Parameters[slices.IndexFunc(operation.Parameters, func(p *huma.Param) bool { return p.Name == "reason" })].Required = true
}

// maxReason bounds why an entry is added or removed.
const maxReason = 500

// listOf returns a list of the rulesets in use, and its entries if it is a file.
func (s *server) listOf(ctx context.Context, name string) (ruleset.List, []string, *Problem) {
	if p := forAll(ctx); p != nil {
		return ruleset.List{}, nil, p
	}
	if p := s.withoutRules(); p != nil {
		return ruleset.List{}, nil, p
	}
	visitorOf(ctx).object = "list " + card.Redact(name)
	found, entries, err := s.Rules.List(ctx, name)
	switch {
	case errors.Is(err, ruleset.ErrNoList):
		return found, nil, problem(http.StatusNotFound, err.Error()+": GET /rules shows all")
	case err != nil:
		return found, nil, s.rulesProblem(ctx, err)
	}
	return found, entries, nil
}

// changeable returns a list whose entries are kept in the database.
func (s *server) changeable(ctx context.Context, name string) (ruleset.List, *Problem) {
	list, _, p := s.listOf(ctx, name)
	if p != nil || list.InDatabase() {
		return list, p
	}
	where := " in the folder of the ruleset"
	if s.Rulesets != nil {
		where = ", and propose a version of the ruleset"
	}
	return list, problem(http.StatusConflict, "the list is a file: change "+list.File+where+", or have the list kept in the database (from: database)")
}

func (s *server) listEntries(ctx context.Context, r *entriesRequest) (answer listEntries, _ error) {
	p, err := readParameters(r.sent.RawQuery, "search", "removed", "cursor", "limit")
	if err != nil {
		return answer, err
	}
	q := ruleset.EntryQuery{Search: p.text("search", maxListValue), Removed: p.flag("removed"), Before: p.number("cursor"), Limit: p.wholeNumber("limit", defaultLimit, maxLimit)}
	if err := p.problem("the entries cannot be listed so: see errors"); err != nil {
		return answer, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	list, written, refused := s.listOf(ctx, r.Name)
	if refused != nil {
		return answer, refused
	}
	answer = listEntries{List: list, Entries: []ruleset.ListEntry{}}
	if list.InDatabase() {
		err = s.keptEntries(ctx, q, &answer)
	} else {
		answer.written(q, written)
	}
	if err != nil {
		return answer, s.listProblem(ctx, err)
	}
	visitorOf(ctx).shown = fmt.Sprintf("%d entries", len(answer.Entries))
	return answer, nil
}

// keptEntries adds a page of entries in the database.
func (s *server) keptEntries(ctx context.Context, q ruleset.EntryQuery, page *listEntries) error {
	limit := q.Limit
	q.List, q.Of = page.List.Name, page.List.Of
	q.Limit++ // which shows whether there is a next page
	all, err := s.Lists.Entries(ctx, q)
	if err != nil {
		return err
	}
	if len(all) > limit {
		all, page.Next = all[:limit], strconv.FormatInt(all[limit-1].Number, 10)
	}
	page.Entries = append(page.Entries, all...)
	return nil
}

// written adds a page of the entries of a file. A cursor says how many came before.
func (page *listEntries) written(q ruleset.EntryQuery, all []string) {
	for i, value := range all {
		switch {
		case int64(i) < q.Before || !strings.Contains(strings.ToLower(value), strings.ToLower(q.Search)):
		case len(page.Entries) == q.Limit:
			page.Next = strconv.Itoa(i)
			return
		default:
			page.Entries = append(page.Entries, ruleset.ListEntry{Value: value})
		}
	}
}

func (s *server) addEntry(ctx context.Context, r *addEntryRequest) (e ruleset.ListEntry, _ error) {
	asked, err := readBody(r.RawBody, newEntries, "the entry")
	if err != nil {
		return e, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	list, refused := s.changeable(ctx, r.Name)
	if refused != nil {
		return e, refused
	}
	value, refused := s.valueOf(ctx, list, asked)
	if refused != nil {
		return e, refused
	}
	now := time.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	e = ruleset.ListEntry{List: list.Name, Of: list.Of, Value: value, Reason: asked.reason, By: nameOf(subjectOf(ctx)), At: now}
	if asked.expires > 0 {
		e.Expires = now.Add(asked.expires)
	}
	err = s.changed(ctx, audit.Entry{Object: "list " + list.Name}, http.StatusCreated, s.listProblem, func(kept *audit.Entry) (err error) {
		if e, err = s.Lists.AddEntry(ctx, e); err == nil {
			kept.After = entryInWords(e)
		}
		return err
	})
	return e, err
}

// valueOf returns the value of a new entry as its list compares it: the one that was sent, or that of a transaction.
func (s *server) valueOf(ctx context.Context, list ruleset.List, asked newEntry) (string, *Problem) {
	wrong := func(pointer, detail string) *Problem {
		return invalid("the entry", []strictjson.Fault{{Pointer: pointer, Detail: detail}})
	}
	switch {
	case asked.value == "" && asked.transaction == "":
		return "", wrong("/value", "must be given, or transaction in its place")
	case asked.value != "" && asked.transaction != "":
		return "", wrong("/transaction", "must be left out beside value")
	case asked.value != "":
		value, err := s.Rules.Spell(list.Of, asked.value)
		if err != nil {
			return "", wrong("/value", strings.Replace(err.Error(), strconv.Quote(asked.value), "this", 1))
		}
		return value, nil
	}
	const unknown = "must be the transactionID of a transaction in the ledger"
	id, err := uuid.Parse(asked.transaction)
	if err != nil {
		return "", wrong("/transaction", unknown)
	}
	found, err := s.Ledger.Find(ctx, merchantsOf(ctx), id.String())
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return "", wrong("/transaction", unknown)
	case err != nil:
		return "", s.ledgerAway(ctx, err)
	}
	value := s.Rules.ListValue(list.Of, found.Transaction)
	if value == "" {
		return "", wrong("/transaction", "has no "+list.Of)
	}
	return value, nil
}

// entryInWords describes an entry for the audit trail, without its value.
func entryInWords(e ruleset.ListEntry) string {
	text := fmt.Sprintf("entry %d", e.Number)
	if !e.Expires.IsZero() {
		text += " until " + e.Expires.Format(time.RFC3339)
	}
	return text + ": " + e.Reason
}

func (s *server) removeEntry(ctx context.Context, r *removeEntryRequest) (removed ruleset.ListEntry, _ error) {
	p, err := readParameters(r.sent.RawQuery, "reason")
	if err != nil {
		return removed, err
	}
	removed = ruleset.ListEntry{Number: r.Entry, RemovedReason: p.reason(), RemovedBy: nameOf(subjectOf(ctx)), RemovedAt: time.Now().UTC().Truncate(time.Microsecond)}
	if err := p.problem("the entry cannot be removed so: see errors"); err != nil {
		return removed, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	list, refused := s.changeable(ctx, r.Name)
	if refused != nil {
		return removed, refused
	}
	removed.List, removed.Of = list.Name, list.Of
	object := fmt.Sprintf("list %s, entry %d", list.Name, removed.Number)
	err = s.changed(ctx, audit.Entry{Object: object, After: "removed: " + removed.RemovedReason}, http.StatusOK, s.listProblem, func(kept *audit.Entry) (err error) {
		if removed, err = s.Lists.RemoveEntry(ctx, removed); err == nil {
			kept.Before = entryInWords(removed)
		}
		return err
	})
	return removed, err
}

// reason returns why something is done.
func (p *parameters) reason() string {
	text := card.Redact(clean(p.values.Get("reason")))
	if fault := textFault(text, reasonSchema); fault != "" {
		p.wrong("reason", fault)
	}
	return text
}

// number returns a number from 1 on, or 0 if the parameter is absent.
func (p *parameters) number(name string) int64 {
	text := p.values.Get(name)
	number, err := strconv.ParseInt(text, 10, 64)
	if text != "" && (err != nil || number < 1) {
		p.wrong(name, foreignCursor)
	}
	return number
}

// listProblem returns the reason why entries of lists are not read or changed.
func (s *server) listProblem(ctx context.Context, err error) *Problem {
	known, isListed := errors.AsType[*ruleset.ListedError](err)
	switch {
	case isListed:
		return problem(http.StatusConflict, fmt.Sprintf("%v, by entry %d: remove that first, to change its reason or when it expires", known, known.Entry.Number))
	case errors.Is(err, ruleset.ErrNoEntry):
		return problem(http.StatusNotFound, ruleset.ErrNoEntry.Error())
	case errors.Is(err, ruleset.ErrMayNotChange):
		return problem(http.StatusServiceUnavailable, "this process may not change lists: do it on the desk, whose user of the ledger's database may")
	}
	s.Log.ErrorContext(ctx, "Entries of a list not read or changed", "error", err)
	return unavailable("the lists in the database do not answer now, so it is not known whether a change " +
		"was kept: look at the entries of the list before you send it again")
}

// newEntry is what a body asks of a new entry.
type newEntry struct {
	value, transaction, reason string
	expires                    time.Duration
}

var reasonSchema = requiredText(maxReason, "Why", "chargeback 4711")

var newEntries = object[newEntry]{name: "EntrySchema", members: []member[newEntry]{
	{
		"value", false, nullable(requiredText(maxListValue, "What the list is to hold: a value of the kind that it looks up", "c-666")),
		func(v *strictjson.Value, e *newEntry) { e.value = v.Literal() },
	},
	{
		"transaction", false, nullable(requiredText(transaction.MaxID, "In place of value: a transactionID, whose card, customer or address is meant", "01990000-0000-7000-8000-000000000001")),
		func(v *strictjson.Value, e *newEntry) { e.transaction = v.Literal() },
	},
	{"reason", true, reasonSchema, func(v *strictjson.Value, e *newEntry) { e.reason = card.Redact(clean(v.Literal())) }},
	{
		"expires", false, nullable(spanSchema("How long it counts. Without it, until it is removed", "90d")),
		func(v *strictjson.Value, e *newEntry) { e.expires = readSpan(v) },
	},
}}
