package payment

import (
	"errors"
	"fmt"
	"time"
)

// DeclinedError means that a gateway refuses for good: it did nothing, and asking again changes nothing.
type DeclinedError struct {
	Gateway string
	Code    string      // the gateway's own word, such as insufficient_funds
	Reason  DeclineCode // what Code means; empty if the gateway's word is not known
	Detail  string      // for people, if the code does not say enough; may be empty
}

// Error says who declined, and why.
func (e *DeclinedError) Error() string {
	text := fmt.Sprintf("gateway %s declined: %s", e.Gateway, e.Code)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// TemporaryError means that a gateway refuses for now: this call did nothing, and asking again may help. It does not say
// what an earlier call under the same key did.
type TemporaryError struct {
	Gateway string
	Code    string        // the gateway's own word, such as rate_limit
	After   time.Duration // how long to wait before asking again; 0 if the gateway did not say
}

// Error says which gateway refuses for now, and why.
func (e *TemporaryError) Error() string {
	return fmt.Sprintf("gateway %s cannot now: %s", e.Gateway, e.Code)
}

// UnknownError means that it is not known whether the gateway did what it was asked to. Only asking again under the same key
// settles it.
type UnknownError struct {
	Gateway string
	Err     error
}

// Error says which gateway did not answer, and what came instead.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("gateway %s gave no answer, and what it did is unknown: %v", e.Gateway, e.Err)
}

// Unwrap returns what came instead of an answer.
func (e *UnknownError) Unwrap() error { return e.Err }

// CapturedError refuses a void: the money was already taken, and only a refund gives it back.
type CapturedError struct {
	Gateway         string
	AuthorizationID string
}

// Error says what was taken.
func (e *CapturedError) Error() string {
	return fmt.Sprintf("gateway %s has taken the money of authorization %s already", e.Gateway, e.AuthorizationID)
}

// ReasonOf returns why a gateway has declined, or GenericDecline if err does not say so.
func ReasonOf(err error) DeclineCode {
	declined, _ := errors.AsType[*DeclinedError](err)
	if declined == nil {
		return GenericDecline
	}
	return NewDecline(declined.Reason).Code
}

// IsDeclined reports whether err means that a gateway refuses for good.
func IsDeclined(err error) bool {
	_, is := errors.AsType[*DeclinedError](err)
	return is
}

// IsTemporary reports whether err means that a gateway refuses for now.
func IsTemporary(err error) bool {
	_, is := errors.AsType[*TemporaryError](err)
	return is
}

// IsCaptured reports whether err refuses a void because the money was taken.
func IsCaptured(err error) bool {
	_, is := errors.AsType[*CapturedError](err)
	return is
}

// IsUnknown reports whether err leaves it unknown what the gateway did.
func IsUnknown(err error) bool {
	_, is := errors.AsType[*UnknownError](err)
	return is
}

// Decline says why no money was taken, in words that are the same for every gateway.
type Decline struct {
	Code      DeclineCode `json:"code" example:"insufficient_funds" doc:"Why, in words that are the same for all gateways"`
	Retryable bool        `json:"retryable" doc:"Whether the same payment may succeed if it is posted again later, under a new key"`
}

// Result says which gateway was asked to move the money, and why the money was not taken.
type Result struct {
	Gateway string   `json:"gateway,omitempty" example:"stripe" doc:"The gateway that was asked to move the money; simulated gateways move none"`
	Decline *Decline `json:"decline,omitempty" doc:"Why no money was taken; absent unless the status is 17"`
}

// DeclineCode is a reason why no money was taken. DeclineCodes lists them all.
type DeclineCode string

// The reasons, in the words of card networks and gateways.
const (
	InsufficientFunds      DeclineCode = "insufficient_funds"
	LimitExceeded          DeclineCode = "limit_exceeded"
	DoNotHonor             DeclineCode = "do_not_honor"
	GenericDecline         DeclineCode = "generic_decline"
	LostCard               DeclineCode = "lost_card"
	StolenCard             DeclineCode = "stolen_card"
	RestrictedCard         DeclineCode = "restricted_card"
	SuspectedFraud         DeclineCode = "suspected_fraud"
	ExpiredCard            DeclineCode = "expired_card"
	InvalidCard            DeclineCode = "invalid_card"
	IncorrectVerification  DeclineCode = "incorrect_verification"
	AuthenticationRequired DeclineCode = "authentication_required"
	NotPermitted           DeclineCode = "not_permitted"
	DuplicateTransaction   DeclineCode = "duplicate_transaction"
	InvalidAmount          DeclineCode = "invalid_amount"
	InvalidToken           DeclineCode = "invalid_token"
	InvalidRequest         DeclineCode = "invalid_request"
	UnknownPaymentMethod   DeclineCode = "unknown_payment_method"
	ProcessingError        DeclineCode = "processing_error"
	IssuerUnavailable      DeclineCode = "issuer_unavailable"
	GatewayUnavailable     DeclineCode = "gateway_unavailable"
	Cancelled              DeclineCode = "cancelled"
)

// DeclineCodes lists all reasons and their meanings, in the order in which the docs list them.
var DeclineCodes = []struct {
	Code      DeclineCode
	Retryable bool
	Meaning   string
}{
	{InsufficientFunds, true, "the account does not have the amount now"},
	{LimitExceeded, true, "the card's limit of amount or number of payments is reached for now"},
	{DoNotHonor, false, "the issuer refused and gives no reason: the card's owner has to ask there"},
	{GenericDecline, false, "the gateway refused and gives no reason that is listed here"},
	{LostCard, false, "the card is reported lost; say to the customer only that it was declined"},
	{StolenCard, false, "the card is reported stolen; say to the customer only that it was declined"},
	{RestrictedCard, false, "the issuer has blocked the card or wants it back, or its owner has stopped such payments"},
	{SuspectedFraud, false, "the gateway or the issuer suspects fraud; say to the customer only that it was declined"},
	{ExpiredCard, false, "the card has expired"},
	{InvalidCard, false, "number, expiry date or account do not exist"},
	{IncorrectVerification, false, "the verification value, PIN or address is wrong"},
	{AuthenticationRequired, false, "the issuer wants the card's owner asked, as 3-D Secure does"},
	{NotPermitted, false, "the card cannot be used for this kind of payment, in this currency or by this merchant"},
	{DuplicateTransaction, false, "the issuer has just taken the same amount from the same card"},
	{InvalidAmount, false, "the gateway does not take this amount in this currency"},
	{InvalidToken, false, "the gateway needs a token, or does not know the one that was posted"},
	{InvalidRequest, false, "the gateway did not accept the request: an operator should look at it"},
	{UnknownPaymentMethod, false, "no gateway is configured for the payment method"},
	{ProcessingError, true, "the gateway or the issuer failed while processing"},
	{IssuerUnavailable, true, "the issuer could not be reached"},
	{GatewayUnavailable, true, "the gateway gave no answer in time; what it may still hold is released"},
	{Cancelled, false, "the transaction was cancelled before money was taken"},
}

// NewDecline returns the decline for a code. For a code that is empty or not listed, its code is GenericDecline.
func NewDecline(code DeclineCode) *Decline {
	for _, known := range DeclineCodes {
		if known.Code == code {
			return &Decline{Code: code, Retryable: known.Retryable}
		}
	}
	return &Decline{Code: GenericDecline}
}
