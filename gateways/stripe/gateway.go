// Package stripe moves money through Stripe, https://stripe.com: an authorization is a PaymentIntent with manual
// capture, and a charge one with automatic capture. It never sends card numbers to Stripe; a payment carries the token of a
// PaymentMethod instead.
package stripe

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v84"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/domain/money"
	"dummyorders/domain/payment"
)

// name is the gateway's name.
const name = "stripe"

// Gateway is a Stripe account.
//
// Stripe keeps the answer to an idempotency key for at least 24 hours, including its own failures: a request that failed
// under a key goes on failing, https://docs.stripe.com/error-low-level#idempotency. A PaymentIntent can be captured,
// canceled and refunded only once, whatever the key, so for these calls the gateway tries again under a new key. It must
// not request a hold or a charge twice, so there it looks for the PaymentIntent that the first request may have made.
type Gateway struct {
	client *stripe.Client
}

// New returns a Gateway for the account's secret key and the API's URL: https://api.stripe.com, or a stand-in for it.
func New(apiKey, baseURL string) *Gateway {
	return &Gateway{client: newClient(apiKey, baseURL)}
}

// Name returns "stripe".
func (g *Gateway) Name() string {
	return name
}

// Authorize creates a PaymentIntent and confirms it. Besides Stripe's own decline codes, it declines with token_required,
// unsupported_amount or authentication_required.
func (g *Gateway) Authorize(ctx context.Context, r payment.AuthorizeRequest) (payment.Authorization, error) {
	intent, err := g.create(ctx, r, stripe.PaymentIntentCaptureMethodManual)
	if err != nil {
		return payment.Authorization{}, err
	}
	return authorization(intent)
}

// Charge creates a PaymentIntent that Stripe captures at once, and confirms it. It declines as Authorize does.
func (g *Gateway) Charge(ctx context.Context, r payment.AuthorizeRequest) (payment.Charge, error) {
	intent, err := g.create(ctx, r, stripe.PaymentIntentCaptureMethodAutomatic)
	if err != nil {
		return payment.Charge{}, err
	}
	held, err := authorization(intent)
	if err != nil || intent.Status != stripe.PaymentIntentStatusSucceeded {
		return payment.Charge{Authorization: held}, err
	}
	return payment.Charge{Authorization: held, Capture: payment.Capture{ID: chargeOf(intent)}}, nil
}

// create creates a PaymentIntent and confirms it, or returns the one that an earlier call has created under the key.
func (g *Gateway) create(
	ctx context.Context, r payment.AuthorizeRequest, capture stripe.PaymentIntentCaptureMethod,
) (*stripe.PaymentIntent, error) {
	if r.Token == "" {
		return nil, declined("token_required", "a card number is never passed on: send payment.token")
	}
	amount, err := stripeAmount(r.Amount)
	if err != nil {
		return nil, declined("unsupported_amount", err.Error())
	}
	var intent *stripe.PaymentIntent
	wanted := intentParams(r, amount, capture)
	if r.Settle { // Stripe may have forgotten the key
		intent, err = g.find(ctx, wanted)
		if err != nil && !payment.IsDeclined(failure(err)) { // it may be there; an account without search is refused one
			return nil, failure(err)
		}
	}
	if intent == nil {
		intent, err = g.createOnce(ctx, wanted)
	}
	if intent, err = g.newest(ctx, intent, err); err != nil {
		return nil, failure(err)
	}
	return intent, nil
}

// createOnce asks under a key that may have been used for the other way to capture: Stripe repeats an answer only to the same
// parameters, and does nothing for others.
func (g *Gateway) createOnce(ctx context.Context, wanted *stripe.PaymentIntentCreateParams) (*stripe.PaymentIntent, error) {
	intent, err := g.client.V1PaymentIntents.Create(ctx, wanted)
	if keyUsed(err) {
		other := *wanted
		other.CaptureMethod = new(otherCapture[*wanted.CaptureMethod])
		intent, err = g.client.V1PaymentIntents.Create(ctx, &other)
	}
	if failedBefore(err) || keyUsed(err) {
		if found, _ := g.find(ctx, wanted); found != nil {
			return found, nil
		}
	}
	return intent, err
}

