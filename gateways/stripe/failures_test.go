package stripe_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/money"
	"dummyorders/domain/payment"
	"dummyorders/gateways/stripe"
)

func hold(token string) payment.AuthorizeRequest {
	return payment.AuthorizeRequest{
		IdempotencyKey: "t/authorize", TransactionID: "t", Token: token, Amount: money.Money{Minor: 12300, Currency: "INR"},
	}
}

// code is the word of a decline.
func code(t *testing.T, err error) string {
	t.Helper()
	var declined *payment.DeclinedError
	require.ErrorAs(t, err, &declined)
	require.Equal(t, "stripe", declined.Gateway)
	return declined.Code
}

// answering is a Stripe that has one answer for everything.
func answering(t *testing.T, status int, body string, headers http.Header) *stripe.Gateway {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), headers)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // or the client has gone
	}))
	t.Cleanup(server.Close)
	return stripe.New(testKey, server.URL)
}

// Stripe's errors are distinguished.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		status  int
		body    string
		headers http.Header
		want    string
	}{
		{402, `{"error": {"type": "card_error", "code": "card_declined", "decline_code": "lost_card"}}`, nil, "gateway stripe declined: lost_card"},
		{402, `{"error": {"type": "card_error", "code": "expired_card"}}`, nil, "gateway stripe declined: expired_card"},
		{402, `{"error": {"type": "card_error", "code": "authentication_required"}}`, nil, "gateway stripe declined: authentication_required"},
		{
			400, `{"error": {"type": "invalid_request_error", "code": "amount_too_small", "message": "Amount must be at least 50"}}`, nil,
			"gateway stripe declined: amount_too_small (Amount must be at least 50)",
		},
		{
			400, `{"error": {"type": "invalid_request_error", "message": "see 4242 4242 4242 4242"}}`, nil,
			"gateway stripe declined: invalid_request_error (see 424242******4242)",
		},
		{404, `{"error": {"type": "invalid_request_error", "code": "resource_missing"}}`, nil, "gateway stripe declined: resource_missing"},

		{429, `{"error": {"type": "invalid_request_error", "code": "rate_limit"}}`, http.Header{"Retry-After": {"7"}}, "gateway stripe cannot now: rate_limit, ask after 7s"},
		{429, `{"error": {"type": "invalid_request_error", "code": "rate_limit"}}`, http.Header{"Retry-After": {"7.5"}}, "gateway stripe cannot now: rate_limit, ask after 8s"},
		{429, `{"error": {"type": "invalid_request_error", "code": "rate_limit"}}`, http.Header{"Retry-After": {"99999"}}, "gateway stripe cannot now: rate_limit, ask after 1h0m0s"},
		{429, `{"error": {"type": "invalid_request_error", "code": "lock_timeout"}}`, http.Header{"Retry-After": {"soon"}}, "gateway stripe cannot now: lock_timeout"},
		{409, `{"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}`, nil, "gateway stripe cannot now: idempotency_key_in_use"},
		{401, `{"error": {"type": "invalid_request_error", "message": "Invalid API Key provided: sk_test_*7e"}}`, nil, "gateway stripe cannot now: http_401"},
		{401, `{"error": {"type": "invalid_request_error", "code": "api_key_expired"}}`, nil, "gateway stripe cannot now: api_key_expired"},
		{403, `{"error": {"type": "invalid_request_error"}}`, nil, "gateway stripe cannot now: http_403"},

		{500, `{"error": {"type": "api_error"}}`, http.Header{"Stripe-Should-Retry": {"true"}}, `unknown: HTTP 500, api_error, request "req_9"`},
		{503, `{"error": {"type": "api_error"}}`, nil, `unknown: HTTP 503, api_error, request "req_9"`},
		{502, `<html>Bad Gateway ` + clientSecret + `</html>`, nil, "unknown: the answer is not from Stripe's API"},
		{200, `{"id": "pi_1", "client_secret": "` + clientSecret, nil, "unknown: the answer is not from Stripe's API"},
		{301, ``, http.Header{"Location": {"http://127.0.0.1:1/"}}, "unknown: the answer is not from Stripe's API"},
		{424, `{"error": {"type": "api_error"}}`, nil, `unknown: HTTP 424, api_error, request "req_9"`},
		{408, `{"error": {"type": "invalid_request_error"}}`, nil, "unknown: HTTP 408"},
		{200, `{"id": "pi_1", "status": "processing"}`, nil, "unknown: the PaymentIntent pi_1 is processing"},
		{400, `{"error": {"type": "idempotency_error"}}`, nil, "unknown: the key was used for something else: HTTP 400"},
		{200, `{"id": "pi_1", "status": "requires_action"}`, nil, "gateway stripe declined: authentication_required"},
	} {
		headers := http.Header{"Request-Id": {"req_9"}}
		maps.Copy(headers, c.headers)
		_, err := answering(t, c.status, c.body, headers).Authorize(t.Context(), hold("pm_1"))
		require.Contains(t, describe(err), c.want)
		require.Equal(t, strings.HasPrefix(c.want, "unknown"), payment.IsUnknown(err), describe(err))
		require.NotContains(t, describe(err), "canary")
	}
}

