package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/gateways/rabbitmq"
)

func TestWrongArgumentsOfDeadLetterCommandsAreTold(t *testing.T) {
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

func TestTheListSaysWhatIsDeadAndWhy(t *testing.T) {
	for name, c := range map[string]struct {
		letters     fakeDead
		command     listDeadCommand
		list, notes string
	}{
		"nothing": {command: listDeadCommand{Most: 10}, notes: "No dead letter waits in dead.\n"},
		"all": {
			letters: fakeDead{letters: letters(), total: 2}, command: listDeadCommand{Most: 10},
			list: "ID   TIME                  TYPE                      ORDER  BYTES  REASON\n" +
				"one  2026-11-02T09:30:00Z  orders.fraud.detected.v1  1234   3      delivered again 20 times without success (delivery_limit)\n" +
				"odd  -                     -                         -      18     no CloudEvent in JSON\n",
			notes: "2 dead letters in dead\n",
		},
		"some": {
			letters: fakeDead{letters: letters()[1:], total: 7}, command: listDeadCommand{Most: 1, JSON: true},
			list:  `{"id":"odd","reason":"no CloudEvent in JSON","size":18,"noEvent":"no CloudEvent in JSON"}` + "\n",
			notes: "7 dead letters in dead; these are the 1 oldest\n",
		},
		"held by another": {
			letters: fakeDead{total: 3}, command: listDeadCommand{Most: 10}, notes: "3 dead letters in dead, of which 3 are held by another look just now\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var list, notes bytes.Buffer
			require.NoError(t, c.command.list(t.Context(), c.letters, "dead", output{&list, &notes}))
			require.Equal(t, c.list, list.String())
			require.Equal(t, c.notes, notes.String())
		})
	}
}

func TestADeadLetterIsShownWithoutCardNumbersUnlessItIsAskedForRaw(t *testing.T) {
	odd := letters()[1]
	odd.Body = []byte("{\"card\":\"4111111111111111\"} \x1b[J\xff")
	var shown, raw bytes.Buffer
	require.NoError(t, showDeadCommand{ID: "odd"}.show(t.Context(), fakeDead{letters: []rabbitmq.DeadLetter{odd}}, "dead", output{results: &shown}))
	require.NotContains(t, shown.String(), "4111111111111111")
	require.Contains(t, shown.String(), `{"card":"411111******1111"}`)
	require.NotContains(t, shown.String(), "\x1b")
	require.Contains(t, shown.String(), "it is not an event, and would come straight back: no CloudEvent in JSON\n")
	require.NoError(t, showDeadCommand{ID: "odd", Raw: true}.show(t.Context(), fakeDead{letters: []rabbitmq.DeadLetter{odd}}, "dead", output{results: &raw}))
	require.Equal(t, string(odd.Body), raw.String())
	require.Equal(t, "{\n  \"amount\": 123.00\n}", forPeople([]byte(`{"amount":123.00}`)))
}

func TestReplaySaysWhatWasReplayedAndWhatWasLeft(t *testing.T) {
	var out, notes bytes.Buffer
	err := replayDeadCommand{deadChoice: deadChoice{All: true}}.replay(t.Context(), fakeDead{letters: letters()}, "dead", output{&out, &notes})
	require.EqualError(t, err, "1 dead letter left in dead")
	require.Equal(t, "replayed  one, orders.fraud.detected.v1, order 1234\nleft      odd: no event\n", out.String())
	require.Equal(t, "1 dead letter replayed, 1 of those chosen left in dead\n", notes.String())

	out.Reset()
	require.NoError(t, replayDeadCommand{Force: true}.replay(t.Context(), fakeDead{letters: letters()}, "dead", output{&out, &notes}))
	require.Contains(t, out.String(), "replayed  odd: no event, so alertman puts it back: no CloudEvent in JSON\n")

	lost := errors.New("the connection was lost")
	require.ErrorIs(t, replayDeadCommand{Force: true}.replay(t.Context(), fakeDead{err: lost}, "dead", output{&out, &notes}), lost)
}

func TestPurgeSaysWhatIsGone(t *testing.T) {
	var out, notes bytes.Buffer
	require.NoError(t, purgeDeadCommand{}.purge(t.Context(), fakeDead{letters: letters()[1:]}, "dead", output{&out, &notes}))
	require.Equal(t, "purged  odd: no CloudEvent in JSON\n", out.String())
	require.Equal(t, "1 dead letter purged from dead\n", notes.String())
	err := purgeDeadCommand{}.purge(t.Context(), fakeDead{err: rabbitmq.ErrNoDeadLetter}, "dead", output{&out, &notes})
	require.ErrorIs(t, err, rabbitmq.ErrNoDeadLetter)
}

func letters() []rabbitmq.DeadLetter {
	return []rabbitmq.DeadLetter{
		{
			ID: "one", Time: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC), Type: "orders.fraud.detected.v1", OrderID: "1234", Size: 3,
			Reason: "delivered again 20 times without success (delivery_limit)",
		},
		{ID: "odd", Size: 18, Reason: "no CloudEvent in JSON", NoEvent: "no CloudEvent in JSON"},
	}
}

// fakeDead is a dead queue that returns the letters it was given, whatever the choice.
type fakeDead struct {
	letters []rabbitmq.DeadLetter
	total   int
	err     error
}

func (d fakeDead) List(context.Context, int) ([]rabbitmq.DeadLetter, int, error) {
	return d.letters, d.total, d.err
}

func (d fakeDead) Show(context.Context, string) (rabbitmq.DeadLetter, error) {
	return d.letters[0], d.err
}

func (d fakeDead) Replay(_ context.Context, _ rabbitmq.Choice, force bool, tell func(rabbitmq.DeadLetter, error)) error {
	for _, l := range d.letters {
		if l.NoEvent != "" && !force {
			tell(l, errors.New("no event"))
			continue
		}
		tell(l, nil)
	}
	return d.err
}

func (d fakeDead) Purge(_ context.Context, _ rabbitmq.Choice, tell func(rabbitmq.DeadLetter)) error {
	for _, l := range d.letters {
		tell(l)
	}
	return d.err
}