var otherCapture = map[string]string{
	string(stripe.PaymentIntentCaptureMethodManual):    string(stripe.PaymentIntentCaptureMethodAutomatic),
	string(stripe.PaymentIntentCaptureMethodAutomatic): string(stripe.PaymentIntentCaptureMethodManual),
}

// Capture captures all that the PaymentIntent holds.
func (g *Gateway) Capture(ctx context.Context, r payment.CaptureRequest) (payment.Capture, error) {
	intent, err := underKey(r.IdempotencyKey, func(p stripe.Params) (*stripe.PaymentIntent, error) {
		return g.client.V1PaymentIntents.Capture(ctx, r.AuthorizationID, &stripe.PaymentIntentCaptureParams{Params: p})
	})
	if inOtherState(err) {
		intent, err = g.client.V1PaymentIntents.Retrieve(ctx, r.AuthorizationID, nil)
	}
	if intent, err = g.newest(ctx, intent, err); err != nil {
		return payment.Capture{}, failure(err)
	}
	if intent.Status == stripe.PaymentIntentStatusSucceeded {
		return payment.Capture{ID: chargeOf(intent)}, nil
	}
	if intent.Status == stripe.PaymentIntentStatusCanceled {
		return payment.Capture{}, declined(string(intent.Status), "what was held is released")
	}
	return payment.Capture{}, undecided(intent)
}

// Void cancels the PaymentIntent.
func (g *Gateway) Void(ctx context.Context, r payment.VoidRequest) error {
	intent, err := underKey(r.IdempotencyKey, func(p stripe.Params) (*stripe.PaymentIntent, error) {
		return g.client.V1PaymentIntents.Cancel(ctx, r.AuthorizationID, &stripe.PaymentIntentCancelParams{Params: p})
	})
	if inOtherState(err) {
		intent, err = g.client.V1PaymentIntents.Retrieve(ctx, r.AuthorizationID, nil)
	}
	if intent, err = g.newest(ctx, intent, err); err != nil {
		return failure(err)
	}
	if intent.Status == stripe.PaymentIntentStatusCanceled {
		return nil
	}
	if intent.Status == stripe.PaymentIntentStatusSucceeded {
		return &payment.CapturedError{Gateway: name, AuthorizationID: r.AuthorizationID}
	}
	return undecided(intent)
}

// Refund refunds all that was captured. It first checks that anything was: Stripe may release a hold that is refunded.
func (g *Gateway) Refund(ctx context.Context, r payment.RefundRequest) (payment.Refund, error) {
	intent, err := g.client.V1PaymentIntents.Retrieve(ctx, r.AuthorizationID, nil)
	if err != nil {
		return payment.Refund{}, failure(err)
	}
	if intent.Status == stripe.PaymentIntentStatusProcessing {
		return payment.Refund{}, undecided(intent)
	}
	if intent.Status != stripe.PaymentIntentStatusSucceeded {
		return payment.Refund{}, declined(string(intent.Status), "nothing was taken")
	}
	return g.refund(ctx, r)
}

func (g *Gateway) refund(ctx context.Context, r payment.RefundRequest) (payment.Refund, error) {
	refund, err := underKey(r.IdempotencyKey, func(p stripe.Params) (*stripe.Refund, error) {
		return g.client.V1Refunds.Create(ctx, &stripe.RefundCreateParams{Params: p, PaymentIntent: &r.AuthorizationID})
	})
	if refundedBefore(err) {
		refund, err = g.firstRefund(ctx, r.AuthorizationID, err)
	}
	if err != nil {
		return payment.Refund{}, failure(err)
	}
	if !givesBack(refund) {
		return payment.Refund{}, declined(cmp.Or(string(refund.FailureReason), string(refund.Status)), refund.ID)
	}
	return payment.Refund{ID: refund.ID}, nil
}

// newest retrieves a PaymentIntent again if it was between two states when Stripe answered: a request under the same key
// would only repeat that answer.
func (g *Gateway) newest(ctx context.Context, intent *stripe.PaymentIntent, err error) (*stripe.PaymentIntent, error) {
	if err != nil || intent.Status != stripe.PaymentIntentStatusProcessing && intent.Status != stripe.PaymentIntentStatusRequiresConfirmation {
		return intent, err
	}
	return g.client.V1PaymentIntents.Retrieve(ctx, intent.ID, nil)
}

