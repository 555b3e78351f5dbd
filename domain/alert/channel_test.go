package alert_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

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
		assert.True(t, alert.IsRefused(err), "%q is not known as a refusal", err)
		assert.ErrorIs(t, err, errNoSuchUser)
	}
}

func TestIsRefusedNothingElse(t *testing.T) {
	for _, err := range []error{
		nil,
		errNoSuchUser,
		context.DeadlineExceeded,
		fmt.Errorf("deliver: %v", &alert.RefusedError{By: "mail.example.com", Cause: errNoSuchUser}),
	} {
		assert.False(t, alert.IsRefused(err), "%v is taken for a refusal", err)
	}
}

// A refusal says who refused and why.
func TestRefusedErrorMessage(t *testing.T) {
	err := &alert.RefusedError{By: "mail.example.com", Cause: errNoSuchUser}
	assert.EqualError(t, err, "refused by mail.example.com: 550 5.1.1 no such user")
}
