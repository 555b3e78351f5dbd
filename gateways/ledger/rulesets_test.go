package ledger_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/ruleset"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
)

// propose keeps a version.
func propose(t *testing.T, l *ledgerdb.Ledger, note string) ruleset.Version {
	t.Helper()
	v, err := l.Propose(t.Context(), ruleset.Version{
		Digest: "sha256:" + note, Note: note, By: "ada", At: start, Files: ruleset.Files{"ruleset.yaml": "id: " + note + "\n"},
	})
	require.NoError(t, err)
	return v
}

// A version decides once it is approved, and none that is older than it does after that.
func TestRulesets(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			deciding := func() int64 {
				number, err := l.Deciding(t.Context())
				require.NoError(t, err)
				return number
			}
			assert.Zero(t, deciding())
			first, second, third := propose(t, l, "one"), propose(t, l, "two"), propose(t, l, "three")
			assert.Zero(t, deciding())
			kept, err := l.Version(t.Context(), second.Number)
			require.NoError(t, err)
			assert.Equal(t, second, kept)
			assert.False(t, kept.Approved())

			approved, err := l.Approve(t.Context(), second.Number, "bob", start.Add(time.Hour))
			require.NoError(t, err)
			assert.Equal(t, []any{"bob", start.Add(time.Hour), second.Files}, []any{approved.ApprovedBy, approved.ApprovedAt, approved.Files})
			assert.Equal(t, second.Number, deciding())
			for _, number := range []int64{first.Number, second.Number} {
				_, err = l.Approve(t.Context(), number, "eve", start)
				require.ErrorIs(t, err, ruleset.ErrApproved)
			}
			_, err = l.Approve(t.Context(), third.Number+1, "bob", start)
			require.ErrorIs(t, err, ruleset.ErrNotFound)
			_, err = l.Version(t.Context(), third.Number+1)
			require.ErrorIs(t, err, ruleset.ErrNotFound)
			assert.Equal(t, second.Number, deciding())

			all, err := l.Versions(t.Context(), math.MaxInt64, 2)
			require.NoError(t, err)
			require.Len(t, all, 2)
			assert.Equal(t, []string{"three", "two"}, []string{all[0].Note, all[1].Note})
			assert.Empty(t, all[0].Files)
			all, err = l.Versions(t.Context(), all[1].Number, 2)
			require.NoError(t, err)
			require.Len(t, all, 1)
			assert.Equal(t, "one", all[0].Note)
		})
	}
}

// Of many who approve a version at once, one does.
func TestApproveAtOnce(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			v := propose(t, l, "one")
			approved := make(chan string, 8)
			var all errgroup.Group
			for n := range cap(approved) {
				all.Go(func() error {
					by := fmt.Sprint("person ", n)
					_, err := l.Approve(t.Context(), v.Number, by, start)
					if err == nil {
						approved <- by
					} else if errors.Is(err, ruleset.ErrApproved) {
						return nil
					}
					return err
				})
			}
			require.NoError(t, all.Wait())
			require.Len(t, approved, 1)
			kept, err := l.Version(t.Context(), v.Number)
			require.NoError(t, err)
			require.Equal(t, <-approved, kept.ApprovedBy)
		})
	}
}

// The desk's user publishes rulesets and reads what is counted; the API's and fraud_police's read versions only.
func TestRulesetRights(t *testing.T) {
	name := server.Database(t)
	for _, user := range []string{"orders_reader", "orders_desk", "orders_police"} {
		role(t, server.URL("postgres", name), user)
	}
	execute(t, server.URL("postgres", name), `GRANT orders_reader TO orders_desk`)
	require.NoError(t, connect(t, server.URL("postgres", name)).Migrate(t.Context()))
	desk := connect(t, server.URL("orders_desk", name))
	v := propose(t, desk, "one")
	_, err := desk.Approve(t.Context(), v.Number, "bob", start)
	require.NoError(t, err)
	lookups := velocity.Lookups([]velocity.Feature{{By: velocity.Card, Measure: velocity.Count, Window: time.Hour}}, velocity.Use{
		TransactionID: "x", Merchant: "default", At: start, Values: map[velocity.Dimension]string{velocity.Card: "a"},
	}, start)
	_, err = desk.Look(t.Context(), "x", lookups)
	require.NoError(t, err)
	for _, user := range []string{"orders_reader", "orders_police"} {
		other := connect(t, server.URL(user, name))
		number, err := other.Deciding(t.Context())
		require.NoError(t, err)
		assert.Equal(t, v.Number, number)
		refusals := noErrors(t)
		_, err = other.Propose(t.Context(), v)
		require.ErrorIs(t, err, ruleset.ErrMayNotChange)
		_, err = other.Approve(t.Context(), v.Number, "eve", start)
		require.ErrorIs(t, err, ruleset.ErrMayNotChange)
		refusals()
	}
	_, err = connect(t, server.URL("orders_reader", name)).Look(t.Context(), "x", lookups)
	require.ErrorContains(t, err, "permission denied")
}
