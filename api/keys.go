package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/domain/velocity"
	"dummyorders/internal/strictjson"
)

// Clients manages merchants, and the keys of their clients. Its errors are identity.ErrNotFound, *identity.ConflictError and
// identity.ErrMayNotManage; any other means that the store does not answer.
type Clients interface {
	Merchants(ctx context.Context) ([]identity.Merchant, error)
	AddMerchant(ctx context.Context, m identity.Merchant) error
	// DisableMerchant has the keys of a merchant's clients refused from a time on, or not any more if the time is zero.
	DisableMerchant(ctx context.Context, name string, at time.Time) error
	Keys(ctx context.Context) ([]identity.Key, error)
	Key(ctx context.Context, name string) (identity.Key, error)
	AddKey(ctx context.Context, key identity.Key) error
	// RollKey adds a key for the client of a live key, which expires at a time, and returns both as they are then.
	RollKey(ctx context.Context, name string, next identity.Key, expires time.Time) (before, after identity.Key, err error)
	RevokeKey(ctx context.Context, name string, at time.Time) (identity.Key, error)
}

// defaultOverlap is how long a key goes on that was rolled.
const defaultOverlap = 24 * time.Hour

const keysDescription = "The keys of clients, by merchant, client and age: also those that open nothing any more. No secret is shown: " +
	"it is known to its client only. The list is whole, as each API process holds all keys in memory. " +
	"Clients in API_KEYS are not listed."

type (
	namedRequest struct {
		Name string `path:"name" doc:"The name of the merchant or of the key"`
	}
	// madeKeyResponse is kept by no cache: it has a secret.
	madeKeyResponse struct {
		CacheControl string `header:"Cache-Control"`
		Body         identity.MadeKey
	}
	rollRequest struct {
		Name    string `path:"name" doc:"The name of the client's present key"`
		RawBody []byte `contentType:"application/json"`
	}
)

// merchantsAnswer is all merchants that the caller manages.
type merchantsAnswer struct {
	Merchants []identity.ShownMerchant `json:"merchants" nullable:"false"`
}

// keysAnswer is all keys that the caller manages.
type keysAnswer struct {
	Keys []identity.ShownKey `json:"keys" nullable:"false"`
}

// keysRequest describes GET /keys for huma. The parameters are read by readParameters; the fields only describe them.
type keysRequest struct {
	Merchant string `query:"merchant" doc:"Only those of this merchant" example:"acme"`
	Client   string `query:"client" doc:"Only those of this client" example:"shop"`

	RawQuery
}

func (s *server) registerKeys(api huma.API) {
	read := func(id, path, summary, description string) huma.Operation {
		return s.soon(s.short, huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Description: description, Tags: []string{"keys"}, Errors: []int{422, 503},
		})
	}
	change := func(id, path string, status int, summary, description string) huma.Operation {
		return s.soon(s.short, huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: path, Summary: summary, Description: description, Tags: []string{"keys"},
			DefaultStatus: status, Errors: []int{404, 409, 503},
		})
	}
	send := func(id, path, summary, description string) huma.Operation {
		operation := takesBody(MaxBody, change(id, path, http.StatusCreated, summary, description))
		operation.Errors = append(operation.Errors, 422)
		return operation
	}
	huma.Register(api, read("listMerchants", "/merchants", "List merchants", "All merchants, by name."), answering(s.listMerchants))
	huma.Register(api, send("addMerchant", "/merchants", "Add a merchant", "It needs the scope for all merchants."), answering(s.addMerchant))
	huma.Register(api, change("disableMerchant", "/merchants/{name}/disable", http.StatusOK, "Disable a merchant",
		"Has the keys of its clients refused, within five seconds. What it has stays, and people go on reading it. Clients in API_KEYS are not refused."),
		answering(s.disableMerchant))
	huma.Register(api, change("enableMerchant", "/merchants/{name}/enable", http.StatusOK, "Enable a merchant", "Has the keys of its clients taken again."),
		answering(s.enableMerchant))
	huma.Register(api, read("listKeys", "/keys", "List keys", keysDescription), answering(s.listKeys))
	huma.Register(api, send("makeKey", "/keys", "Make a key", "Makes a key for a client, and shows it, this once. A client has at most two live keys."), s.makeKey)
	huma.Register(api, send("rollKey", "/keys/{name}/roll", "Roll a key",
		"Makes a second key for the client of a key, and shows it, this once. The present key goes on for the overlap, if it does not expire sooner."), s.rollKey)
	huma.Register(api, change("revokeKey", "/keys/{name}/revoke", http.StatusOK, "Revoke a key", "Has a key refused for good, within five seconds."), answering(s.revokeKey))
	document := api.OpenAPI()
	describeParameter(document.Paths["/keys"].Get, "merchant", huma.Schema{Pattern: namePattern})
	describeParameter(document.Paths["/keys"].Get, "client", huma.Schema{Pattern: namePattern})
	describeBody(document, document.Paths["/merchants"].Post, newMerchants, `{"merchant": "acme"}`)
	describeBody(document, document.Paths["/keys"].Post, newKeys, `{"merchant": "acme", "client": "shop", "scopes": ["transact", "read"], "expires": "90d"}`)
	describeBody(document, document.Paths["/keys/{name}/roll"].Post, rolls, `{"overlap": "24h"}`)
}

