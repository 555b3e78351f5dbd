package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
)

// Wrong arguments are refused.
func TestDeadLetterArguments(t *testing.T) {
	setEnvironment(t, nil)
	for _, args := range []string{
		"", "list --most=0", "list --most=100001", "show", "show a b", "replay", "replay a --all", "purge", "purge a --all --yes", "purge --all",
	} {
		require.Equal(t, exitConfig, execute(ended(t), strings.Fields("alertman dead "+args)), args)
	}
	setEnvironment(t, map[string]string{"RABBITMQ_CONSUMER_URL": "nonsense"})
	for _, args := range []string{"list", "show a", "replay --all", "purge a"} {
		require.Equal(t, exitConfig, execute(ended(t), strings.Fields("alertman dead "+args)), args)
	}
}

// The list says what is dead and why.
func TestListDead(t *testing.T) {
	for name, c := range map[string]struct {
		letters     fakeDead
		command     listDeadCommand
		list, notes string
	}{
		"nothing": {command: listDeadCommand{Most: 10}, notes: "No dead letter waits in dead.\n"},
		"all": {
			letters: fakeDead{letters: letters()}, command: listDeadCommand{Most: 10},
			list: "ID   TIME                  TYPE                      ORDER  BYTES  REASON\n" +
				"one  2026-11-02T09:30:00Z  orders.fraud.detected.v1  1234   3      delivered again 20 times without success (delivery_limit)\n" +
				"odd  -                     -                         -      18     no CloudEvent in JSON\n",
			notes: "2 dead letters in dead\n",
		},
		"some": {
			letters: fakeDead{letters: append(letters()[1:], letters()...)}, command: listDeadCommand{Most: 1, jsonFlag: asJSON},
			list: "[\n  {\n    \"id\": \"odd\",\n    \"reason\": \"no CloudEvent in JSON\",\n    \"size\": 18,\n" +
				"    \"noEvent\": \"no CloudEvent in JSON\"\n  }\n]\n",
			notes: "3 dead letters in dead; these are the 1 oldest\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			list, notes, err := c.letters.run(t, c.command)
			require.NoError(t, err)
			require.Equal(t, c.list, list)
			require.Equal(t, c.notes, notes)
			require.Empty(t, c.letters.dropped)
		})
	}
}

// A dead letter is shown without card numbers, unless it is asked for raw.
func TestShowDead(t *testing.T) {
	dead := fakeDead{letters: letters()}
	body := "{\"card\":\"4111111111111111\"} \x1b[J\xff"
	dead.letters[1].Body = []byte(body)
	shown, _, err := dead.run(t, showDeadCommand{ID: "odd"})
	require.NoError(t, err)
	require.Equal(t, `ID           odd
Time         -
Reason       no CloudEvent in JSON
Type         -
Order        -
Routing key  -
Replay       it is not an event, and would come straight back: no CloudEvent in JSON
Body         18 bytes, card numbers masked; --raw shows it as it is

{"card":"411111******1111"} �[J�
`, shown)
	raw, _, err := dead.run(t, showDeadCommand{ID: "odd", Raw: true})
	require.NoError(t, err)
	require.Equal(t, body, raw)
	require.Equal(t, "{\n  \"amount\": 123.00\n}", api.ForPeople([]byte(`{"amount":123.00}`)))
	_, _, err = dead.run(t, showDeadCommand{ID: "none"})
	require.EqualError(t, err, "none: no such dead letter in queue dead, or another look holds it just now")
	require.Empty(t, dead.dropped)
	require.Empty(t, dead.kept, "reading changes nothing")
}

