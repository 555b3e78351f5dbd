package stripe

import "dummyorders/domain/payment"

// reasons are what Stripe's words for a decline mean: its decline codes, https://docs.stripe.com/declines/codes as of November
// 2026, and those of its error codes, https://docs.stripe.com/error-codes, that end a payment. A word that is not here is a
// payment.GenericDecline.
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
	"parameter_invalid_empty":          payment.InvalidRequest,
	"parameter_invalid_integer":        payment.InvalidRequest,
	"parameter_invalid_string_blank":   payment.InvalidRequest,
	"parameter_missing":                payment.InvalidRequest,
	"parameter_unknown":                payment.InvalidRequest,
	"payment_intent_unexpected_state":  payment.InvalidRequest,
	"invalid_request_error":            payment.InvalidRequest,
}
