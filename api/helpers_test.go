package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ruleset"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/velocitytest"
	"dummyorders/rules"
	"dummyorders/rules/workbench"
)

func handlerOn(server client.Client) http.Handler {
	return handlerWith(options(server, newMemory()))
}

func handlerWith(o api.Options) http.Handler {
	return handlerIn(context.Background(), o)
}

func handlerIn(ctx context.Context, o api.Options) http.Handler {
	o.Transactions.(*temporal.Transactions).Draining = ctx
	return describedHandler{api.New(o), contractOf(len(o.Authenticators) > 0)}
}

// describedHandler panics if it answers anything other than its OpenAPI document says.
type describedHandler struct {
	http.Handler

	contract *contract
}

func (h describedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	h.Handler.ServeHTTP(answer, r)
	if err := h.contract.check(r, answer); err != nil {
		panic(fmt.Sprintf("%s %s is answered %d %s: %v", r.Method, r.URL, answer.Code, answer.Body, err))
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// contract is the OpenAPI document.
type contract struct {
	document map[string]any
	compiler *jsonschema.Compiler
	mu       sync.Mutex // guards compiler
}

// contractOf returns the document with API keys, or the one without.
func contractOf(keys bool) *contract {
	return contracts[keys]()
}

var contracts = map[bool]func() *contract{
	true:  sync.OnceValue(func() *contract { return newContract(map[string]string{"shop": "the key of the shop"}) }),
	false: sync.OnceValue(func() *contract { return newContract(nil) }),
}

func newContract(keys map[string]string) *contract {
	o := options(nil, newMemory())
	o.Authenticators = clients(keys)
	answer := httptest.NewRecorder()
	api.New(o).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	document, err := jsonschema.UnmarshalJSON(answer.Body)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err = errors.Join(err, compiler.AddResource("openapi.json", document)); err != nil {
		panic(err)
	}
	return &contract{document: document.(map[string]any), compiler: compiler}
}

// everywhere lists statuses that any path may answer with, and that the document has no place for.
var everywhere = []int{http.StatusMethodNotAllowed, http.StatusMisdirectedRequest}

// check compares an answer with what the document says about the operation.
func (c *contract) check(r *http.Request, answer *httptest.ResponseRecorder) error {
	path, operation := c.operation(r)
	if operation == nil || slices.Contains(everywhere, answer.Code) {
		return nil
	}
	waitingHelps := !strings.Contains(answer.Body.String(), "this process") // which lacks a setting or a right
	if answer.Code == http.StatusServiceUnavailable && waitingHelps != (answer.Header().Get("Retry-After") != "") {
		return fmt.Errorf("the header Retry-After is %q", answer.Header().Get("Retry-After"))
	}
	described, place := c.response(path, strings.ToLower(methodOf(r)), strconv.Itoa(answer.Code))
	if described == nil {
		return errors.New("the status is not in the contract")
	}
	kind, _, _ := strings.Cut(answer.Header().Get("Content-Type"), ";")
	content, _ := described["content"].(map[string]any)
	if content == nil && answer.Body.Len() == 0 {
		return nil
	}
	if _, is := content[kind]; !is {
		return fmt.Errorf("the type %q is not in the contract", kind)
	}
	if !strings.HasSuffix(kind, "json") || r.Method == http.MethodHead {
		return nil
	}
	return c.valid(answer.Body.Bytes(), append(place, "content", kind, "schema")...)
}

// response returns what the document says about an answer, and where it says so, or nil if it says nothing.
func (c *contract) response(path, method, status string) (described map[string]any, place []string) {
	item, _ := c.document["paths"].(map[string]any)[path].(map[string]any)
	operation, _ := item[method].(map[string]any)
	responses, _ := operation["responses"].(map[string]any)
	described, _ = responses[status].(map[string]any)
	if shared, is := described["$ref"].(string); is {
		place = strings.Split(strings.TrimPrefix(shared, "#/"), "/")
		described, _ = c.document["components"].(map[string]any)["responses"].(map[string]any)[place[2]].(map[string]any)
		return described, place
	}
	return described, []string{"paths", path, method, "responses", status}
}

// valid compares JSON with the schema at a place in the document.
func (c *contract) valid(text []byte, place ...string) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	pointer := ""
	for _, name := range place {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	c.mu.Lock()
	schema, err := c.compiler.Compile("openapi.json#" + pointer)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// operation returns the operation that a request is for, or nil if there is none.
func (c *contract) operation(r *http.Request) (path string, found map[string]any) {
	asked := strings.Split(strings.TrimSuffix(r.URL.Path, "/"), "/")
	for possible, item := range c.document["paths"].(map[string]any) {
		same := slices.EqualFunc(strings.Split(possible, "/"), asked, func(name, part string) bool {
			return name == part || strings.HasPrefix(name, "{")
		})
		if operation, is := item.(map[string]any)[strings.ToLower(methodOf(r))].(map[string]any); same && is && (path == "" || strings.Contains(path, "{")) { // a path without a parameter counts first
			path, found = possible, operation
		}
	}
	return path, found
}

// methodOf returns the operation's method: HEAD is answered like GET.
func methodOf(r *http.Request) string {
	if r.Method == http.MethodHead {
		return http.MethodGet
	}
	return r.Method
}

// wholeLedger is a ledger with all that the API asks of one.
type wholeLedger interface {
	temporal.Ledger
	api.Ledger
}

func options(server client.Client, l wholeLedger) api.Options {
	return api.Options{
		Transactions: &temporal.Transactions{Client: server, Ledger: l, Draining: context.Background()},
		Alerts:       &temporal.Alerts{Client: server},
		Ledger:       l,
		Figures:      &counted{},
		Rules: &workbench.Workbench{From: "files", Ledger: l, Lists: noLists{}, Velocity: &velocitytest.Memory{}, Deciding: workbench.Source{
			Current: func() fraud.Evaluator { return rules.Default() },
			Files:   func() (fs.FS, error) { return rules.Files(), nil },
		}},
		Cards:       card.NewDescriber([]byte("a key for tests, and nothing else")),
		MaxInFlight: 10,
		Limits:      api.Limits{Rate: 1000, Burst: 100_000, InFlight: 1000, WrongKeys: 100_000},
		Log:         slog.New(slog.DiscardHandler),
	}
}

// noLists keeps no entries of lists.
type noLists struct{ ruleset.Lists }

func (noLists) EntryChanges(context.Context, int64) ([]ruleset.ListEntry, error) { return nil, nil }

// clients returns the authenticators for clients of the default merchant, by their names and keys.
func clients(keys map[string]string) []api.Authenticator {
	if len(keys) == 0 {
		return nil
	}
	subjects := map[string]identity.Subject{}
	for name, key := range keys {
		subjects[key] = aClient(identity.DefaultMerchant, name, identity.Scopes...)
	}
	return []api.Authenticator{api.NewKeys(subjects)}
}

// aClient returns a client of a merchant.
func aClient(merchant, name string, scopes ...identity.Scope) identity.Subject {
	return identity.Subject{
		Kind: identity.Client, Name: identity.ClientName(merchant, name), Merchant: merchant,
		Grants: []identity.Grant{{Scopes: scopes, Merchants: identity.OnlyMerchants(merchant)}},
	}
}

// unreachable returns the API without a reachable Temporal. Requests that do not need Temporal must still be answered.
func unreachable(t testing.TB) http.Handler {
	t.Helper()
	return handlerOn(nowhere(t))
}

// nowhere returns a client without a server.
func nowhere(t testing.TB) client.Client {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: quiet})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// accepting returns the API with a Temporal that accepts everything: a fake, because a fuzzer asks too often for a real
// one.
func accepting(t testing.TB) http.Handler {
	t.Helper()
	c := &mocks.Client{}
	c.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, nil)
	return handlerOn(c)
}

func post(t testing.TB, handler http.Handler, body string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, handler, http.MethodPost, "/transact", body, "Content-Type: application/json", "Prefer: respond-async")
}

func asProblem(t testing.TB, answer *httptest.ResponseRecorder) api.Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"), "%s", answer.Body)
	var p api.Problem
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &p))
	require.Equal(t, answer.Code, p.Status, "%+v", p)
	require.NotEmpty(t, p.Title, "%+v", p)
	require.NotEmpty(t, p.Detail, "%+v", p)
	return p
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return out
}

// quiet drops what the Temporal client logs about a server that does not exist.
var quiet = log.NewStructuredLogger(slog.New(slog.DiscardHandler))

// faultsOf returns a problem's faults, by where they are.
func faultsOf(t *testing.T, answer *httptest.ResponseRecorder) map[string]string {
	t.Helper()
	faults := map[string]string{}
	for _, fault := range asProblem(t, answer).Errors {
		faults[fault.Pointer] = fault.Detail
	}
	return faults
}

func indented(t *testing.T, text []byte) string {
	t.Helper()
	var to bytes.Buffer
	require.NoError(t, json.Indent(&to, bytes.TrimSpace(text), "", "  "))
	return to.String()
}