// underKey calls ask with the key, and with a new one if Stripe only repeats an earlier failure. Use it only for what
// Stripe does once whatever the key.
func underKey[V any](key string, ask func(stripe.Params) (V, error)) (V, error) {
	answer, err := ask(params(key))
	if failedBefore(err) {
		answer, err = ask(params(uuid.NewString()))
	}
	return answer, err
}

// maxKey is the length of the longest idempotency key that Stripe accepts, https://docs.stripe.com/api/idempotent_requests.
const maxKey = 255

// The metadata by which find looks for a PaymentIntent, and people find it in Stripe's dashboard.
const (
	transactionField = "transactionID"
	keyField         = "idempotencyKey"
)

func params(key string) stripe.Params {
	key = shortened(key)
	return stripe.Params{IdempotencyKey: &key}
}

func shortened(key string) string {
	if len(key) <= maxKey {
		return key
	}
	digest := sha256.Sum256([]byte(key))
	return hex.EncodeToString(digest[:])
}

// intentParams returns the parameters of a PaymentIntent that needs no action by the customer: a payment that would have to
// redirect the customer fails instead.
func intentParams(
	r payment.AuthorizeRequest, amount int64, capture stripe.PaymentIntentCaptureMethod,
) *stripe.PaymentIntentCreateParams {
	return &stripe.PaymentIntentCreateParams{
		Params:        params(r.IdempotencyKey),
		Amount:        new(amount),
		Currency:      new(stripeCurrency(r.Amount.Currency)),
		PaymentMethod: new(r.Token),
		CaptureMethod: new(string(capture)),
		Confirm:       new(true),
		AutomaticPaymentMethods: &stripe.PaymentIntentCreateAutomaticPaymentMethodsParams{
			Enabled:        new(true),
			AllowRedirects: new(string(stripe.PaymentIntentAutomaticPaymentMethodsAllowRedirectsNever)),
		},
		ErrorOnRequiresAction: new(true),
		Metadata:              map[string]string{transactionField: r.TransactionID, keyField: shortened(r.IdempotencyKey)},
	}
}

// authorization returns the result of a new PaymentIntent. One that find found may have changed its state since.
func authorization(intent *stripe.PaymentIntent) (payment.Authorization, error) {
	switch intent.Status {
	case stripe.PaymentIntentStatusRequiresCapture, stripe.PaymentIntentStatusSucceeded, stripe.PaymentIntentStatusCanceled:
		return payment.Authorization{ID: intent.ID, Gateway: name}, nil
	case stripe.PaymentIntentStatusRequiresAction:
		return payment.Authorization{}, declined(string(stripe.ErrorCodeAuthenticationRequired), "")
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		return payment.Authorization{}, failedAttempt(intent)
	case stripe.PaymentIntentStatusProcessing, stripe.PaymentIntentStatusRequiresConfirmation:
		fallthrough
	default:
		return payment.Authorization{}, undecided(intent)
	}
}

// undecided returns the error for a PaymentIntent that is between two states.
func undecided(intent *stripe.PaymentIntent) error {
	return unknown(fmt.Errorf("the PaymentIntent %s is %s", intent.ID, intent.Status))
}

func failedAttempt(intent *stripe.PaymentIntent) error {
	if intent.LastPaymentError == nil {
		return declined(string(intent.Status), "")
	}
	return refused(intent.LastPaymentError, payment.GenericDecline, "")
}

// find looks for the PaymentIntent of a request that Stripe failed to answer. It returns nil if it finds none of this amount: that
// proves nothing, because a new one can take a minute to appear in the search, https://docs.stripe.com/search#data-freshness.
// Accounts in India have no search.
func (g *Gateway) find(ctx context.Context, wanted *stripe.PaymentIntentCreateParams) (*stripe.PaymentIntent, error) {
	query := fmt.Sprintf("metadata[%q]:%q AND metadata[%q]:%q",
		transactionField, wanted.Metadata[transactionField], keyField, wanted.Metadata[keyField])
	search := &stripe.PaymentIntentSearchParams{SearchParams: stripe.SearchParams{Query: query}}
	for intent, err := range g.client.V1PaymentIntents.Search(ctx, search) {
		if err != nil {
			return nil, err
		}
		if intent.Amount == *wanted.Amount && string(intent.Currency) == *wanted.Currency {
			return intent, nil
		}
	}
	return nil, nil
}

