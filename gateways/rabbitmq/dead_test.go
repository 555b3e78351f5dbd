package rabbitmq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/cloudevents"
	"dummyorders/gateways/rabbitmq"
)

// dying is a dead queue of a test's own.
type dying struct {
	*rabbitmq.DeadLetters

	cfg rabbitmq.Config
}

func newDying(t *testing.T) dying {
	t.Helper()
	cfg := config(t)
	d := dying{rabbitmq.NewDeadLetters(cfg, cfg), cfg}
	require.Empty(t, d.list(t)) // declares
	return d
}

// list returns the letters that are there. It changes nothing.
func (d dying) list(t *testing.T) []alert.DeadLetter {
	t.Helper()
	var letters []alert.DeadLetter
	total, err := d.Look(t.Context(), func(l alert.DeadLetter) (drop, enough bool) {
		letters = append(letters, l)
		return false, false
	})
	require.NoError(t, err)
	require.Len(t, letters, total)
	return letters
}

// purge drops the letters with these ids, or all without any, and returns the ids of those that it dropped.
func (d dying) purge(t *testing.T, ids ...string) (purged []string) {
	t.Helper()
	_, err := d.Look(t.Context(), func(l alert.DeadLetter) (drop, enough bool) {
		if drop = has(ids)(l); drop {
			purged = append(purged, l.ID)
		}
		return drop, false
	})
	require.NoError(t, err)
	return purged
}

// replay replays the letters with these ids, or all without any, and returns the ids of those that it replayed.
func (d dying) replay(t *testing.T, ids ...string) (replayed []string) {
	t.Helper()
	require.NoError(t, d.Replay(t.Context(), has(ids), func(l alert.DeadLetter, err error) {
		require.NoError(t, err)
		replayed = append(replayed, l.ID)
	}))
	return replayed
}

func has(ids []string) func(alert.DeadLetter) bool {
	return func(l alert.DeadLetter) bool { return len(ids) == 0 || slices.Contains(ids, l.ID) }
}

// bury puts messages into the dead queue, as alertman does with messages that are not events.
func (d dying) bury(t *testing.T, messages ...amqp.Publishing) {
	t.Helper()
	ch := operator(t)
	require.NoError(t, ch.Confirm(false))
	var last *amqp.DeferredConfirmation
	for _, m := range messages {
		var err error
		last, err = ch.PublishWithDeferredConfirm(d.cfg.DeadExchange, "fraud.detected", true, false, m)
		require.NoError(t, err)
	}
	require.True(t, last.Wait())
}

// holds waits until the dead queue holds these again, in this order.
func (d dying) holds(t *testing.T, ids ...string) {
	t.Helper()
	counts(t, d.cfg.DeadQueue, len(ids))
	letters := d.list(t)
	require.Len(t, letters, len(ids))
	for i, l := range letters {
		require.Equal(t, ids[i], l.ID, "letter %d", i)
	}
	counts(t, d.cfg.DeadQueue, len(ids))
}

func message(id, body string) amqp.Publishing {
	return amqp.Publishing{MessageId: id, Body: []byte(body), DeliveryMode: amqp.Persistent}
}

func deadEvent(t *testing.T, e alert.Event) amqp.Publishing {
	t.Helper()
	body, err := cloudevents.Encode(e)
	require.NoError(t, err)
	return amqp.Publishing{
		MessageId: e.ID, Type: string(e.Type), Timestamp: e.Time, AppId: "orders", ContentType: cloudevents.ContentType,
		DeliveryMode: amqp.Persistent, Body: body,
	}
}

// A look at dead letters takes nothing away.
func TestDeadList(t *testing.T) {
	d := newDying(t)
	event := newEvent("one")
	malformed := message("odd", "card 4111 1111 1111 1111")
	malformed.Timestamp = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) // which JSON cannot say
	malformed.Headers = amqp.Table{"x-reason": "no CloudEvent in JSON:\n\x1b[31m4111111111111111"}
	d.bury(t, deadEvent(t, event), malformed, message("third", "{}"))

	letters := d.list(t)
	require.Len(t, letters, 3)
	body := deadEvent(t, event).Body
	assert.Equal(t, alert.DeadLetter{
		ID: event.ID, Time: event.Time, Reason: "none was noted", Type: "orders.fraud.detected.v1", Merchant: "default", OrderID: "one",
		RoutingKey: "fraud.detected", Size: len(body), Body: body,
	}, letters[0])
	assert.Equal(t, "no CloudEvent in JSON: [31m411111******1111", letters[1].Reason)
	assert.Contains(t, letters[1].NoEvent, "no CloudEvent in JSON")
	assert.Zero(t, letters[1].Time)
	assert.Equal(t, "card 4111 1111 1111 1111", string(letters[1].Body))
	d.holds(t, event.ID, "odd", "third")
}

