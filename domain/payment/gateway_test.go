package payment_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"dummyorders/domain/payment"
)

func TestADeclineIsKnownHoweverItIsWrapped(t *testing.T) {
	declined := &payment.DeclinedError{Gateway: "simulated", Code: "insufficient_funds"}
	for _, err := range []error{
		declined,
		fmt.Errorf("authorize: %w", declined),
		fmt.Errorf("transaction 1: %w", fmt.Errorf("authorize: %w", declined)),
		errors.Join(errors.New("close the connection"), declined),
	} {
		if !payment.IsDeclined(err) {
			t.Errorf("%q is not known as a decline", err)
		}
	}
}

func TestNoOtherFailureIsADecline(t *testing.T) {
	for _, err := range []error{
		nil,
		errors.New("gateway simulated declined: insufficient_funds"),
		context.DeadlineExceeded,
		fmt.Errorf("authorize: %v", &payment.DeclinedError{Gateway: "simulated", Code: "insufficient_funds"}),
	} {
		if payment.IsDeclined(err) {
			t.Errorf("%v is taken for a decline", err)
		}
	}
}

func TestADeclineSaysWhoDeclinedAndWhy(t *testing.T) {
	err := &payment.DeclinedError{Gateway: "simulated", Code: "insufficient_funds"}
	if want := "gateway simulated declined: insufficient_funds"; err.Error() != want {
		t.Errorf("the error reads %q, want %q", err, want)
	}
}