func (s *server) listMerchants(ctx context.Context, _ *struct{}) (answer merchantsAnswer, _ error) {
	all, p := s.merchants(ctx)
	if p != nil {
		return answer, p
	}
	answer.Merchants = []identity.ShownMerchant{}
	for _, m := range all {
		answer.Merchants = append(answer.Merchants, m.Shown())
	}
	return answer, nil
}

// merchants returns the merchants that the caller manages.
func (s *server) merchants(ctx context.Context) (mine []identity.Merchant, _ *Problem) {
	all, err := s.Clients.Merchants(ctx)
	if err != nil {
		return nil, s.keysProblem(ctx, err)
	}
	return slices.DeleteFunc(all, func(m identity.Merchant) bool { return !merchantsOf(ctx).Has(m.Name) }), nil
}

func (s *server) addMerchant(ctx context.Context, r *bodyRequest) (shown identity.ShownMerchant, _ error) {
	m, err := readBody(r.RawBody, newMerchants, "the merchant")
	if err != nil {
		return shown, err
	}
	if !merchantsOf(ctx).All() {
		return shown, problem(http.StatusForbidden, "this needs the scope "+string(identity.Admin)+" for all merchants")
	}
	m.AddedAt = time.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	err = s.managed(ctx, audit.Entry{Merchant: m.Name, Object: "merchant " + m.Name}, http.StatusCreated, func(*audit.Entry) error { return s.Clients.AddMerchant(ctx, m) })
	return m.Shown(), err
}

func (s *server) disableMerchant(ctx context.Context, r *namedRequest) (identity.ShownMerchant, error) {
	return s.setMerchant(ctx, r.Name, time.Now())
}

func (s *server) enableMerchant(ctx context.Context, r *namedRequest) (identity.ShownMerchant, error) {
	return s.setMerchant(ctx, r.Name, time.Time{})
}

// setMerchant disables a merchant from a time on, or enables it if the time is zero.
func (s *server) setMerchant(ctx context.Context, name string, disabled time.Time) (shown identity.ShownMerchant, _ error) {
	if !identity.IsName(name) || !merchantsOf(ctx).Has(name) {
		return shown, noMerchant()
	}
	err := s.managed(ctx, audit.Entry{Merchant: name, Object: "merchant " + name}, http.StatusOK, func(*audit.Entry) error {
		return s.Clients.DisableMerchant(ctx, name, disabled)
	})
	if err != nil {
		return shown, err
	}
	all, p := s.merchants(ctx)
	if p != nil {
		return shown, p
	}
	at := slices.IndexFunc(all, func(m identity.Merchant) bool { return m.Name == name })
	if at < 0 {
		return shown, noMerchant()
	}
	return all[at].Shown(), nil
}

func noMerchant() *Problem {
	return problem(http.StatusNotFound, "no such merchant: GET /merchants lists all")
}

func noKey() *Problem { return problem(http.StatusNotFound, "no such key: GET /keys lists all") }