// A message without an id that can be typed is named by its body.
func TestDeadIDs(t *testing.T) {
	d := newDying(t)
	digits := "01234567-8901-5234-8678-901234567890"
	d.bury(t, message("", "a"), message("4111111111111111", "b"), message("two words", "c"), message("\x1b[2J", "d"), message(digits, "e"))
	want := []string{"body-ca978112ca1bbdca", "body-3e23e8160039594a", "body-2e7d2c03a9507ae2", "body-18ac3e7343f01689", digits}
	d.holds(t, want...)

	d.purge(t, want[:2]...)
	d.holds(t, want[2:]...)
}

// A replayed letter is the same message without the headers of a dead letter.
func TestReplay(t *testing.T) {
	d := newDying(t)
	event := newEvent("one")
	dead := deadEvent(t, event)
	dead.CorrelationId, dead.ReplyTo, dead.Priority, dead.ContentEncoding = "c", "r", 3, "identity"
	marks := amqp.Table{
		"x-death": []any{amqp.Table{"reason": "rejected", "time": event.Time}}, "x-first-death-reason": "rejected",
		"x-first-death-queue": "q", "x-first-death-exchange": "e", "x-last-death-reason": "rejected", "x-last-death-queue": "q",
		"x-reason": "odd", "x-delivery-count": int64(3),
	}
	dead.Headers = amqp.Table{"traceparent": "00-0100-02-01", "x-mine": int64(7)}
	maps.Copy(dead.Headers, marks)
	d.bury(t, dead, message("other", "{}"))

	require.Equal(t, []string{event.ID}, d.replay(t, event.ID))
	got := next(t, d.cfg.Queue)
	assert.Equal(t, []any{event.ID, dead.Type, "orders", "c", "r", uint8(3), dead.ContentType, "identity", "fraud.detected", d.cfg.Exchange},
		[]any{got.MessageId, got.Type, got.AppId, got.CorrelationId, got.ReplyTo, got.Priority, got.ContentType, got.ContentEncoding, got.RoutingKey, got.Exchange})
	assert.True(t, event.Time.Equal(got.Timestamp))
	assert.Equal(t, amqp.Persistent, got.DeliveryMode)
	assert.Equal(t, string(dead.Body), string(got.Body))
	assert.Equal(t, amqp.Table{"traceparent": "00-0100-02-01", "x-mine": int64(7), "x-delivery-count": int64(0)}, got.Headers)
	d.holds(t, "other")
}

// A letter without a confirm stays in the dead queue.
func TestReplayNotConfirmed(t *testing.T) {
	d := newDying(t)
	between := newProxy(t)
	publishing := d.cfg
	publishing.URL, publishing.ConfirmTimeout = between.url("operator"), time.Second
	letters := rabbitmq.NewDeadLetters(d.cfg, publishing)
	first, second := newEvent("first"), newEvent("second")
	d.bury(t, deadEvent(t, first), deadEvent(t, second))

	var reported []error
	err := letters.Replay(t.Context(), has(nil), func(_ alert.DeadLetter, err error) {
		if reported = append(reported, err); len(reported) == 1 { // with a connection that is there
			between.freeze(t)
		}
	})
	require.ErrorContains(t, err, "no confirm within 1s")
	require.Len(t, reported, 2)
	require.NoError(t, reported[0])
	require.ErrorContains(t, reported[1], "no confirm within 1s")
	d.holds(t, second.ID)
	counts(t, d.cfg.Queue, 2) // the second is in both

	between.thaw(t)
	d.replay(t)
	d.holds(t)
	for _, id := range []string{first.ID, second.ID, second.ID} {
		require.Equal(t, id, next(t, d.cfg.Queue).MessageId)
	}
}

