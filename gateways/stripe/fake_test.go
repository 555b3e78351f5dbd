package stripe_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// fake is a stand-in for Stripe that knows only the gateway's requests, keeps their state, and rejects whatever differs
// from Stripe's reference: https://docs.stripe.com/api/payment_intents.
type fake struct {
	*httptest.Server

	t  *testing.T
	mu sync.Mutex // of all below

	intents map[string]*intent
	refunds []*refund
	answers map[string]*answer // by idempotency key
	tripped map[string]bool    // tokens whose fault was met
	headers http.Header        // of the last request
	blind   int                // the status with which searches fail
}

// answer is what a key is answered with again. It is being worked out while body is nil.
type answer struct {
	request string
	status  int
	body    []byte
}

const (
	testKey      = "sk_test_canary_5d7e"
	clientSecret = "pi_secret_canary_91b0"
)

func startFake(t *testing.T) *fake {
	f := &fake{t: t, intents: map[string]*intent{}, answers: map[string]*answer{}, tripped: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/payment_intents", f.keyed("authorize", holdFields, f.create))
	mux.HandleFunc("POST /v1/payment_intents/{id}/capture", f.keyed("capture", nil, f.capture))
	mux.HandleFunc("POST /v1/payment_intents/{id}/cancel", f.keyed("void", nil, f.cancel))
	mux.HandleFunc("POST /v1/refunds", f.keyed("refund", []string{"payment_intent"}, f.refund))
	mux.HandleFunc("GET /v1/payment_intents/{id}", f.unkeyed(nil, f.retrieve))
	mux.HandleFunc("GET /v1/payment_intents/search", f.unkeyed([]string{"query"}, f.search))
	mux.HandleFunc("GET /v1/refunds", f.unkeyed([]string{"payment_intent"}, f.listRefunds))
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

var holdFields = []string{
	"amount", "currency", "payment_method", "capture_method", "confirm", "automatic_payment_methods[enabled]",
	"automatic_payment_methods[allow_redirects]", "error_on_requires_action",
	"metadata[transactionID]", "metadata[idempotencyKey]",
}

type object map[string]any

// failed is an error as Stripe answers it.
func failed(status int, kind, code string, more object) (int, object) {
	e := object{"type": kind, "message": "what a person would read"}
	if code != "" {
		e["code"] = code
	}
	maps.Copy(e, more)
	return status, object{"error": e}
}

// checked are the form's values, or what is wrong with the request.
func (f *fake) checked(r *http.Request, allowed []string) (url.Values, string) {
	f.mu.Lock()
	f.headers = r.Header.Clone()
	f.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		return nil, err.Error()
	}
	if r.Header.Get("Authorization") != "Bearer "+testKey {
		return nil, "no such key: " + r.Header.Get("Authorization")
	}
	for field, values := range r.Form {
		if !slices.Contains(allowed, field) || len(values) != 1 {
			return nil, "a field of that name is not expected, or not that often: " + field
		}
	}
	return r.Form, ""
}

// unkeyed are requests that change nothing.
func (f *fake) unkeyed(allowed []string, do func(id string, form url.Values) (int, object)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form, wrong := f.checked(r, allowed)
		assert.Empty(f.t, wrong, "%s %s", r.Method, r.URL)
		f.mu.Lock()
		status, body := do(r.PathValue("id"), form)
		f.mu.Unlock()
		send(w, status, encoded(body))
	}
}

// keyed are requests with an idempotency key, which is answered once and then repeated.
func (f *fake) keyed(call string, allowed []string, do func(id string, form url.Values) (int, object)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form, wrong := f.checked(r, allowed)
		key := r.Header.Get("Idempotency-Key")
		assert.Empty(f.t, wrong, "%s %s", r.Method, r.URL)
		assert.NotEmpty(f.t, key, "%s %s", r.Method, r.URL)
		assert.LessOrEqual(f.t, len(key), 255, "%s %s", r.Method, r.URL)
		a, repeated := f.answerOnce(w, key, r.URL.Path+"?"+form.Encode())
		if repeated {
			return
		}
		f.mu.Lock()
		fault := f.fault(call, r.PathValue("id"), form)
		a.status, a.body = f.answer(fault, func() (int, object) { return do(r.PathValue("id"), form) })
		if fault == "busy" {
			delete(f.answers, key) // Stripe keeps no answer to what it has not begun
			w.Header().Set("Retry-After", "3")
		}
		f.mu.Unlock()
		switch fault {
		case "lost":
			<-r.Context().Done()
		case "late":
			select {
			case <-time.After(2 * time.Second):
			case <-r.Context().Done():
			}
		}
		send(w, a.status, a.body)
	}
}

// fault is what a token such as pm_lost_capture makes go wrong in the call that it names, the first time; pm_late names none.
func (f *fake) fault(call, id string, form url.Values) string {
	if form.Get("capture_method") == "automatic" {
		call = "charge"
	}
	token := f.tokenOf(id, form)
	fault, named := strings.CutSuffix(strings.TrimPrefix(token, "pm_"), "_"+call)
	if !named && fault != "late" || f.tripped[token] {
		return ""
	}
	f.tripped[token] = true
	return fault
}

func (f *fake) answer(fault string, do func() (int, object)) (int, []byte) {
	broken := encoded(object{"error": object{"type": "api_error", "message": "nobody knows why"}})
	switch fault {
	case "busy":
		status, body := failed(429, "invalid_request_error", "rate_limit", nil)
		return status, encoded(body)
	case "broken":
		return 500, broken
	case "broken_after":
		do()
		return 500, broken
	}
	status, body := do()
	return status, encoded(body)
}

// answerOnce repeats the first answer to a key.
func (f *fake) answerOnce(w http.ResponseWriter, key, request string) (a *answer, repeated bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, known := f.answers[key]
	switch {
	case !known:
		a = &answer{request: request}
		f.answers[key] = a
		return a, false
	case a.request != request:
		status, body := failed(400, "idempotency_error", "", nil)
		send(w, status, encoded(body))
	case a.body == nil:
		status, body := failed(409, "idempotency_error", "idempotency_key_in_use", nil)
		send(w, status, encoded(body))
	default:
		w.Header().Set("Idempotent-Replayed", "true")
		send(w, a.status, a.body)
	}
	return nil, true
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_1")
	w.WriteHeader(status)
	_, _ = w.Write(body) // or the client has gone
}

func encoded(body object) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return text
}
