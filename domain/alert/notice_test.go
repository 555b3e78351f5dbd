package alert_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/money"
)

// A digest adds up each currency by itself.
func TestDigestTotals(t *testing.T) {
	d := alert.Digest{Members: []alert.Member{
		{Wire: money.Wire{Amount: "0.10", Currency: "USD"}},
		{Wire: money.Wire{Amount: "100", Currency: "JPY"}},
		{Wire: money.Wire{Amount: "0.20", Currency: "USD"}},
		{Wire: money.Wire{Amount: "much", Currency: "USD"}},
		{Wire: money.Wire{Amount: "5.00", Currency: "beads"}},
	}}
	want := []money.Money{{Minor: 100, Currency: "JPY"}, {Minor: 30, Currency: "USD"}}
	assert.Empty(t, cmp.Diff(want, d.Sums()), "sums (-want +got)")
	assert.Empty(t, (alert.Digest{}).Sums(), "the sum of nothing")
	most := alert.Member{Wire: money.Wire{Amount: "999999999999.9999", Currency: "CLF"}}
	d = alert.Digest{Members: slices.Repeat([]alert.Member{most}, 923)}
	assert.Equal(t, []money.Money{{Minor: math.MaxInt64, Currency: "CLF"}}, d.Sums(), "as much as fits")
}

// A notice has its event or all of its digest.
func TestNoticeMembers(t *testing.T) {
	event := alert.Sample(alert.FraudDetected, "event-1", now)
	single := alert.Notice{ID: event.ID, Event: event}.Members()
	if len(single) != 1 || single[0] != event.Member() || single[0].EventID != "event-1" || single[0].Reason != "CARD_VELOCITY" {
		t.Errorf("the event's members are %+v", single)
	}
	others := []alert.Member{{EventID: "event-2"}, {EventID: "event-3"}}
	assert.Empty(t, cmp.Diff(others, alert.Notice{Event: event, Digest: &alert.Digest{Members: others}}.Members()), "the digest's members (-want +got)")
}

// A notice names the merchants of all that it shows; who named none is the default one.
func TestNoticeMerchants(t *testing.T) {
	event := alert.Sample(alert.FraudDetected, "event-1", now)
	assert.Equal(t, []string{"default"}, alert.Notice{Event: event}.Merchants())
	event.Data.Merchant = ""
	assert.Equal(t, []string{"default"}, alert.Notice{Event: event}.Merchants(), "an event from before")
	event.Data.Merchant = "beta"
	assert.Equal(t, "beta", event.Member().Merchant)
	others := []alert.Member{{Merchant: "acme"}, {Merchant: "beta"}, {Merchant: "acme"}}
	assert.Equal(t, []string{"acme", "beta"}, alert.Notice{Event: event, Digest: &alert.Digest{Members: others}}.Merchants())
	assert.Equal(t, []string{"acme", "beta"}, alert.Notice{Event: event, Digest: &alert.Digest{Members: others[:1]}}.Merchants())
	assert.Equal(t, []string{"beta", "default"}, alert.Notice{Event: event, Digest: &alert.Digest{Members: []alert.Member{{}}}}.Merchants())
}

// An event expires when it says, or else after three days.
func TestEventExpiry(t *testing.T) {
	event := alert.Sample(alert.FraudDetected, "event-1", now)
	assert.WithinDuration(t, now.Add(72*time.Hour), event.Expiry(), 0)
	until := now.Add(time.Hour)
	event.Data.ExpiresAt = &until
	assert.WithinDuration(t, until, event.Expiry(), 0)
}

// A message's key is the same in every try, and differs for each target and step. It is fit for a header, a mail's Message-ID and a
// webhook's signature, whatever the id.
func TestMessageKey(t *testing.T) {
	first := alert.DeliveryRequest{Notice: alert.Notice{ID: "event-1"}, Receiver: "team", Target: "mail a@example.com"}
	seen := map[string]bool{first.Key(): true}
	assert.Equal(t, "event-1-0ad5e8e098874943", first.Key())
	for _, change := range []func(*alert.DeliveryRequest){
		func(t *alert.DeliveryRequest) { t.Notice.ID = "event-2" },
		func(t *alert.DeliveryRequest) { t.Notice.ID = "event.1" },
		func(t *alert.DeliveryRequest) { t.Notice.ID = " event-1" },
		func(t *alert.DeliveryRequest) { t.Notice.ID = "event-1\n" },
		func(t *alert.DeliveryRequest) { t.Notice.ID = "evént-1" },
		func(t *alert.DeliveryRequest) { t.Notice.ID = "<event-1@x>" },
		func(t *alert.DeliveryRequest) { t.Receiver = "on-call" },
		func(t *alert.DeliveryRequest) { t.Step = 1 },
		func(t *alert.DeliveryRequest) { t.Target = "mail b@example.com" },
	} {
		other := first
		change(&other)
		assert.False(t, seen[other.Key()], "%+v has the key of another", other)
		assert.Regexp(t, "^[A-Za-z0-9_-]+$", other.Key())
		seen[other.Key()] = true
	}
}

// A wish to be asked later is known however it is wrapped.
func TestRetryAfter(t *testing.T) {
	later := &alert.LaterError{By: "hooks.example.com", After: 30 * time.Second, Cause: errNoSuchUser}
	wrapped := fmt.Errorf("deliver: %w", later)
	if alert.Later(wrapped) != 30*time.Second || alert.IsRefused(wrapped) || !errors.Is(wrapped, errNoSuchUser) {
		t.Errorf("%v is not known", wrapped)
	}
	require.EqualError(t, later, "put off by hooks.example.com for 30s: 550 5.1.1 no such user")
	assert.Zero(t, alert.Later(errNoSuchUser), "a plain error puts off")
}
