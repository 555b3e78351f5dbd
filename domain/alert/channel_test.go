package alert_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"dummyorders/domain/alert"
)

var errNoSuchUser = errors.New("550 5.1.1 no such user")

// A refusal is known however it is wrapped.
func TestIsRefused(t *testing.T) {
	refused := &alert.RefusedError{By: "mail.example.com", Cause: errNoSuchUser}
	for _, err := range []error{
		refused,
		fmt.Errorf("deliver: %w", refused),
		fmt.Errorf("alert 1: %w", fmt.Errorf("deliver: %w", refused)),
		errors.Join(errors.New("close the connection"), refused),
	} {
		if !alert.IsRefused(err) {
			t.Errorf("%q is not known as a refusal", err)
		}
		if !errors.Is(err, errNoSuchUser) {
			t.Errorf("%q has lost the other side's words", err)
		}
	}
}

func TestIsRefusedNothingElse(t *testing.T) {
	for _, err := range []error{
		nil,
		errNoSuchUser,
		context.DeadlineExceeded,
		fmt.Errorf("deliver: %v", &alert.RefusedError{By: "mail.example.com", Cause: errNoSuchUser}),
	} {
		if alert.IsRefused(err) {
			t.Errorf("%v is taken for a refusal", err)
		}
	}
}

// A refusal says who refused and why.
func TestRefusedErrorMessage(t *testing.T) {
	err := &alert.RefusedError{By: "mail.example.com", Cause: errNoSuchUser}
	if want := "refused by mail.example.com: 550 5.1.1 no such user"; err.Error() != want {
		t.Errorf("the error reads %q, want %q", err, want)
	}
}