// A letter is in both queues when the connection is cut after its confirm.
func TestReplayCutAfterConfirm(t *testing.T) {
	first, second := newEvent("first"), newEvent("second")
	chosen := has([]string{first.ID})
	for what, act := range map[string]func(dying, func()) error{
		"replay": func(d dying, cut func()) error {
			return d.Replay(t.Context(), chosen, func(alert.DeadLetter, error) { cut() })
		},
		"purge": func(d dying, cut func()) error {
			_, err := d.Look(t.Context(), func(l alert.DeadLetter) (drop, enough bool) {
				defer cut()
				return chosen(l), false
			})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			d := newDying(t)
			d.bury(t, deadEvent(t, first), deadEvent(t, second))
			between := newProxy(t)
			reading := d.cfg
			reading.URL = between.url("operator")
			cut := dying{rabbitmq.NewDeadLetters(reading, d.cfg), d.cfg}
			err := act(cut, between.Stop)
			require.ErrorContains(t, err, "it may still be in the dead queue, too")
			d.holds(t, first.ID, second.ID)
			if what == "replay" {
				require.Equal(t, first.ID, next(t, d.cfg.Queue).MessageId)
			}
			counts(t, d.cfg.Queue, 0)
		})
	}
}

// A replay that the broker does not take is given up.
func TestReplayNotTaken(t *testing.T) {
	d := newDying(t)
	require.NoError(t, operator(t).QueueUnbind(d.cfg.Queue, "fraud.#", d.cfg.Exchange, nil))
	var ids []string
	cfg := d.cfg
	cfg.Declare = false // which would bind it again
	for i := range 5 {
		event := newEvent(fmt.Sprint(i))
		ids = append(ids, event.ID)
		d.bury(t, deadEvent(t, event))
	}
	var failures []error
	err := rabbitmq.NewDeadLetters(cfg, cfg).Replay(t.Context(), has(nil),
		func(_ alert.DeadLetter, err error) { failures = append(failures, err) })
	require.ErrorContains(t, err, "the broker did not take "+ids[0]+", and the rest was left where it is: returned by the broker: 312 NO_ROUTE")
	require.Len(t, failures, 1)
	d.holds(t, ids...)
}

// Purged letters are gone and others stay.
func TestPurge(t *testing.T) {
	d := newDying(t)
	d.bury(t, message("a", "1"), message("b", "2"), message("a", "3"), message("c", "4"))
	require.Equal(t, []string{"a", "a"}, d.purge(t, "a", "nowhere"))
	d.holds(t, "b", "c")
	require.Equal(t, []string{"b", "c"}, d.purge(t))
	d.holds(t)
}

// An alert that failed too often is a dead letter that says so and can be replayed.
func TestReplayAfterDeliveryLimit(t *testing.T) {
	failing := config(t)
	failing.Patience, failing.DeliveryLimit = time.Nanosecond, 2
	d := dying{rabbitmq.NewDeadLetters(failing, failing), failing}
	c := startConsumer(t, failing, func(context.Context, alert.Event) error { return errBusy })
	event, before := newEvent("one"), time.Now().Add(-time.Minute)
	require.NoError(t, startPublisher(t, failing).Publish(t.Context(), event))
	counts(t, failing.DeadQueue, 1)
	require.NoError(t, c.stop())

	for range 2 { // a look does not change it
		letters := d.list(t)
		require.Len(t, letters, 1)
		assert.Equal(t, event.ID, letters[0].ID)
		assert.Equal(t, "delivered again 2 times without success (delivery_limit)", letters[0].Reason)
		assert.WithinRange(t, letters[0].Time, before, time.Now().Add(time.Minute), "when it died, not when it was sent")
		counts(t, failing.DeadQueue, 1)
	}
	handled := newTally()
	startConsumer(t, failing, handled.handle)
	d.replay(t)
	handled.waitFor(t, 1)
	counts(t, failing.DeadQueue, 0)
}

// Many dead letters keep their order and are all reached. Many means several times as many letters as one window holds.
func TestManyDeadLetters(t *testing.T) {
	const many = 1200
	d := newDying(t)
	var messages []amqp.Publishing
	var ids []string
	for i := range many {
		event := newEvent(fmt.Sprint(i))
		messages = append(messages, deadEvent(t, event))
		ids = append(ids, event.ID)
	}
	d.bury(t, messages...)
	d.holds(t, ids...)
	d.purge(t, ids[0], ids[999], ids[many-1])
	rest := slices.Concat(ids[1:999], ids[1000:many-1])
	d.holds(t, rest...)
	require.Equal(t, rest, d.replay(t))
	counts(t, d.cfg.DeadQueue, 0)
	counts(t, d.cfg.Queue, len(rest))
}

