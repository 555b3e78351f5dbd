package payment_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/domain/payment"
)

// answers lists the ways in which a gateway fails, and the function that recognizes each.
var answers = []struct {
	name  string
	err   error
	known func(error) bool
}{
	{"a decline", &payment.DeclinedError{Gateway: "simulated", Code: "insufficient_funds"}, payment.IsDeclined},
	{"a temporary failure", &payment.TemporaryError{Gateway: "simulated", Code: "rate_limit", After: time.Second}, payment.IsTemporary},
	{"an unknown outcome", &payment.UnknownError{Gateway: "simulated", Err: context.DeadlineExceeded}, payment.IsUnknown},
	{"a refused void", &payment.CapturedError{Gateway: "simulated", AuthorizationID: "auth_1"}, payment.IsCaptured},
}

func TestFailureIsKnownWhenWrapped(t *testing.T) {
	for _, answer := range answers {
		for _, err := range []error{
			answer.err,
			fmt.Errorf("authorize: %w", answer.err),
			fmt.Errorf("transaction 1: %w", fmt.Errorf("authorize: %w", answer.err)),
			errors.Join(errors.New("close the connection"), answer.err),
		} {
			assert.True(t, answer.known(err), "%q is not known as %s", err, answer.name)
		}
	}
}

func TestFailuresAreDistinct(t *testing.T) {
	for _, answer := range answers {
		others := []error{nil, context.DeadlineExceeded, errors.New(answer.err.Error()), fmt.Errorf("authorize: %v", answer.err)}
		for _, other := range answers {
			if other.name != answer.name {
				others = append(others, other.err)
			}
		}
		for _, err := range others {
			assert.False(t, answer.known(err), "%v is taken for %s", err, answer.name)
		}
	}
}

// A failure says who failed and why.
func TestFailureMessages(t *testing.T) {
	for want, err := range map[string]error{
		"gateway simulated declined: insufficient_funds": answers[0].err,
		"gateway stripe declined: token_required (send payment.token)": &payment.DeclinedError{
			Gateway: "stripe", Code: "token_required", Detail: "send payment.token",
		},
		"gateway simulated cannot now: rate_limit":                                                answers[1].err,
		"gateway simulated gave no answer, and what it did is unknown: context deadline exceeded": answers[2].err,
		"gateway simulated has taken the money of authorization auth_1 already":                   answers[3].err,
	} {
		assert.EqualError(t, err, want)
	}
}

// An unknown outcome keeps the error that came instead of an answer.
func TestUnknownErrorUnwraps(t *testing.T) {
	assert.ErrorIs(t, answers[2].err, context.DeadlineExceeded)
}
