package channeltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
)

// patience is long enough for a slow machine: what is expected normally happens much sooner.
const patience = time.Minute

// maxWords bounds what a history records of one try, in characters.
const maxWords = 500

// Conformance tests a channel against the contract of alert.Channel. start must return, for each test, a channel and a
// far side that has not accepted anything yet.
func Conformance(t *testing.T, start func(*testing.T) Subject) {
	for _, c := range []struct {
		how  Behaviour
		want func(*testing.T, error)
	}{
		{Refuses, final},
		{Gone, final},
		{Redirects, final},
		{PutsOff, later(7*time.Second, 7*time.Second)},
		{PutsOffUntil, later(time.Second, 90*time.Second)},
		{PutsOffForLong, later(time.Hour, time.Hour)},
		{Unavailable, later(7*time.Second, 7*time.Second)},
		{Busy, soon},
		{Fails, soon},
		{FailsAtLength, soon},
		{Repeats, soon},
		{Babbles, soon},
		{CutsBefore, soon},
		{Away, soon},
	} {
		t.Run("the other side "+string(c.how), func(t *testing.T) { notTaken(t, start(t), c.how, c.want) })
	}
	t.Run("a message is taken, and the answer returned", func(t *testing.T) { taken(t, start(t)) })
	t.Run("a lost answer is a failure, and the next try has the same key", func(t *testing.T) { lostAnswer(t, start(t)) })
	t.Run("a cancelled delivery returns at once", func(t *testing.T) { cancelled(t, start(t)) })
	t.Run("a delivery without time left returns at once", func(t *testing.T) { expired(t, start(t)) })
	t.Run("many deliveries at once", func(t *testing.T) { atOnce(t, start(t)) })
}

// Message returns a message that any channel can deliver.
func Message(key string) alert.Message {
	id := "0199a3c4-0000-5000-8000-000000000001"
	event := alert.Sample(alert.FraudDetected, id, time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC))
	text := "order 1234 declined, INR 123.00 <ü ⚠ 𝄞>\nhttp://localhost:9001/alerts/" + id
	return alert.Message{
		Key: key, Notice: alert.Notice{ID: id, Event: event},
		Subject: "Transaction Fraud Alert: order 1234 declined", Text: text, HTML: "<p>order 1234 declined, INR 123.00</p>",
	}
}

func (s Subject) deliver(t *testing.T, key string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer, err := s.Channel.Deliver(ctx, s.To, Message(key))
	s.checkRecorded(t, answer, err)
	return answer, err
}

// checkRecorded checks everything that a history would record of a try: the answer, or the error and every error that it
// wraps.
func (s Subject) checkRecorded(t *testing.T, answer string, err error) {
	t.Helper()
	texts := []string{answer}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		texts = append(texts, cause.Error())
	}
	for _, words := range texts {
		assert.LessOrEqual(t, utf8.RuneCountInString(words), maxWords, words)
		assert.True(t, utf8.ValidString(words), "%q", words)
		assert.NotContains(t, words, "\n", "an answer has one line")
		for _, secret := range s.Secrets {
			assert.NotContains(t, words, secret, "a secret is shown")
		}
	}
}

func (s Subject) keys() []string {
	var keys []string
	for _, message := range s.Far.Taken() {
		keys = append(keys, message.Key)
	}
	return keys
}

func final(t *testing.T, err error) {
	assert.True(t, alert.IsRefused(err), "it is not taken for final: %v", err)
	assert.Zero(t, alert.Later(err))
}

func soon(t *testing.T, err error) {
	assert.False(t, alert.IsRefused(err), "it is taken for final: %v", err)
	assert.Zero(t, alert.Later(err), "%v", err)
}

func later(least, most time.Duration) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		assert.False(t, alert.IsRefused(err), "it is taken for final: %v", err)
		assert.GreaterOrEqual(t, alert.Later(err), least, "%v", err)
		assert.LessOrEqual(t, alert.Later(err), most, "%v", err)
	}
}

func notTaken(t *testing.T, s Subject, how Behaviour, want func(*testing.T, error)) {
	if !s.Far.Behave(how) {
		t.Skip("its protocol knows no such thing")
	}
	answer, err := s.deliver(t, "key-1")
	require.Error(t, err)
	assert.Empty(t, answer)
	want(t, err)
	assert.Empty(t, s.Far.Taken())
	assert.LessOrEqual(t, s.Far.Asked(), 1, "one try is one try")
	assert.Empty(t, s.Far.Violations())
}

func taken(t *testing.T, s Subject) {
	s.Far.Behave(Takes)
	answer, err := s.deliver(t, "key-1")
	require.NoError(t, err)
	assert.NotEmpty(t, answer)
	require.Len(t, s.Far.Taken(), 1)
	assert.Contains(t, s.Far.Taken()[0].Text, "order 1234 declined, INR 123.00 <ü ⚠ 𝄞>")
	assert.Empty(t, s.Far.Violations())
}

func lostAnswer(t *testing.T, s Subject) {
	if !s.Far.Behave(CutsAfter) {
		t.Skip("its protocol knows no such thing")
	}
	_, err := s.deliver(t, "key-1")
	require.Error(t, err)
	soon(t, err)
	s.Far.Behave(Takes)
	_, err = s.deliver(t, "key-1")
	require.NoError(t, err)
	require.Len(t, s.Far.Taken(), 2)
	if s.Keyed {
		assert.Equal(t, []string{"key-1", "key-1"}, s.keys())
	}
	assert.Empty(t, s.Far.Violations())
}

// dawdling begins a delivery that gets no answer before its sender gives up.
func dawdling(ctx context.Context, t *testing.T, s Subject) <-chan error {
	if !s.Far.Behave(Dawdles) {
		t.Skip("its protocol knows no such thing")
	}
	over := make(chan error, 1)
	go func() {
		_, err := s.Channel.Deliver(ctx, s.To, Message("key-1"))
		over <- err
	}()
	return over
}

func (s Subject) gaveUp(t *testing.T, over <-chan error, because error) {
	select {
	case err := <-over:
		require.ErrorIs(t, err, because)
		soon(t, err)
		s.checkRecorded(t, "", err)
	case <-time.After(patience):
		t.Error("it did not give up")
	}
}

func cancelled(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := dawdling(ctx, t, s)
	require.Eventually(t, func() bool { return s.Far.Asked() > 0 }, patience, time.Millisecond)
	cancel()
	s.gaveUp(t, over, context.Canceled)
}

func expired(t *testing.T, s Subject) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.gaveUp(t, dawdling(ctx, t, s), context.DeadlineExceeded)
}

func atOnce(t *testing.T, s Subject) {
	const many = 30
	s.Far.Behave(Takes)
	var all sync.WaitGroup
	var want []string
	for i := range many {
		key := fmt.Sprintf("key-%d", i)
		want = append(want, key)
		all.Go(func() {
			_, err := s.deliver(t, key)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	if s.Keyed {
		assert.ElementsMatch(t, want, s.keys())
	}
	assert.Len(t, s.Far.Taken(), many)
	assert.Empty(t, strings.Join(s.Far.Violations(), "\n"))
}
