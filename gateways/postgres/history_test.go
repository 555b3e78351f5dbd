package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/usage"
	"dummyorders/gateways/sqlledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/usagetest"
)

// checked counts a transaction of a card, and looks back at the card with all that can be asked.
func checked(t *testing.T, l *sqlledger.Ledger, n int) int {
	t.Helper()
	use := usagetest.Use(n, "a")
	lookups := []usage.Lookup{{By: usage.Card, Value: "a", Values: true, Labels: true}}
	d, err := l.Decide(t.Context(), usagetest.Check(use), use, lookups, func(past usage.Past) fraud.Decision {
		return fraud.Decision{Score: len(past[usage.Card])}
	})
	require.NoError(t, err)
	_, err = l.Look(t.Context(), "", lookups)
	require.NoError(t, err)
	return d.Score
}

// setup.sh makes this role, before there are tables.
const policeRights = `
	CREATE ROLE orders_police LOGIN PASSWORD 'postgres';
	ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO orders_police;`

func TestFraudPoliceCountsAndChangesNothingElse(t *testing.T) {
	name := server.Database(t)
	execute(t, server.URL("postgres", name), policeRights)
	owner := connect(t, server.URL("postgres", name))
	require.NoError(t, owner.Migrate(t.Context()))
	police := connect(t, server.URL("orders_police", name))
	require.NoError(t, police.Ready(t.Context()))
	require.Equal(t, 0, checked(t, police, 1))
	require.Equal(t, 1, checked(t, police, 2))
	require.Equal(t, 0, checked(t, police, 1))
	_, err := police.PruneHistory(t.Context(), time.Now(), 1)
	require.ErrorContains(t, err, "permission denied")
	require.ErrorContains(t, police.Save(t.Context(), ledgertest.Accepted(1)), "permission denied")
}

// A role of any other name is granted the same by hand.
func TestWithoutTheRolesOfTheScriptTablesAreMadeAllTheSame(t *testing.T) {
	require.Equal(t, 0, checked(t, open(t), 1))
}
