package stripe

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v84"

	"dummyorders/domain/payment"
)

// The words of https://docs.stripe.com/declines/codes, among them those that the library has constants for.
var declineCodes = []string{
	"approve_with_id", "authentication_not_handled", "authentication_required", "call_issuer", "card_not_supported", "card_velocity_exceeded",
	"currency_not_supported", "do_not_honor", "do_not_try_again", "duplicate_transaction", "expired_card", "fraudulent", "generic_decline",
	"incorrect_address", "incorrect_cvc", "incorrect_number", "incorrect_pin", "incorrect_zip", "insufficient_funds", "invalid_account",
	"invalid_amount", "invalid_cvc", "invalid_expiry_month", "invalid_expiry_year", "invalid_number", "invalid_pin", "issuer_not_available",
	"lost_card", "merchant_blacklist", "mobile_device_authentication_required", "new_account_information_available", "no_action_taken",
	"not_permitted", "offline_pin_required", "online_or_offline_pin_required", "pickup_card", "pin_try_exceeded", "processing_error",
	"reenter_transaction", "restricted_card", "revocation_of_all_authorizations", "revocation_of_authorization", "security_violation",
	"service_not_allowed", "stolen_card", "stop_payment_order", "testmode_decline", "transaction_not_allowed", "try_again_later",
	"withdrawal_count_limit_exceeded",
	string(stripe.ErrorCodeCardDeclined), string(stripe.ErrorCodeAmountTooSmall), string(stripe.ErrorCodeResourceMissing),
	"token_required", "unsupported_amount",
}

// Each of Stripe's words for a decline has a listed reason.
func TestReasonsAreListed(t *testing.T) {
	for _, word := range declineCodes {
		require.NotEmpty(t, reasons[word], word)
	}
	for word, code := range reasons {
		require.Equal(t, code, payment.NewDecline(code).Code, word)
	}
}
