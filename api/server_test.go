package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/audit"
	"dummyorders/domain/ruleset"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/stack"
	"dummyorders/internal/telemetrytest"
	"dummyorders/rules/workbench"
)

func call(t *testing.T, handler http.Handler, method, path, contentType string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, body)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("Prefer", "respond-async")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestRefusalsAreProblems(t *testing.T) {
	handler := unreachable(t)
	large := strings.Replace(api.SeedExample, "avengers", strings.Repeat("x", 64<<10), 1)
	for name, test := range map[string]struct {
		method, path, contentType string
		body                      io.Reader
		status                    int
	}{
		"no such path":            {http.MethodGet, "/nothing", "", nil, 404},
		"no such transaction":     {http.MethodGet, "/transactions/42", "", nil, 404},
		"wrong method":            {http.MethodGet, "/transact", "", nil, 405},
		"wrong method, and slash": {http.MethodGet, "/transact/", "", nil, 405},
		"wrong method on a read":  {http.MethodDelete, "/transactions/42", "", nil, 405},
		"no type":                 {http.MethodPost, "/transact", "", strings.NewReader(api.SeedExample), 415},
		"a form":                  {http.MethodPost, "/transact", "application/x-www-form-urlencoded", strings.NewReader("a=b"), 415},
		"another charset":         {http.MethodPost, "/transact", "application/json; charset=latin1", strings.NewReader(api.SeedExample), 415},
		"UTF-16":                  {http.MethodPost, "/transact", "application/json", strings.NewReader("\xff\xfe{\x00}\x00"), 415},
		"UTF-16 without a mark":   {http.MethodPost, "/transact", "application/json", strings.NewReader("{\x00}\x00"), 415},
		"UTF-16, the other way":   {http.MethodPost, "/transact", "application/json", strings.NewReader("\x00{\x00}"), 415},
		"too large":               {http.MethodPost, "/transact", "application/json", strings.NewReader(large), 413},
		"broken off":              {http.MethodPost, "/transact", "application/json", brokenOff{}, 400},
		"no object":               {http.MethodPost, "/transact", "application/json", strings.NewReader(`[]`), 422},
		"unreachable engine":      {http.MethodGet, "/readyz", "", nil, 503},
	} {
		t.Run(name, func(t *testing.T) {
			answer := call(t, handler, test.method, test.path, test.contentType, test.body)
			asProblem(t, answer)
			assert.Equal(t, test.status, answer.Code, "%s", answer.Body)
			if allow := answer.Header().Get("Allow"); test.status == 405 && allow == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

// Allow names what a path takes, however it is written.
func TestAllow(t *testing.T) {
	for path, allow := range map[string]string{
		"/transact":                "POST",
		"/transactions/42/":        "GET, HEAD",
		"/alerts/a%2Fb":            "GET, HEAD",
		"/alerts/a%2Fb/resend":     "POST",
		"/transactions/%31/review": "GET, HEAD, POST",
		"/mutes":                   "GET, HEAD, POST",
	} {
		answer := call(t, unreachable(t), http.MethodPatch, path, "", nil)
		assert.Equal(t, 405, answer.Code, path)
		assert.Equal(t, allow, answer.Header().Get("Allow"), path)
	}
	assert.Equal(t, "POST", call(t, unreachable(t), http.MethodHead, "/transact", "", nil).Header().Get("Allow"))
}

// Texts that PostgreSQL refuses are answered as others that are not found or not right, in each path and each query.
func TestOddTexts(t *testing.T) {
	server, err := stack.StartPostgres(t.Context(), stack.PostgresOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	store := ledgertest.Open(t, server.URL("postgres", "postgres"))
	o := options(nowhere(t), store)
	o.Mutes, o.Rulesets, o.Lists, o.Figures, o.Audit, o.Trail, o.Clients, o.Sessions = store, store, store, store, store, store, store, ledgerdb.Sessions{Ledger: store}
	bench := o.Rules.(*workbench.Workbench)
	bench.Lists, bench.Backtests = store, store
	handler := handlerWith(o)
	failed := telemetrytest.Value(t, "orders_ledger_errors_total")
	asked := 0
	for path, operations := range contractOf(false).document["paths"].(map[string]any) {
		for method, described := range operations.(map[string]any) {
			operation, is := described.(map[string]any)
			if !is || operation["requestBody"] != nil {
				continue
			}
			parameters, _ := operation["parameters"].([]any)
			for _, one := range parameters {
				parameter := one.(map[string]any)
				name := parameter["name"].(string)
				for _, odd := range []string{"%00", "%FF"} {
					var target string
					switch parameter["in"] {
					case "path":
						target = strings.Replace(path, "{"+name+"}", odd, 1)
					case "query":
						target = path + "?" + name + "=" + odd
					default:
						continue
					}
					target = strings.NewReplacer("{id}", "01990000-0000-7000-8000-000000000001", "{name}", "x", "{number}", "1", "{entry}", "1").Replace(target)
					answer := request(t, handler, strings.ToUpper(method), target, "")
					if !strings.Contains(answer.Body.String(), "this process") { // which has no broker
						assert.Less(t, answer.Code, 500, "%s %s: %s", method, target, answer.Body)
					}
					asked++
				}
			}
		}
	}
	assert.Greater(t, asked, 100)
	assert.Zero(t, telemetrytest.Value(t, "orders_ledger_errors_total")-failed)
}

// Every operation that takes a body refuses what is not JSON, before it does anything.
func TestBodies(t *testing.T) {
	o, kept := options(nowhere(t), newMemory()), &trail{}
	o.Rulesets, o.Routes, o.Audit = struct{ ruleset.Store }{}, func() api.Routes { return nil }, kept
	handler := handlerWith(o)
	var document struct {
		Paths map[string]map[string]struct {
			RequestBody *struct{ Content map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(request(t, handler, http.MethodGet, "/openapi.json", "").Body.Bytes(), &document))
	checked := 0
	for path, operations := range document.Paths {
		path = strings.NewReplacer("{id}", uuid.NewString(), "{name}", "acme").Replace(path)
		for method, operation := range operations {
			if operation.RequestBody == nil {
				continue
			}
			checked++
			for name, c := range map[string]struct {
				kind, body string
				status     int
			}{
				"a form":    {"application/x-www-form-urlencoded", "name=ada", 415},
				"no JSON":   {"application/json", `{"note"`, 400},
				"nothing":   {"application/json", "", 400},
				"too large": {"application/json", `{"note":"` + strings.Repeat("x", 4<<20) + `"}`, 413},
			} {
				answer := call(t, handler, strings.ToUpper(method), path, c.kind, strings.NewReader(c.body))
				asProblem(t, answer)
				assert.Equal(t, c.status, answer.Code, "%s of %s %s: %s", name, method, path, answer.Body)
			}
		}
	}
	assert.Greater(t, checked, 10)
	assert.NotContains(t, strings.Join(kept.lines(), "\n"), audit.Begun)
}

// The seed's body is accepted on both paths.
func TestTransactPaths(t *testing.T) {
	for _, path := range []string{"/transact", "/transact/"} {
		for _, kind := range []string{"application/json", "application/json; charset=UTF-8", "application/vnd.orders+json"} {
			answer := call(t, accepting(t), http.MethodPost, path, kind, strings.NewReader(api.SeedExample))
			assert.Equal(t, http.StatusAccepted, answer.Code, "%s %s %s", path, kind, answer.Body)
		}
	}
}

// All lines of Prefer count.
func TestPreferLines(t *testing.T) {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/transact", strings.NewReader(api.SeedExample))
	request.Header = http.Header{"Content-Type": {"application/json"}, "Prefer": {"handling=lenient", "respond-async"}}
	answer := httptest.NewRecorder()
	accepting(t).ServeHTTP(answer, request)
	assert.Equal(t, http.StatusAccepted, answer.Code, "%v", answer.Header())
	assert.Equal(t, "respond-async", answer.Header().Get("Preference-Applied"), "%v", answer.Header())
}

func TestProbesWithHEAD(t *testing.T) {
	assert.Equal(t, 200, call(t, unreachable(t), http.MethodHead, "/livez", "", nil).Code)
}

// Amounts are described as numbers.
func TestOpenAPIAmounts(t *testing.T) {
	text := call(t, unreachable(t), http.MethodGet, "/openapi.json", "", nil).Body.String()
	for _, field := range []string{`"amount":{"format":"double","type":"number"}`, `"cost":{"format":"double","type":"number"}`} {
		assert.Contains(t, text, field)
	}
}

func TestBodyAtLimit(t *testing.T) {
	body := api.SeedExample + strings.Repeat(" ", 64<<10-len(api.SeedExample))
	answer := post(t, accepting(t), body)
	assert.Equal(t, http.StatusAccepted, answer.Code, "%s", answer.Body)
}

// If Temporal cannot be reached, the answer is 503 and nothing was accepted.
func TestTransactWithoutTemporal(t *testing.T) {
	answer := post(t, unreachable(t), api.SeedExample)
	p := asProblem(t, answer)
	assert.Equal(t, 503, answer.Code, "%v %s", answer.Header(), answer.Body)
	assert.Empty(t, p.TransactionID, "%v %s", answer.Header(), answer.Body)
	assert.Contains(t, p.Detail, "nothing was accepted", "%v %s", answer.Header(), answer.Body)
	assert.NotEmpty(t, answer.Header().Get("Retry-After"), "%v %s", answer.Header(), answer.Body)
}

func TestTooManyInFlight(t *testing.T) {
	temporal, waiting, release := &mocks.Client{}, make(chan struct{}), make(chan struct{})
	temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).
		Run(func(mock.Arguments) { waiting <- struct{}{}; <-release }).Return(nil, nil)
	handler, done := handlerOn(temporal), make(chan struct{})
	for range 10 { // as many as handlerOn allows
		go func() { post(t, handler, api.SeedExample); done <- struct{}{} }()
		<-waiting
	}
	answer := post(t, handler, api.SeedExample)
	asProblem(t, answer)
	assert.Equal(t, http.StatusTooManyRequests, answer.Code, "%v", answer.Header())
	assert.NotEmpty(t, answer.Header().Get("Retry-After"), "%v", answer.Header())
	close(release)
	for range 10 {
		<-done
	}
}

// A caller that hangs up gives its place back, and its transaction goes on.
func TestHangUp(t *testing.T) {
	temporal, waiting, accepted := &mocks.Client{}, make(chan struct{}), make(chan struct{}, 1)
	temporal.On("NewWithStartWorkflowOperation", mock.Anything, mock.Anything, mock.Anything).Return(nil)
	temporal.On("UpdateWithStartWorkflow", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		waiting <- struct{}{}
		<-args.Get(0).(context.Context).Done()
	}).Return(nil, context.Canceled)
	temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		if err := args.Get(0).(context.Context).Err(); err != nil {
			t.Errorf("the transaction does not go on: %v", err)
		}
		accepted <- struct{}{}
	}).Return(nil, nil)
	o := options(temporal, newMemory())
	o.MaxInFlight = 1
	handler, done := handlerWith(o), make(chan struct{})
	ctx, hangUp := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/transact", strings.NewReader(api.SeedExample))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Prefer", "wait=30")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-waiting
	if answer := post(t, handler, api.SeedExample); answer.Code != http.StatusTooManyRequests {
		t.Errorf("while it waits: %d %s", answer.Code, answer.Body)
	}
	hangUp()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it keeps its place")
	}
	<-accepted
	if answer := post(t, handler, api.SeedExample); answer.Code != http.StatusAccepted {
		t.Errorf("afterwards: %d %s", answer.Code, answer.Body)
	}
}

// MaxInFlight limits all paths that do work.
func TestMaxInFlightPaths(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Links, o.MaxInFlight = links, 0
	handler, id := handlerWith(o), uuid.NewString()
	for name, path := range map[string]string{
		"POST /transact":                  "/transact",
		"GET /transactions":               "/transactions",
		"GET /transactions/{id}":          "/transactions/" + id,
		"POST /transactions/{id}/labels":  "/transactions/" + id + "/labels",
		"POST /transactions/{id}/review":  "/transactions/" + id + "/review",
		"GET the link of a review":        reviewLink(id, "jo@example.com"),
		"POST the link of a review":       reviewLink(id, "jo@example.com"),
		"GET /alerts":                     "/alerts?transaction=" + id,
		"GET /alerts/{id}":                "/alerts/" + id,
		"POST /alerts/{id}/acknowledge":   "/alerts/" + id + "/acknowledge",
		"GET /dead-letters":               "/dead-letters",
		"GET /dead-letters/{id}":          "/dead-letters/" + id,
		"POST /dead-letters/replay":       "/dead-letters/replay",
		"POST /dead-letters/purge":        "/dead-letters/purge",
		"GET the link to acknowledge by":  linkFor(id, "jo@example.com"),
		"POST the link to acknowledge by": linkFor(id, "jo@example.com"),
	} {
		t.Run(name, func(t *testing.T) {
			method, _, _ := strings.Cut(name, " ")
			body, kind := io.Reader(nil), ""
			if method == http.MethodPost && !strings.Contains(path, "signature=") {
				body, kind = strings.NewReader(`{}`), "application/json"
			}
			answer := call(t, handler, method, path, kind, body)
			assert.Equal(t, http.StatusTooManyRequests, answer.Code, "%v %s", answer.Header(), answer.Body)
			assert.NotEmpty(t, answer.Header().Get("Retry-After"), "%v %s", answer.Header(), answer.Body)
		})
	}
}

// The docs run only their own scripts.
func TestDocsScripts(t *testing.T) {
	answer := call(t, unreachable(t), http.MethodGet, "/docs", "", nil)
	policy, page := answer.Header().Get("Content-Security-Policy"), answer.Body.String()
	directives := map[string]string{}
	for directive := range strings.SplitSeq(policy, ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		directives[name] = sources
	}
	for name, want := range map[string]string{"default-src": "'none'", "connect-src": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'none'"} {
		assert.Equal(t, want, directives[name], name)
	}
	inline := regexp.MustCompile(`(?s)<(script|style)([^>]*)>(.*?)</(?:script|style)>`).FindAllStringSubmatch(page, -1)
	hashed := 0
	for _, found := range inline {
		if strings.Contains(found[2], "src=") {
			continue
		}
		sum := sha256.Sum256([]byte(found[3]))
		hashed++
		assert.Contains(t, directives[found[1]+"-src"], "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", "%s %s", found[1], found[3])
	}
	assert.GreaterOrEqual(t, hashed, 3, page)
	assert.NotContains(t, policy, "unsafe", page)
	assert.False(t, regexp.MustCompile(`\son[a-z]+=|\sstyle=`).MatchString(page), page)
}

// Links in the docs work under a proxy's path.
func TestDocsBehindProxy(t *testing.T) {
	handler := unreachable(t)
	page := call(t, handler, http.MethodGet, "/docs", "", nil).Body.String()
	for _, found := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		address, err := url.Parse("https://shop.example/orders/docs")
		require.NoError(t, err)
		address, err = address.Parse(found[1])
		require.NoError(t, err)
		path, under := strings.CutPrefix(address.String(), "https://shop.example/orders")
		require.True(t, under, "%s leads to %s", found[1], address)
		assert.Equal(t, http.StatusOK, call(t, handler, http.MethodGet, path, "", nil).Code, "%s leads to %s", found[1], address)
	}
	if !strings.Contains(page, `"swaggerJsonUrl":"./../openapi.json"`) { // the page adds this to its own address and a slash
		t.Errorf("the document is elsewhere: %s", page)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/docs/", nil)
	request.Header.Set("X-Forwarded-Prefix", "/orders")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	assert.Equal(t, http.StatusPermanentRedirect, answer.Code)
	assert.Equal(t, "/orders/docs", answer.Header().Get("Location"))
}

// A panic in a handler is a problem that gives no details.
func TestPanicIsProblem(t *testing.T) {
	temporal := &mocks.Client{}
	temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).
		Run(func(mock.Arguments) { panic("1234567887654321") }).Return(nil, nil)
	answer := post(t, handlerOn(temporal), api.SeedExample)
	asProblem(t, answer)
	assert.Equal(t, 500, answer.Code, "%s", answer.Body)
	assert.NotContains(t, answer.Body.String(), "1234", "%s", answer.Body)
	example, err := os.ReadFile("examples/problem.500.json")
	require.NoError(t, err)
	assert.Equal(t, indented(t, answer.Body.Bytes()), string(example), "%s", answer.Body)
}