// A queue with more letters than a look can hold is listed as far as it goes, and its order stays.
func TestLookHoldsNoMoreThanItCan(t *testing.T) {
	d := newDying(t)
	d.bury(t, message("a", "1"), message("b", "2"), message("c", "3"))
	d.MaxHeld = 2
	for range 2 {
		var ids []string
		total, err := d.Look(t.Context(), func(l alert.DeadLetter) (drop, enough bool) {
			ids = append(ids, l.ID)
			return false, false
		})
		require.NoError(t, err)
		require.Equal(t, 3, total)
		require.Equal(t, []string{"a", "b"}, ids)
	}
	require.Equal(t, []string{"a", "b", "c"}, d.replay(t), "what goes is not held")
}

// A look that has seen enough goes no further than letters were looked at before, and their order stays. If it must end
// before, it does.
func TestLookEnough(t *testing.T) {
	d := newDying(t)
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, id := range ids {
		d.bury(t, message(id, id))
	}
	look := func(ctx context.Context, upTo string, then func()) {
		t.Helper()
		var seen []string
		total, err := d.Look(ctx, func(l alert.DeadLetter) (drop, enough bool) {
			seen = append(seen, l.ID)
			if enough = l.ID == upTo; enough {
				then()
			}
			return false, enough
		})
		require.NoError(t, err)
		require.Equal(t, len(ids), total)
		require.Equal(t, ids[:slices.Index(ids, upTo)+1], seen)
	}
	for _, upTo := range []string{"d", "b", "a"} {
		look(t.Context(), upTo, func() {})
	}
	ch := operator(t)
	for i, id := range ids {
		got, ok, err := ch.Get(d.cfg.DeadQueue, false)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, id, got.MessageId)
		require.Equal(t, i < 6, got.Redelivered, "whether %s was got before: each look gets one more, to see that it was not", id)
	}
	require.NoError(t, ch.Close())
	d.holds(t, ids...)

	ctx, cancel := context.WithCancel(t.Context())
	look(ctx, "b", cancel)
	counts(t, d.cfg.DeadQueue, len(ids))
}

// Of two looks at once, the second sees what the first does not hold.
func TestTwoLooksAtOnce(t *testing.T) {
	d := newDying(t)
	d.bury(t, message("a", "1"), message("b", "2"))
	_, err := d.Look(t.Context(), func(l alert.DeadLetter) (drop, enough bool) {
		if l.ID == "b" {
			counts(t, d.cfg.DeadQueue, 0)
			require.Empty(t, d.list(t))
		}
		return l.ID == "a", false
	})
	require.NoError(t, err)
	d.holds(t, "b")
}

// An operator who gives up leaves everything where it is.
func TestDeadCancelled(t *testing.T) {
	d := newDying(t)
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, id := range ids {
		d.bury(t, message(id, id))
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := d.Look(ctx, func(l alert.DeadLetter) (drop, enough bool) {
		require.Equal(t, "a", l.ID)
		cancel()
		return false, false
	})
	require.ErrorIs(t, err, context.Canceled)
	d.holds(t, ids...)
}

// The users of the definitions may list, replay and purge dead letters.
func TestDeadPermissions(t *testing.T) {
	d := dying{rabbitmq.NewDeadLetters(as(t, "alertman"), as(t, "orders")), as(t, "operator")}
	d.cfg.DeadExchange, d.cfg.DeadQueue = "alerts.dead", "alertman.dead"
	event := newEvent("one")
	d.bury(t, deadEvent(t, event), message("odd", "{}"))
	d.holds(t, event.ID, "odd")
	handled := newTally()
	startConsumer(t, as(t, "alertman"), handled.handle)
	d.replay(t, event.ID)
	handled.waitFor(t, 1)
	d.purge(t)
	d.holds(t)
}

func TestDeadWrongConfig(t *testing.T) {
	wrong := rabbitmq.Config{URL: "http://orders:secret@localhost/"}
	away := rabbitmq.Config{URL: "amqp://orders:secret@127.0.0.1:1/"}
	for _, cfg := range []rabbitmq.Config{wrong, away} {
		_, err := rabbitmq.NewDeadLetters(cfg, away).Look(t.Context(), nil)
		require.ErrorContains(t, err, "read queue alertman.dead: ")
		require.NotContains(t, err.Error(), "secret")
	}
	require.ErrorContains(t, rabbitmq.NewDeadLetters(away, wrong).Replay(t.Context(), has(nil), nil),
		"must be a URL such as amqp://user:password@localhost:5672/")
}

// A dead letter is written without its body.
func TestDeadLetterJSON(t *testing.T) {
	text, err := json.Marshal(alert.DeadLetter{ID: "a", Reason: "odd", Size: 3, Body: []byte("abc")})
	require.NoError(t, err)
	require.JSONEq(t, `{"id": "a", "reason": "odd", "size": 3}`, string(text))
}
