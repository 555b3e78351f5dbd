package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ruleset"
)

func aBacktest(id string) ruleset.KeptBacktest {
	return ruleset.KeptBacktest{Of: identity.OnlyMerchants("acme", "beta"), Backtest: ruleset.Backtest{
		ID: id, State: ruleset.Running, Candidate: fraud.Ruleset{ID: "mine", Version: 3}, Since: start.AddDate(0, 0, -7), Until: start,
	}}
}

// halfADayEarlier is when a backtest was kept, less half a day, for each engine.
var halfADayEarlier = map[string]string{"SQLite": "kept_at - 43200000000", "PostgreSQL": "kept_at - interval '12 hours'"}

// A backtest is kept as it was last, for a day by the database's clock.
func TestBacktests(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			_, err := l.KeptBacktest(t.Context(), "b-1")
			require.ErrorIs(t, err, ruleset.ErrNoBacktest)
			first := aBacktest("b-1")
			require.NoError(t, l.KeepBacktest(t.Context(), first))
			first.State, first.Report = ruleset.Done, []byte(`{"decisions":5}`)
			require.NoError(t, l.KeepBacktest(t.Context(), first))
			kept := func(id string) (k ruleset.KeptBacktest, age time.Duration) {
				k, err := l.KeptBacktest(t.Context(), id)
				require.NoError(t, err)
				age, k.Age = k.Age, 0
				return k, age
			}
			got, age := kept("b-1")
			assert.Equal(t, first, got)
			assert.Less(t, age, time.Hour)
			require.NoError(t, l.Exec(t.Context(), "UPDATE backtests SET kept_at = "+halfADayEarlier[name]))
			_, age = kept("b-1")
			assert.InDelta(t, 12, age.Hours(), 1)

			second := aBacktest("b-2")
			second.Of = identity.AllMerchants()
			require.NoError(t, l.KeepBacktest(t.Context(), second))
			got, _ = kept("b-2")
			assert.Equal(t, second, got)
			require.NoError(t, l.Exec(t.Context(), "UPDATE backtests SET kept_at = "+halfADayEarlier[name]))
			require.NoError(t, l.KeepBacktest(t.Context(), second))
			_, err = l.KeptBacktest(t.Context(), "b-1")
			require.ErrorIs(t, err, ruleset.ErrNoBacktest, "it was kept for a day")
		})
	}
}

// The desk's user keeps backtests, and the API's sees none.
func TestBacktestRights(t *testing.T) {
	name := server.Database(t)
	for _, user := range []string{"orders_reader", "orders_desk"} {
		role(t, server.URL("postgres", name), user)
	}
	execute(t, server.URL("postgres", name), `GRANT orders_reader TO orders_desk`)
	require.NoError(t, connect(t, server.URL("postgres", name)).Migrate(t.Context()))
	desk := connect(t, server.URL("orders_desk", name))
	require.NoError(t, desk.KeepBacktest(t.Context(), aBacktest("b-1")))
	_, err := desk.KeptBacktest(t.Context(), "b-1")
	require.NoError(t, err)
	_, err = connect(t, server.URL("orders_reader", name)).KeptBacktest(t.Context(), "b-1")
	require.ErrorContains(t, err, "permission denied")
}
