package stripe

import (
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v84"
)

// answerWithin bounds a call whose context does not. Stripe's slowest answers, from banks far away, take less.
const answerWithin = time.Minute

// newClient asks once: who asks again, and when, is decided where it can be seen, by Temporal.
func newClient(apiKey, baseURL string) *stripe.Client {
	return stripe.NewClient(apiKey, stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL:               new(baseURL),
		HTTPClient:        httpClient(),
		MaxNetworkRetries: new(int64(0)),
		EnableTelemetry:   new(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
	})))
}

// httpClient goes where it is told, and nowhere from there: a redirected POST would become a GET.
func httpClient() *http.Client {
	return &http.Client{
		Timeout:       answerWithin,
		Transport:     discreet{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// discreet keeps back what the client would tell of this machine: its name and kernel.
type discreet struct {
	http.RoundTripper
}

// RoundTrip sends a copy of the request without it.
func (d discreet) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("X-Stripe-Client-User-Agent")
	return d.RoundTripper.RoundTrip(r)
}
