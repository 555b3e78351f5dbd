package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// byStripe has a body with goodCard paid by Stripe.
var byStripe = strings.NewReplacer(paymentMethodName, "card", `"card": "`+goodCard+`", "type": "wallet"`, `"token": "pm_card_visa", "type": "card"`)

// stripeAccount is a stand-in for Stripe that several processes share, and that counts how often it has taken money. It knows
// only the calls of payments that succeed or are released; gateways/stripe has its own, which knows all.
type stripeAccount struct {
	*httptest.Server

	mu      sync.Mutex
	intents map[string]*stripeIntent
	answers map[string]stripeAnswer // by idempotency key
	taken   map[string]int          // by transaction
}

type stripeIntent struct {
	id, status, transaction string
	amount                  json.Number
}

// stripeAnswer is what a key is answered with again.
type stripeAnswer struct {
	request string
	status  int
	body    map[string]any
}

func startStripe(t *testing.T) *stripeAccount {
	t.Helper()
	s := &stripeAccount{intents: map[string]*stripeIntent{}, answers: map[string]stripeAnswer{}, taken: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/payment_intents", s.once(s.create))
	mux.HandleFunc("POST /v1/payment_intents/{id}/capture", s.once(s.capture))
	mux.HandleFunc("POST /v1/payment_intents/{id}/cancel", s.once(s.cancel))
	mux.HandleFunc("GET /v1/payment_intents/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		status, body := s.intents[r.PathValue("id")].answer()
		stripeAnswers(w, status, body)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// payments returns how often each transaction's money was taken.
func (s *stripeAccount) payments() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.taken)
}

// once does what is asked once for each idempotency key, and repeats its answer.
func (s *stripeAccount) once(do func(*http.Request) (int, map[string]any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		key, request := r.Header.Get("Idempotency-Key"), r.URL.Path+"?"+r.Form.Encode()
		s.mu.Lock()
		defer s.mu.Unlock()
		first, used := s.answers[key]
		switch {
		case !used:
			first.request = request
			first.status, first.body = do(r)
			s.answers[key] = first
		case first.request != request:
			first.status, first.body = stripeFault("idempotency_error")
		}
		stripeAnswers(w, first.status, first.body)
	}
}

func (s *stripeAccount) create(r *http.Request) (int, map[string]any) {
	i := &stripeIntent{
		id: fmt.Sprintf("pi_%d", len(s.intents)+1), status: "requires_capture",
		transaction: r.Form.Get("metadata[transactionID]"), amount: json.Number(r.Form.Get("amount")),
	}
	s.intents[i.id] = i
	if r.Form.Get("capture_method") == "automatic" {
		s.take(i)
	}
	return i.answer()
}

func (s *stripeAccount) capture(r *http.Request) (int, map[string]any) {
	i := s.intents[r.PathValue("id")]
	if i == nil || i.status != "requires_capture" {
		return stripeFault("invalid_request_error")
	}
	s.take(i)
	return i.answer()
}

func (s *stripeAccount) cancel(r *http.Request) (int, map[string]any) {
	i := s.intents[r.PathValue("id")]
	if i == nil || i.status != "requires_capture" {
		return stripeFault("invalid_request_error")
	}
	i.status = "canceled"
	return i.answer()
}

func (s *stripeAccount) take(i *stripeIntent) {
	i.status = "succeeded"
	s.taken[i.transaction]++
}

func (i *stripeIntent) answer() (int, map[string]any) {
	if i == nil {
		return stripeFault("invalid_request_error")
	}
	body := map[string]any{"object": "payment_intent", "id": i.id, "status": i.status, "amount": i.amount, "currency": "inr"}
	if i.status == "succeeded" {
		body["latest_charge"] = "ch_" + i.id
	}
	return http.StatusOK, body
}

func stripeFault(kind string) (int, map[string]any) {
	return http.StatusBadRequest, map[string]any{"error": map[string]any{"type": kind, "message": "not as asked"}}
}

func stripeAnswers(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
