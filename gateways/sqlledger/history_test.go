package sqlledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/usage"
	"dummyorders/gateways/sqlledger"
	"dummyorders/internal/usagetest"
)

// strict makes a PostgreSQL server as strict as one may be. A check must see what it has waited for all the same.
const strict = `DO $$ BEGIN
	EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database());
END $$`

func TestTheHistoryDoesWhatAHistoryMust(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			usagetest.Conformance(t, func(t *testing.T) usagetest.Place {
				place := engine.place(t)
				l := engine.at(t, place)
				require.NoError(t, l.Migrate(t.Context()))
				if name == "PostgreSQL" {
					require.NoError(t, l.Exec(t.Context(), strict))
				}
				return func(t *testing.T) usagetest.Store { return engine.at(t, place) }
			})
		})
	}
}

// Where a process stands still in the middle of a check, others wait for it no longer than that, and what is said of a
// check's database transaction is said of no other on the same connection.
func TestOnPostgreSQLACheckSetsItsOwnTermsAndNoOthers(t *testing.T) {
	l := engines["PostgreSQL"].migrated(t)
	terms := sqlledger.Statement{Text: `current_setting('synchronous_commit') || ' ' ||
		current_setting('idle_in_transaction_session_timeout') || ' ' || current_setting('transaction_isolation')`}
	for range 2 {
		during, err := l.HistoryPlan(t.Context(), "SELECT", usagetest.Use(1, "a"), terms)
		require.NoError(t, err)
		require.Equal(t, []string{"off 30s read committed"}, during)
		afterwards, err := l.Plan(t.Context(), "SELECT", terms)
		require.NoError(t, err)
		require.Equal(t, []string{"on 0 read committed"}, afterwards)
	}
}

// The rows of decisions say which transactions are counted. Both tables are pruned, in portions of their own.
func TestOnlyWhatWasDeletedByItsAgeIsCountedAgain(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, use := engine.migrated(t), usagetest.Use(1, "a")
			check := func(number int) {
				c := usagetest.Check(use)
				c.Number = number
				_, err := l.Decide(t.Context(), c, use, nil, func(usage.Past) fraud.Decision { return fraud.Decision{} })
				require.NoError(t, err)
			}
			check(1)
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM uses"))
			check(2)
			past, err := l.Look(t.Context(), "", ofTheCard)
			require.NoError(t, err)
			require.Empty(t, past)
			check(1)
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM decisions"))
			check(1)
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM decisions"))
			check(2) // and its uses are there
			past, err = l.Look(t.Context(), "", ofTheCard)
			require.NoError(t, err)
			require.Len(t, past[usage.Card], 1)
		})
	}
}
