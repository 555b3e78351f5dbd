package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v84"

	"dummyorders/domain/card"
	"dummyorders/domain/payment"
	"dummyorders/gateways/posting"
)

// failure turns what the client fails with into one of payment's errors. Stripe's own error never goes on: its text is
// the whole answer, with the secret by which a customer's browser may act on the payment.
func failure(err error) error {
	var answer *stripe.Error
	if !errors.As(err, &answer) {
		return noAnswer(err)
	}
	switch status := answer.HTTPStatusCode; {
	case answer.Type == stripe.ErrorTypeCard:
		return refused(answer, payment.GenericDecline, "")
	case answer.Type == stripe.ErrorTypeIdempotency && status != http.StatusConflict:
		return unknown(fmt.Errorf("the key was used for something else: %w", brief(answer)))
	case status == http.StatusTooManyRequests, status == http.StatusConflict: // busy, or at work on the same key
		return temporary(answer)
	case status == http.StatusUnauthorized, status == http.StatusForbidden: // our key is wrong, not the customer's card
		return temporary(answer)
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusFailedDependency:
		return unknown(brief(answer)) // of the way there, or of what Stripe itself depends on: no word about the payment
	case status >= 400 && status < 500:
		return refused(answer, payment.InvalidRequest, card.Redact(answer.Msg))
	default:
		return unknown(brief(answer))
	}
}

// noAnswer tells a connection that was never made, so that nothing was asked, from one that broke.
func noAnswer(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" && !ended(err) {
		return &payment.TemporaryError{Gateway: name, Code: "unreachable"}
	}
	var broken *url.Error
	if !errors.As(err, &broken) && !ended(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the answer is none of Stripe's API") // and may hold anything
	}
	return unknown(err)
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func temporary(answer *stripe.Error) error {
	return &payment.TemporaryError{Gateway: name, Code: word(answer), After: retryAfter(answer)}
}

func declined(code, detail string) error {
	return &payment.DeclinedError{Gateway: name, Code: code, Reason: reasons[code], Detail: detail}
}

// refused is a decline by the first of Stripe's words that is known here, and by other where none is.
func refused(answer *stripe.Error, other payment.DeclineCode, detail string) error {
	reason := cmp.Or(reasons[string(answer.DeclineCode)], reasons[string(answer.Code)], other)
	return &payment.DeclinedError{Gateway: name, Code: word(answer), Reason: reason, Detail: detail}
}

func unknown(err error) error {
	return &payment.UnknownError{Gateway: name, Err: err}
}

// word is the most precise of the words that Stripe has for it: https://docs.stripe.com/declines/codes, else
// https://docs.stripe.com/error-codes, else the HTTP status.
func word(answer *stripe.Error) string {
	switch {
	case answer.DeclineCode != "":
		return string(answer.DeclineCode)
	case answer.Code != "":
		return string(answer.Code)
	case answer.HTTPStatusCode == http.StatusBadRequest || answer.HTTPStatusCode == 0:
		return string(answer.Type)
	default:
		return "http_" + strconv.Itoa(answer.HTTPStatusCode)
	}
}

// brief is what is needed to find the failure in Stripe's dashboard.
func brief(answer *stripe.Error) error {
	return fmt.Errorf("HTTP %d, %s, request %q", answer.HTTPStatusCode, answer.Type, answer.RequestID)
}

func retryAfter(answer *stripe.Error) time.Duration {
	after, _ := posting.RetryAfter(header(answer, "Retry-After"), time.Now())
	return after
}

// failedBefore says whether Stripe failed under the same key before, and now only repeats it.
func failedBefore(err error) bool {
	var answer *stripe.Error
	return errors.As(err, &answer) && answer.HTTPStatusCode >= 500 && header(answer, "Idempotent-Replayed") == "true"
}

// keyUsed says whether Stripe has answered another request under the key, as one whose form differed in an earlier version.
func keyUsed(err error) bool {
	var answer *stripe.Error
	return errors.As(err, &answer) && answer.Type == stripe.ErrorTypeIdempotency && answer.HTTPStatusCode != http.StatusConflict
}

// inOtherState says whether a PaymentIntent is no longer, or not yet, where the call would have led on from.
func inOtherState(err error) bool {
	return hasCode(err, stripe.ErrorCodePaymentIntentUnexpectedState)
}

func refundedBefore(err error) bool {
	return hasCode(err, stripe.ErrorCodeChargeAlreadyRefunded)
}

func hasCode(err error, code stripe.ErrorCode) bool {
	var answer *stripe.Error
	return errors.As(err, &answer) && answer.Code == code
}

func header(answer *stripe.Error, name string) string {
	if answer.LastResponse == nil {
		return ""
	}
	return answer.LastResponse.Header.Get(name)
}