// chargeOf returns the id of the charge that took the money, or the PaymentIntent's own if the charge is unknown.
func chargeOf(intent *stripe.PaymentIntent) string {
	if intent.LatestCharge != nil && intent.LatestCharge.ID != "" {
		return intent.LatestCharge.ID
	}
	return intent.ID
}

// firstRefund returns the refund that gave the money back. All that was captured can be refunded only once.
func (g *Gateway) firstRefund(ctx context.Context, intentID string, why error) (*stripe.Refund, error) {
	for refund, err := range g.client.V1Refunds.List(ctx, &stripe.RefundListParams{PaymentIntent: &intentID}) {
		if err != nil || givesBack(refund) {
			return refund, err
		}
	}
	return nil, why
}

// givesBack reports whether a refund gives the money back, now or once the bank has processed it.
func givesBack(r *stripe.Refund) bool {
	return r.Status != stripe.RefundStatusFailed && r.Status != stripe.RefundStatusCanceled
}

// The units in which Stripe counts currencies, https://docs.stripe.com/currencies#minor-units. It counts most in
// hundredths; the others are listed here.
var (
	// whole are counted in whole units, by Stripe and by ISO 4217.
	whole = strings.Fields("BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF")
	// wholeAsHundredths have no smaller unit, but Stripe counts them in hundredths.
	wholeAsHundredths = strings.Fields("ISK UGX")
	// thousandths are counted in thousandths, and Stripe accepts only multiples of ten of these.
	thousandths = strings.Fields("BHD JOD KWD OMR TND")
	// otherwise are counted in hundredths by ISO 4217, but not by Stripe.
	otherwise = strings.Fields("MGA")
)

// stripeAmount returns the amount in Stripe's units. It rejects every amount that Stripe cannot take unchanged, or for
// which Stripe documents no unit: a wrong amount would be off by a factor of ten or a hundred.
func stripeAmount(m money.Money) (int64, error) {
	code := string(m.Currency)
	digits, err := m.Currency.Digits()
	switch {
	case err != nil || m.Minor <= 0:
		return 0, fmt.Errorf("%s is not an amount to pay", m)
	case slices.Contains(whole, code):
		return m.Minor, nil
	case slices.Contains(wholeAsHundredths, code) && m.Minor <= math.MaxInt64/100:
		return m.Minor * 100, nil
	case slices.Contains(thousandths, code) && m.Minor%10 == 0:
		return m.Minor, nil
	case slices.Contains(thousandths, code):
		return 0, fmt.Errorf("of %s, Stripe takes only amounts with a last digit of 0, unlike %s", code, m)
	case digits == 2 && !slices.Contains(otherwise, code):
		return m.Minor, nil
	default:
		return 0, fmt.Errorf("no payment of %s can be made through Stripe", m)
	}
}

func stripeCurrency(c money.Currency) string {
	return strings.ToLower(string(c))
}

// answerWithin bounds a call whose context has no deadline. Stripe's slowest answers, from distant banks, take less.
const answerWithin = time.Minute

// newClient returns a client that sends each request once: Temporal decides on retries, where they are visible.
func newClient(apiKey, baseURL string) *stripe.Client {
	return stripe.NewClient(apiKey, stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL:               new(baseURL),
		HTTPClient:        httpClient(),
		MaxNetworkRetries: new(int64(0)),
		EnableTelemetry:   new(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
	})))
}

// httpClient returns a client that follows no redirects: a redirected POST would become a GET. A request has a span if the call
// that makes it has one.
func httpClient() *http.Client {
	return &http.Client{
		Timeout: answerWithin,
		Transport: otelhttp.NewTransport(anonymousTransport{http.DefaultTransport}, otelhttp.WithMeterProvider(noop.NewMeterProvider()),
			otelhttp.WithFilter(func(r *http.Request) bool { return trace.SpanFromContext(r.Context()).IsRecording() })),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// anonymousTransport removes the header in which the client sends details of this machine: its name and kernel.
type anonymousTransport struct {
	http.RoundTripper
}

// RoundTrip sends a copy of the request without that header.
func (d anonymousTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("X-Stripe-Client-User-Agent")
	return d.RoundTripper.RoundTrip(r)
}
