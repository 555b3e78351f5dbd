package velocitytest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/velocity"
)

// prunes tests ten transactions an hour apart, with two values each, and a second check of the first.
func prunes(t *testing.T, store Store) {
	at := func(n int) time.Time { return after(time.Duration(n) * time.Hour).Truncate(time.Microsecond) }
	for n := range 10 {
		u := Use(n, "a")
		u.At, u.Values[velocity.IP] = at(n), "192.0.2.1"
		decide(t, store, u, 1)
	}
	again := Check(Use(0, "a"))
	again.Number, again.AsOf = 2, at(9)
	_, err := store.Decide(patience(t), again, Use(0, "a"), nil, decideByCount)
	require.NoError(t, err)
	prune := func(before time.Time, limit int) int {
		t.Helper()
		deleted, err := store.PruneVelocity(patience(t), before, limit)
		require.NoError(t, err)
		return deleted
	}
	left := func() int { return len(look(t, store, byCard("a")...)[velocity.Pool{By: velocity.Card}]) }

	require.Zero(t, prune(at(0), 100), "what is of then or later was deleted")
	require.Equal(t, 3+3, prune(at(5), 3), "three uses and three decisions")
	require.GreaterOrEqual(t, left(), 8)
	require.Equal(t, 7+2, prune(at(5), 100))
	require.Zero(t, prune(at(5), 100))
	found := look(t, store, byCard("a")...)[velocity.Pool{By: velocity.Card}]
	require.Equal(t, []string{id(9), id(8), id(7), id(6), id(5)}, ids(found))
	require.Len(t, look(t, store, velocity.Lookup{By: velocity.IP, Value: "192.0.2.1", Merchant: merchant})[velocity.Pool{By: velocity.IP}], 5)

	kept := Use(7, "a")
	kept.At = at(7)
	require.Equal(t, 7, decide(t, store, kept, 1), "a decision that is not old was deleted")
	require.Equal(t, 10+6, prune(at(1000), 100))
	require.Zero(t, left())
	require.Equal(t, 0, decide(t, store, kept, 1), "an old decision was left")
	require.Equal(t, 1, left())
}