func (s *server) listKeys(ctx context.Context, r *keysRequest) (answer keysAnswer, _ error) {
	p, err := readParameters(r.sent.RawQuery, "merchant", "client")
	if err != nil {
		return answer, err
	}
	merchant, client := p.name("merchant"), p.name("client")
	if err := p.problem("the keys cannot be listed so: see errors"); err != nil {
		return answer, err
	}
	all, err := s.Clients.Keys(ctx)
	if err != nil {
		return answer, s.keysProblem(ctx, err)
	}
	now := time.Now()
	answer.Keys = []identity.ShownKey{}
	for _, key := range all {
		if merchantsOf(ctx).Has(key.Merchant) && (merchant == "" || key.Merchant == merchant) && (client == "" || key.Client == client) {
			answer.Keys = append(answer.Keys, key.Shown(now))
		}
	}
	visitorOf(ctx).shown = strconv.Itoa(len(answer.Keys)) + " keys"
	return answer, nil
}

func (s *server) makeKey(ctx context.Context, r *bodyRequest) (*madeKeyResponse, error) {
	asked, err := readBody(r.RawBody, newKeys, "the key")
	if err != nil {
		return nil, err
	}
	asked.merchant = identity.MerchantOf(asked.merchant)
	if !merchantsOf(ctx).Has(asked.merchant) {
		return nil, noMerchant()
	}
	now := time.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	secret, key := identity.NewKey(asked.merchant, asked.client, asked.scopes, now, asked.until(now))
	err = s.managed(ctx, audit.Entry{Merchant: key.Merchant, Object: "key " + key.Name, After: key.String()}, http.StatusCreated, func(*audit.Entry) error {
		return s.Clients.AddKey(ctx, key)
	})
	if err != nil {
		return nil, err
	}
	return &madeKeyResponse{noStore, identity.MadeKey{Secret: secret.Reveal(), ShownKey: key.Shown(now)}}, nil
}