// The document describes every answer.
func TestOpenAPIAnswers(t *testing.T) {
	c := contractOf(false)
	version := c.document["openapi"].(string)
	assert.True(t, strings.HasPrefix(version, "3.1"), "OpenAPI %s, want 3.1", version)
	for _, status := range []string{"200", "202", "400", "413", "415", "422", "429", "503"} {
		described, _ := c.response("/transact", "post", status)
		content, _ := described["content"].(map[string]any)
		assert.Len(t, content, 1, status)
		_, problem := content["application/problem+json"]
		assert.Equal(t, status >= "400", problem, "answer %s is described as %v", status, content)
	}
	for path, item := range c.document["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			for status := range operation.(map[string]any)["responses"].(map[string]any) {
				described, _ := c.response(path, method, status)
				code, _ := strconv.Atoi(status)
				assert.True(t, code < 400 || described["description"] != http.StatusText(code), "%s %s: %s has no words of its own", method, path, status)
			}
		}
	}
	require.NoError(t, c.valid([]byte(api.SeedExample), "paths", "/transact", "post", "requestBody", "content", "application/json", "schema"),
		"the request is not described")
	for operation, statuses := range map[[2]string][]string{
		{"/transactions/{id}", "get"}:         {"200", "404", "503"},
		{"/transactions", "get"}:              {"200", "422", "503"},
		{"/transactions/{id}/review", "get"}:  {"200", "403", "404", "429", "503"},
		{"/transactions/{id}/review", "post"}: {"200", "202", "400", "403", "404", "409", "413", "415", "422", "429", "503"},
		{"/transactions/{id}/labels", "post"}: {"200", "201", "400", "404", "413", "415", "422", "429", "503"},
		{"/alerts/{id}", "get"}:               {"200", "404", "503"},
		{"/alerts", "get"}:                    {"200", "422", "503"},
		{"/alerts/{id}/acknowledge", "post"}:  {"200", "400", "403", "404", "409", "413", "415", "422", "429", "503"},
		{"/alerts/{id}/acknowledge", "get"}:   {"200", "403", "404", "429", "503"},
	} {
		for _, status := range statuses {
			if described, _ := c.response(operation[0], operation[1], status); described == nil {
				t.Errorf("answer %s of %v is not described", status, operation)
			}
		}
	}
}