// A decline has one of our codes, whatever Stripe calls it.
func TestDeclineCodes(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   payment.DeclineCode
	}{
		"a decline code":                 {402, `{"error": {"type": "card_error", "code": "card_declined", "decline_code": "stolen_card"}}`, payment.StolenCard},
		"an error code":                  {402, `{"error": {"type": "card_error", "code": "expired_card"}}`, payment.ExpiredCard},
		"a new decline code":             {402, `{"error": {"type": "card_error", "code": "card_declined", "decline_code": "moon_phase"}}`, payment.GenericDecline},
		"a new one of a known error":     {402, `{"error": {"type": "card_error", "code": "incorrect_cvc", "decline_code": "moon_phase"}}`, payment.IncorrectVerification},
		"a test card with a live key":    {402, `{"error": {"type": "card_error", "code": "card_declined", "decline_code": "live_mode_test_card"}}`, payment.InvalidCard},
		"a new error code of a card":     {402, `{"error": {"type": "card_error", "code": "moon_phase"}}`, payment.GenericDecline},
		"a token of the other mode":      {400, `{"error": {"type": "invalid_request_error", "code": "livemode_mismatch"}}`, payment.InvalidToken},
		"a request that is not accepted": {400, `{"error": {"type": "invalid_request_error"}}`, payment.InvalidRequest},
		"with a new error code":          {400, `{"error": {"type": "invalid_request_error", "code": "moon_phase"}}`, payment.InvalidRequest},
		"without a type":                 {404, `{"error": {}}`, payment.InvalidRequest},
		"an attempt that failed before": {
			200, `{"id": "pi_1", "status": "requires_payment_method", "last_payment_error": {"type": "card_error", "code": "card_declined", "decline_code": "lost_card"}}`,
			payment.LostCard,
		},
		"one with a new decline code": {
			200, `{"id": "pi_1", "status": "requires_payment_method", "last_payment_error": {"type": "card_error", "code": "expired_card", "decline_code": "moon_phase"}}`,
			payment.ExpiredCard,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := answering(t, c.status, c.body, nil).Authorize(t.Context(), hold("pm_1"))
			var declined *payment.DeclinedError
			require.ErrorAs(t, err, &declined)
			require.Equal(t, c.want, payment.ReasonOf(err), err.Error())
		})
	}
}

// describe returns the error's text, and when to try again.
func describe(err error) string {
	if temporary, is := errors.AsType[*payment.TemporaryError](err); is && temporary.After > 0 {
		return err.Error() + ", ask after " + temporary.After.String()
	}
	return err.Error()
}

// A connection that breaks leaves the outcome unknown.
func TestBrokenConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = connection.Close()
		}
	}))
	defer server.Close()
	_, err := stripe.New(testKey, server.URL).Authorize(t.Context(), hold("pm_1"))
	require.True(t, payment.IsUnknown(err), "%v", err)
}

// A Stripe that cannot be reached has done nothing.
func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close()) // so that the address refuses connections
	_, err = stripe.New(testKey, "http://"+listener.Addr().String()).Authorize(t.Context(), hold("pm_1"))
	require.Equal(t, &payment.TemporaryError{Gateway: "stripe", Code: "unreachable"}, err)
}

func TestNoToken(t *testing.T) {
	_, err := stripe.New(testKey, "http://127.0.0.1:1").Authorize(t.Context(), hold(""))
	require.Equal(t, "token_required", code(t, err))
	require.Contains(t, err.Error(), "a card number is never passed on: send payment.token")
}

// A customer who would have to be asked is declined.
func TestAuthenticationRequired(t *testing.T) {
	f := startFake(t)
	_, err := stripe.New(testKey, f.URL).Authorize(t.Context(), hold("pm_card_threeDSecure2Required"))
	require.Equal(t, "authentication_required", code(t, err))
	require.Empty(t, f.intents, "a PaymentIntent waits at Stripe for the customer")
}

func TestUnknownToken(t *testing.T) {
	f := startFake(t)
	_, err := stripe.New(testKey, f.URL).Authorize(t.Context(), hold("pm_none"))
	require.Equal(t, "resource_missing", code(t, err))
}

// A key too long for Stripe is shortened to the same key each time.
func TestLongIdempotencyKey(t *testing.T) {
	f := startFake(t)
	r := hold("pm_card_visa")
	r.IdempotencyKey = strings.Repeat("k", 256)
	first, err := stripe.New(testKey, f.URL).Authorize(t.Context(), r)
	require.NoError(t, err)
	again, err := stripe.New(testKey, f.URL).Authorize(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, first, again)
	r.IdempotencyKey += "k"
	other, err := stripe.New(testKey, f.URL).Authorize(t.Context(), r)
	require.NoError(t, err)
	require.NotEqual(t, first, other)
}

// Stripe learns nothing about this machine.
func TestNoTelemetry(t *testing.T) {
	f := startFake(t)
	gateway := stripe.New(testKey, f.URL)
	for range 2 { // telemetry tells of the request before
		_, err := gateway.Authorize(t.Context(), hold("pm_card_visa"))
		require.NoError(t, err)
	}
	require.Empty(t, f.headers.Get("X-Stripe-Client-User-Agent"))
	require.Empty(t, f.headers.Get("X-Stripe-Client-Telemetry"))
	require.NotEmpty(t, f.headers.Get("Stripe-Version"))
}

// A refund that the bank refused is declined.
func TestRefusedRefund(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = w.Write([]byte(`{"id": "re_1", "status": "failed", "failure_reason": "expired_or_canceled_card"}`))
			return
		}
		_, _ = w.Write([]byte(`{"id": "pi_1", "status": "succeeded"}`))
	}))
	defer server.Close()
	_, err := stripe.New(testKey, server.URL).Refund(t.Context(), payment.RefundRequest{IdempotencyKey: "k", AuthorizationID: "pi_1"})
	require.Equal(t, "expired_or_canceled_card", code(t, err))
}

func TestCallersDeadline(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server notices that its client has gone only after that
		<-r.Context().Done()
	}))
	defer hanging.Close()
	gateway := stripe.New(testKey, hanging.URL)
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		_, err := gateway.Authorize(ctx, hold("pm_1"))
		cancel()
		require.True(t, payment.IsUnknown(err), "%v", err)
	}
}
