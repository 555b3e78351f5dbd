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

// failure turns the client's error into one of payment's errors. It never passes on Stripe's own error: its text is the
// whole answer, with the secret by which a customer's browser may act on the payment.
func failure(err error) error {
	answer, is := errors.AsType[*stripe.Error](err)
	if !is {
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
		return unknown(brief(answer)) // about the connection, or about what Stripe depends on, but not about the payment
	case status >= 400 && status < 500:
		return refused(answer, payment.InvalidRequest, card.Redact(answer.Msg))
	default:
		return unknown(brief(answer))
	}
}

// noAnswer returns a temporary error if no connection was made, so that no request was sent, and else an unknown one.
func noAnswer(err error) error {
	if dial, is := errors.AsType[*net.OpError](err); is && dial.Op == "dial" && !ended(err) {
		return &payment.TemporaryError{Gateway: name, Code: "unreachable"}
	}
	if _, is := errors.AsType[*url.Error](err); !is && !ended(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the answer is not from Stripe's API") // and may contain anything
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

// refused returns a decline, for the reason of Stripe's decline code, else of its error code, else for other.
func refused(answer *stripe.Error, other payment.DeclineCode, detail string) error {
	reason := cmp.Or(reasons[string(answer.DeclineCode)], reasons[string(answer.Code)], other)
	return &payment.DeclinedError{Gateway: name, Code: word(answer), Reason: reason, Detail: detail}
}

func unknown(err error) error {
	return &payment.UnknownError{Gateway: name, Err: err}
}

// word returns the most precise code in Stripe's answer: a decline code (https://docs.stripe.com/declines/codes), else an
// error code (https://docs.stripe.com/error-codes), else the error's type or the HTTP status.
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

// brief returns an error with what is needed to find the failure in Stripe's dashboard.
func brief(answer *stripe.Error) error {
	return fmt.Errorf("HTTP %d, %s, request %q", answer.HTTPStatusCode, answer.Type, answer.RequestID)
}

func retryAfter(answer *stripe.Error) time.Duration {
	after, _ := posting.RetryAfter(header(answer, "Retry-After"), time.Now())
	return after
}

// failedBefore reports whether Stripe failed under the same key before, and now only repeats that failure.
func failedBefore(err error) bool {
	answer, is := errors.AsType[*stripe.Error](err)
	return is && answer.HTTPStatusCode >= 500 && header(answer, "Idempotent-Replayed") == "true"
}

// keyUsed reports whether Stripe has answered a different request under the key, such as one that an earlier version of
// this program wrote differently.
func keyUsed(err error) bool {
	answer, is := errors.AsType[*stripe.Error](err)
	return is && answer.Type == stripe.ErrorTypeIdempotency && answer.HTTPStatusCode != http.StatusConflict
}

// inOtherState reports whether a PaymentIntent is no longer, or not yet, in the state that the call needs.
func inOtherState(err error) bool {
	return hasCode(err, stripe.ErrorCodePaymentIntentUnexpectedState)
}

func refundedBefore(err error) bool {
	return hasCode(err, stripe.ErrorCodeChargeAlreadyRefunded)
}

func hasCode(err error, code stripe.ErrorCode) bool {
	answer, is := errors.AsType[*stripe.Error](err)
	return is && answer.Code == code
}

func header(answer *stripe.Error, name string) string {
	if answer.LastResponse == nil {
		return ""
	}
	return answer.LastResponse.Header.Get(name)
}

// reasons maps Stripe's codes to reasons for a decline: its decline codes, https://docs.stripe.com/declines/codes as of
// November 2026, and those of its error codes, https://docs.stripe.com/error-codes, that end a payment. A code that is not
// here is a payment.GenericDecline in a card error, and else a payment.InvalidRequest.
var reasons = map[string]payment.DeclineCode{
	"insufficient_funds": payment.InsufficientFunds,

	"card_velocity_exceeded":          payment.LimitExceeded,
	"withdrawal_count_limit_exceeded": payment.LimitExceeded,

	"do_not_honor":                      payment.DoNotHonor,
	"do_not_try_again":                  payment.DoNotHonor,
	"call_issuer":                       payment.DoNotHonor,
	"no_action_taken":                   payment.DoNotHonor,
	"new_account_information_available": payment.DoNotHonor,

	"generic_decline":  payment.GenericDecline,
	"card_declined":    payment.GenericDecline,
	"testmode_decline": payment.GenericDecline,

	"lost_card":   payment.LostCard,
	"stolen_card": payment.StolenCard,

	"pickup_card":                           payment.RestrictedCard,
	"restricted_card":                       payment.RestrictedCard,
	"revocation_of_all_authorizations":      payment.RestrictedCard,
	"revocation_of_authorization":           payment.RestrictedCard,
	"stop_payment_order":                    payment.RestrictedCard,
	"fraudulent":                            payment.SuspectedFraud,
	"merchant_blacklist":                    payment.SuspectedFraud,
	"security_violation":                    payment.SuspectedFraud,
	"expired_card":                          payment.ExpiredCard,
	"incorrect_number":                      payment.InvalidCard,
	"invalid_number":                        payment.InvalidCard,
	"invalid_account":                       payment.InvalidCard,
	"invalid_expiry_month":                  payment.InvalidCard,
	"invalid_expiry_year":                   payment.InvalidCard,
	"incorrect_address":                     payment.IncorrectVerification,
	"incorrect_cvc":                         payment.IncorrectVerification,
	"incorrect_pin":                         payment.IncorrectVerification,
	"incorrect_zip":                         payment.IncorrectVerification,
	"invalid_cvc":                           payment.IncorrectVerification,
	"invalid_pin":                           payment.IncorrectVerification,
	"pin_try_exceeded":                      payment.IncorrectVerification,
	"authentication_required":               payment.AuthenticationRequired,
	"authentication_not_handled":            payment.AuthenticationRequired,
	"mobile_device_authentication_required": payment.AuthenticationRequired,
	"offline_pin_required":                  payment.AuthenticationRequired,
	"online_or_offline_pin_required":        payment.AuthenticationRequired,
	"payment_intent_authentication_failure": payment.AuthenticationRequired,

	"card_not_supported":      payment.NotPermitted,
	"currency_not_supported":  payment.NotPermitted,
	"not_permitted":           payment.NotPermitted,
	"service_not_allowed":     payment.NotPermitted,
	"transaction_not_allowed": payment.NotPermitted,

	"duplicate_transaction": payment.DuplicateTransaction,

	"invalid_amount":        payment.InvalidAmount,
	"amount_too_small":      payment.InvalidAmount,
	"amount_too_large":      payment.InvalidAmount,
	"invalid_charge_amount": payment.InvalidAmount,
	"unsupported_amount":    payment.InvalidAmount,

	"token_required":                   payment.InvalidToken,
	"resource_missing":                 payment.InvalidToken,
	"token_already_used":               payment.InvalidToken,
	"payment_method_invalid_parameter": payment.InvalidToken,
	"payment_method_unactivated":       payment.InvalidToken,
	"requires_payment_method":          payment.InvalidToken,
	"payment_method_customer_decline":  payment.DoNotHonor,
	"payment_method_provider_decline":  payment.DoNotHonor,
	"payment_method_not_available":     payment.IssuerUnavailable,
	"payment_method_provider_timeout":  payment.IssuerUnavailable,
	"issuer_not_available":             payment.IssuerUnavailable,
	"card_decline_rate_limit_exceeded": payment.LimitExceeded,
	"processing_error":                 payment.ProcessingError,
	"try_again_later":                  payment.ProcessingError,
	"reenter_transaction":              payment.ProcessingError,
	"approve_with_id":                  payment.ProcessingError,

	"live_mode_test_card":    payment.InvalidCard,
	"test_mode_live_card":    payment.InvalidCard,
	"account_closed":         payment.InvalidCard,
	"account_invalid":        payment.InvalidCard,
	"account_number_invalid": payment.InvalidCard,
	"no_account":             payment.InvalidCard,

	"bank_account_restricted":                        payment.RestrictedCard,
	"payment_method_bank_account_blocked":            payment.RestrictedCard,
	"debit_not_authorized":                           payment.RestrictedCard,
	"refer_to_customer":                              payment.RestrictedCard,
	"bank_account_declined":                          payment.GenericDecline,
	"payment_intent_payment_attempt_failed":          payment.GenericDecline,
	"payment_method_billing_details_address_missing": payment.IncorrectVerification,
	"postal_code_invalid":                            payment.IncorrectVerification,
	"payment_intent_action_required":                 payment.AuthenticationRequired,
	"invoice_payment_intent_requires_action":         payment.AuthenticationRequired,
	"invalid_card_type":                              payment.NotPermitted,
	"country_unsupported":                            payment.NotPermitted,
	"payment_intent_incompatible_payment_method":     payment.NotPermitted,
	"payment_method_currency_mismatch":               payment.NotPermitted,
	"payment_method_unsupported_type":                payment.NotPermitted,
	"charge_exceeds_transaction_limit":               payment.InvalidAmount,
	"charge_exceeds_source_limit":                    payment.LimitExceeded,
	"payment_intent_rate_limit_exceeded":             payment.LimitExceeded,
	"payment_intent_payment_attempt_expired":         payment.ProcessingError,
	"invalid_source_usage":                           payment.InvalidToken,
	"livemode_mismatch":                              payment.InvalidToken,
	"missing":                                        payment.InvalidToken,
	"payment_method_invalid_parameter_testmode":      payment.InvalidToken,
	"payment_method_unexpected_state":                payment.InvalidToken,
	"token_card_network_invalid":                     payment.InvalidToken,
	"token_in_use":                                   payment.InvalidToken,
}