// The document describes every header and parameter.
func TestOpenAPIHeaders(t *testing.T) {
	text := call(t, unreachable(t), http.MethodGet, "/openapi.json", "", nil).Body.String()
	for _, name := range []string{
		"Idempotency-Key", "Idempotent-Replayed", "Prefer", "Preference-Applied", "Location", "Retry-After", "Link",
		"status", "outcome", "orderID", "since", "until", "cursor", "limit",
		"transaction", "by", "signature",
	} {
		if !strings.Contains(text, `"`+name+`":{`) && !strings.Contains(text, `"name":"`+name+`"`) {
			t.Errorf("the document lacks %s", name)
		}
	}
}

func TestOpenAPISignedLinks(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Required bool
			}
			RequestBody struct{ Content map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(call(t, unreachable(t), http.MethodGet, "/openapi.json", "", nil).Body.Bytes(), &document))
	for _, path := range []string{"/alerts/{id}/acknowledge", "/transactions/{id}/review"} {
		for method, operation := range document.Paths[path] {
			described := map[string]bool{}
			for _, p := range operation.Parameters {
				if p.In != "header" {
					described[p.Name] = p.Required
				}
			}
			needed := method == "get"
			assert.Empty(t, cmp.Diff(map[string]bool{"id": true, "by": needed, "until": needed, "signature": needed}, described),
				"parameters of %s %s (-want +got)", method, path)
			form := operation.RequestBody.Content["application/x-www-form-urlencoded"]
			assert.NotEqual(t, method == "post", form == nil, "the form of %s %s is %v", method, path, form)
		}
	}
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// A web page cannot reach the API by a name of its own.
func TestHosts(t *testing.T) {
	o := options(nil, newMemory())
	o.Hosts = []string{"localhost", "orders.example.com"}
	handler := handlerIn(t.Context(), o)
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "localhost:9001": 200, "LOCALHOST.:9001": 200, "127.0.0.1:9001": 200, "127.9.9.9": 200, "[::1]:9001": 200,
		"orders.example.com": 200, "evil.example": 421, "evil.example:9001": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421,
		"192.0.2.1:9001": 421, "[2001:db8::1]:9001": 421, "localhost@evil.example": 421,
	} {
		t.Run(host, func(t *testing.T) {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/livez", nil)
			request.Host = host
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			assert.Equal(t, want, answer.Code, "%s", answer.Body)
			if want == 421 {
				asProblem(t, answer)
			}
		})
	}
}