func (s *server) rollKey(ctx context.Context, r *rollRequest) (*madeKeyResponse, error) {
	asked, err := readBody(r.RawBody, rolls, "the key")
	if err != nil {
		return nil, err
	}
	present, p := s.key(ctx, r.Name)
	if p != nil {
		return nil, p
	}
	now := time.Now().UTC().Truncate(time.Microsecond) // as the ledger keeps it
	overlap := now.Add(defaultOverlap)
	if asked.overlap > 0 {
		overlap = now.Add(asked.overlap)
	}
	secret, next := identity.NewKey(present.Merchant, present.Client, asked.scopes, now, asked.until(now))
	var before, after identity.Key
	err = s.managed(ctx, audit.Entry{Merchant: present.Merchant, Object: "key " + present.Name}, http.StatusCreated, func(e *audit.Entry) (err error) {
		if before, after, err = s.Clients.RollKey(ctx, present.Name, next, overlap); err == nil {
			e.Before, e.After = before.String(), after.String()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	previous := before.Shown(now)
	return &madeKeyResponse{noStore, identity.MadeKey{Secret: secret.Reveal(), ShownKey: after.Shown(now), Previous: &previous}}, nil
}

func (s *server) revokeKey(ctx context.Context, r *namedRequest) (shown identity.ShownKey, _ error) {
	key, p := s.key(ctx, r.Name)
	if p != nil {
		return shown, p
	}
	err := s.managed(ctx, audit.Entry{Merchant: key.Merchant, Object: "key " + key.Name}, http.StatusOK, func(e *audit.Entry) (err error) {
		e.Before = key.String()
		if key, err = s.Clients.RevokeKey(ctx, key.Name, time.Now()); err == nil {
			e.After = key.String()
		}
		return err
	})
	return key.Shown(time.Now()), err
}

// key returns a key of a merchant that the caller manages.
func (s *server) key(ctx context.Context, name string) (identity.Key, *Problem) {
	key, err := s.Clients.Key(ctx, name)
	switch {
	case errors.Is(err, identity.ErrNotFound), err == nil && !merchantsOf(ctx).Has(key.Merchant):
		return identity.Key{}, noKey()
	case err != nil:
		return identity.Key{}, s.keysProblem(ctx, err)
	}
	return key, nil
}

// managed makes a change of merchants or keys between two entries of the audit trail.
func (s *server) managed(ctx context.Context, e audit.Entry, success int, change func(e *audit.Entry) error) error {
	return s.changed(ctx, e, success, s.keysProblem, change)
}

// keysProblem returns the reason why merchants or keys were not read or changed.
func (s *server) keysProblem(ctx context.Context, err error) *Problem {
	conflict, is := errors.AsType[*identity.ConflictError](err)
	switch {
	case is:
		return problem(http.StatusConflict, conflict.Why)
	case errors.Is(err, identity.ErrNotFound):
		return problem(http.StatusNotFound, "no such merchant or key: GET /merchants and GET /keys list all")
	case errors.Is(err, identity.ErrMayNotManage):
		return problem(http.StatusServiceUnavailable, "this process may not change merchants and keys: do it on the desk, or by orders merchants and "+
			"orders keys, whose users of the ledger's database may")
	}
	s.Log.ErrorContext(ctx, "Merchants or keys not read or changed", "error", err)
	return unavailable("the ledger does not answer now, so it is not known whether a change was kept: look at GET /merchants and GET /keys before you send it again")
}

// wanted is what a body asks of a new key.
type wanted struct {
	merchant, client string
	scopes           []identity.Scope
	expires, overlap time.Duration
}

// until returns when the key expires: a zero time if it does not.
func (w wanted) until(now time.Time) time.Time {
	if w.expires == 0 {
		return time.Time{}
	}
	return now.Add(w.expires)
}

var newMerchants = object[identity.Merchant]{name: "MerchantSchema", members: []member[identity.Merchant]{
	{"merchant", true, nameSchema("Its name", "acme"), func(v *strictjson.Value, m *identity.Merchant) { m.Name = v.Literal() }},
}}

var newKeys = object[wanted]{name: "KeySchema", members: []member[wanted]{
	{"merchant", false, nullable(nameSchema("The merchant that the client acts for; default if it is left out", "acme")), func(v *strictjson.Value, w *wanted) { w.merchant = v.Literal() }},
	{"client", true, nameSchema("The client, which is added if it is new", "shop"), func(v *strictjson.Value, w *wanted) { w.client = v.Literal() }},
	{"scopes", true, scopesSchema("What the key may do"), readScopes},
	{"expires", false, nullable(spanSchema("How long the key is good for. Without it, it does not expire", "90d")), func(v *strictjson.Value, w *wanted) { w.expires = readSpan(v) }},
}}

var rolls = object[wanted]{name: "RollSchema", members: []member[wanted]{
	{"overlap", false, nullable(spanSchema("How long the present key goes on; 24h if it is left out", "24h")), func(v *strictjson.Value, w *wanted) { w.overlap = readSpan(v) }},
	{"scopes", false, nullable(scopesSchema("What the new key may do; the same if it is left out. The present key keeps its scopes while it goes on")), readScopes},
	{"expires", false, nullable(spanSchema("How long the new key is good for; as long as the present one was made for if it is left out", "90d")), func(v *strictjson.Value, w *wanted) { w.expires = readSpan(v) }},
}}

func nameSchema(doc, example string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: namePattern, Description: doc, Examples: []any{example}}
}

func spanSchema(doc, example string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: spanPattern, Description: doc, Examples: []any{example}}
}

func scopesSchema(doc string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: scopeSchema(), MinItems: new(1), MaxItems: new(2 * len(identity.Scopes)), Description: doc}
}

func scopeSchema() *huma.Schema {
	return choice("", words(identity.Scopes)...)
}

// words returns typed words as a schema lists them.
func words[T ~string](all []T) (listed []any) {
	for _, one := range all {
		listed = append(listed, string(one))
	}
	return listed
}

// readScopes reads at least one scope, each once.
func readScopes(v *strictjson.Value, w *wanted) {
	if len(v.Elements()) == 0 {
		v.Fault("must name at least one scope")
	}
	for _, element := range v.Elements() {
		if scope := identity.Scope(element.Literal()); conforms(element, scopeSchema()) && !slices.Contains(w.scopes, scope) {
			w.scopes = append(w.scopes, scope)
		}
	}
}

var spanPattern = pattern(`^[1-9][0-9]{0,3}[hd]$`, "must be a duration in hours or days, such as 24h or 90d")

// readSpan reads what matches spanPattern.
func readSpan(v *strictjson.Value) time.Duration {
	span, err := velocity.ParseSpan(v.Literal())
	if err != nil {
		panic(err) // it has matched the pattern
	}
	return span
}