// The output says what was replayed and what was left.
func TestReplayDead(t *testing.T) {
	dead := fakeDead{letters: letters()}
	out, notes, err := dead.run(t, replayDeadCommand{deadChoice: deadChoice{All: true}})
	require.EqualError(t, err, "1 dead letter left in dead")
	require.Equal(t, "replayed  one, orders.fraud.detected.v1, order 1234\n"+
		"left      odd: it is not an event, and would come straight back: no CloudEvent in JSON\n", out)
	require.Equal(t, "1 dead letter replayed, 1 of those chosen left in dead\n", notes)
	require.Equal(t, []string{"one"}, dead.dropped)
	require.Equal(t, []string{"alertman dead replay|queue dead|replayed: one"}, dead.kept)

	dead = fakeDead{letters: letters()}
	out, _, err = dead.run(t, replayDeadCommand{deadChoice: deadChoice{IDs: []string{"odd", "none"}}, Force: true})
	require.EqualError(t, err, "none: no such dead letter in queue dead, or another look holds it just now")
	require.Equal(t, "replayed  odd: not an event, so alertman puts it back: no CloudEvent in JSON\n", out)
	require.Equal(t, []string{"odd"}, dead.dropped)

	dead = fakeDead{letters: letters(), err: errors.New("returned by the broker")}
	out, _, err = dead.run(t, replayDeadCommand{deadChoice: deadChoice{IDs: []string{"one", "none"}}})
	require.EqualError(t, err, "returned by the broker\n1 dead letter left in dead")
	require.Equal(t, "left      one, orders.fraud.detected.v1, order 1234: returned by the broker\n", out)
	require.Empty(t, dead.dropped)
}

// The output says what is gone.
func TestPurgeDead(t *testing.T) {
	dead := fakeDead{letters: letters()}
	out, notes, err := dead.run(t, purgeDeadCommand{deadChoice: deadChoice{IDs: []string{"odd", "none"}}})
	require.EqualError(t, err, "none: no such dead letter in queue dead, or another look holds it just now")
	require.Equal(t, "purged  odd: no CloudEvent in JSON\n", out)
	require.Equal(t, "1 dead letter purged from dead\n", notes)
	require.Equal(t, []string{"odd"}, dead.dropped)

	_, _, err = dead.run(t, purgeDeadCommand{deadChoice: deadChoice{All: true}})
	require.NoError(t, err)
	require.Equal(t, []string{"odd", "one", "odd"}, dead.dropped)
	require.Equal(t, []string{"alertman dead purge|queue dead: odd none|purged: odd", "alertman dead purge|queue dead|purged: one odd"}, dead.kept)
}

func letters() []alert.DeadLetter {
	return []alert.DeadLetter{
		{
			ID: "one", Time: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC), Type: "orders.fraud.detected.v1", OrderID: "1234", Size: 3,
			Reason: "delivered again 20 times without success (delivery_limit)",
		},
		{ID: "odd", Size: 18, Reason: "no CloudEvent in JSON", NoEvent: "no CloudEvent in JSON"},
	}
}

// fakeDead is a dead queue. All that is replayed fails with err, if it is set.
type fakeDead struct {
	letters []alert.DeadLetter
	err     error
	dropped []string
	kept    []string // in the audit trail
}

type deadRunner interface {
	Run(ctx context.Context, q *deadQueue) error
}

// run returns what a command prints about this queue.
func (d *fakeDead) run(t *testing.T, command deadRunner) (results, progress string, err error) {
	t.Helper()
	var out, notes bytes.Buffer
	keep := func(_ context.Context, e audit.Entry, change func(*audit.Entry) error) error {
		err := change(&e)
		d.kept = append(d.kept, strings.Join([]string{e.Action, e.Object, e.After}, "|"))
		return err
	}
	err = command.Run(t.Context(), &deadQueue{d, "dead", keep, output{&out, &notes}})
	return out.String(), notes.String(), err
}

func (d *fakeDead) Look(_ context.Context, visit func(alert.DeadLetter) (drop, enough bool)) (int, error) {
	for _, l := range d.letters {
		drop, enough := visit(l)
		if drop {
			d.dropped = append(d.dropped, l.ID)
		}
		if enough {
			break
		}
	}
	return len(d.letters), nil
}

func (d *fakeDead) Replay(ctx context.Context, chosen func(alert.DeadLetter) bool, report func(alert.DeadLetter, error)) error {
	_, _ = d.Look(ctx, func(l alert.DeadLetter) (drop, enough bool) {
		if !chosen(l) {
			return false, false
		}
		report(l, d.err)
		return d.err == nil, false
	})
	return d.err
}