// Links lead back through a proxy that serves the API under a path.
func TestLinksBehindProxy(t *testing.T) {
	for _, c := range []struct{ name, known, forwarded, want string }{
		{"no proxy", "", "", ""},
		{"the proxy says it", "", "/orders", "/orders"},
		{"with a slash at its end", "", "/shop/orders/", "/shop/orders"},
		{"the setting says it", "/orders", "", "/orders"},
		{"the proxy knows better", "/orders", "/v2/orders", "/v2/orders"},
		{"another host", "", "//evil.example", ""},
		{"a URL", "", "https://evil.example", ""},
		{"up and away", "", "/../../x", ""},
		{"a line break", "", "/a\r\nX-Evil: 1", ""},
		{"a query", "/orders", "/a?b=", "/orders"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(nowhere(t), newMemory(ledgertest.Accepted(1), ledgertest.Accepted(2)))
			o.Prefix = c.known
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/transactions?limit=1", nil)
			if c.forwarded != "" {
				request.Header.Set("X-Forwarded-Prefix", c.forwarded)
			}
			answer := httptest.NewRecorder()
			handlerWith(o).ServeHTTP(answer, request)
			link := answer.Header().Get("Link")
			assert.True(t, strings.HasPrefix(link, "<"+c.want+"/transactions?cursor="), "%d, Link %q", answer.Code, link)
		})
	}
}

