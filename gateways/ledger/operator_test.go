package ledger_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A PostgreSQL server says its version and its time, and what a role may do for each process.
func TestPostgresLook(t *testing.T) {
	name := server.Database(t)
	owner := connect(t, server.URL("postgres", name))
	_, _, err := owner.Rights(t.Context())
	require.ErrorContains(t, err, "has no tables yet")
	require.NoError(t, owner.Migrate(t.Context()))
	role(t, server.URL("postgres", name), "orders_reader")
	execute(t, server.URL("postgres", name), readerRights)

	said, err := owner.Server(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "PostgreSQL", said.Product)
	assert.Regexp(t, `^\d+`, said.Version)
	assert.Less(t, said.Clock.Abs(), time.Second, "it is on this machine")
	assert.Empty(t, said.Peers, "the connection has no TLS")

	user, lacks, err := owner.Rights(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "postgres", user)
	assert.Empty(t, lacks)
	user, lacks, err = connect(t, server.URL("orders_reader", name)).Rights(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "orders_reader", user)
	assert.Equal(t, []string{"INSERT on transactions", "DELETE on transactions", "DELETE on uses"}, lacks["worker"])
	assert.NotContains(t, lacks["api"], "SELECT on transactions")
}

// A SQLite file has neither users nor a clock.
func TestSQLiteLook(t *testing.T) {
	l := openFile(t, filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, l.Migrate(t.Context()))
	said, err := l.Server(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "SQLite", said.Product)
	assert.Regexp(t, `^3\.`, said.Version)
	assert.Zero(t, said.Clock)
	user, lacks, err := l.Rights(t.Context())
	require.NoError(t, err)
	assert.Empty(t, user)
	assert.Empty(t, lacks)
}