// A compressed body is refused with the codings that are taken.
func TestCompressedBody(t *testing.T) {
	for coding, status := range map[string]int{"": 422, "identity": 422, "Identity, identity": 422, "gzip": 415, "br": 415, "identity, gzip": 415, "x": 415} {
		t.Run(coding, func(t *testing.T) {
			for _, path := range []string{"/transact", "/transactions/" + uuid.NewString() + "/review", "/transactions/" + uuid.NewString() + "/labels"} {
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(`{}`))
				request.Header.Set("Content-Type", "application/json; charset=UTF8")
				if coding != "" {
					request.Header.Set("Content-Encoding", coding)
				}
				answer := httptest.NewRecorder()
				unreachable(t).ServeHTTP(answer, request)
				asProblem(t, answer)
				assert.Equal(t, status, answer.Code, "%s %s", path, answer.Body)
				taken := answer.Header().Get("Accept-Encoding")
				assert.Equal(t, status == 415, taken == "identity", "%s: Accept-Encoding %q", path, taken)
			}
		})
	}
}

// slowBody signals when it is read, and does not end until it is released.
type slowBody struct{ reading, release chan struct{} }

func (b slowBody) Read([]byte) (int, error) {
	b.reading <- struct{}{}
	<-b.release
	return 0, io.EOF
}

// A slow body takes no place from others.
func TestSlowBody(t *testing.T) {
	for kind, path := range map[string]string{
		"application/json": "/transact", "application/x-www-form-urlencoded": reviewLink(uuid.NewString(), "jo@example.com"),
	} {
		t.Run(kind, func(t *testing.T) {
			o := options(nowhere(t), newMemory())
			o.MaxInFlight, o.Links = 1, links
			handler, body, done := handlerWith(o), slowBody{make(chan struct{}), make(chan struct{})}, make(chan struct{})
			go func() {
				defer close(done)
				call(t, handler, http.MethodPost, path, kind, body)
			}()
			<-body.reading
			answer := call(t, handler, http.MethodPost, "/transact", "application/json", strings.NewReader(`{}`))
			assert.Equal(t, http.StatusUnprocessableEntity, answer.Code, "%s", answer.Body)
			close(body.release)
			<-done
		})
	}
}
