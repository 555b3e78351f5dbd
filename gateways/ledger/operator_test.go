package ledger_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
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

// Each of the users that setup.sh makes has the rights of its process, and of those only that need no more. If the script fails, they
// have the rights that they had before.
func TestSetUp(t *testing.T) {
	require.NoError(t, server.SetUpLedger(t.Context()))
	defer func() { execute(t, server.URL("postgres", "postgres"), "DROP DATABASE orders WITH (FORCE)") }()
	owner := connect(t, server.URL("orders", "orders"))
	require.NoError(t, owner.Migrate(t.Context()))
	rights := func() {
		t.Helper()
		for user, processes := range map[string][]string{
			"orders": {"worker", "api", "desk", "fraud-police", "alertman"}, "orders_reader": {"api"}, "orders_desk": {"api", "desk"},
			"orders_police": {"fraud-police"}, "orders_alertman": {"alertman"},
		} {
			_, lacks, err := connect(t, server.URL(user, "orders")).Rights(t.Context())
			require.NoError(t, err)
			for _, process := range []string{"worker", "api", "desk", "fraud-police", "alertman"} {
				assert.Equal(t, slices.Contains(processes, process), len(lacks[process]) == 0, "%s as %s lacks %v", user, process, lacks[process])
			}
		}
		for _, table := range []string{"(SELECT data FROM sessions) s", "audit", "backtests", "uses", "alert_windows"} {
			_, err := connect(t, server.URL("orders_reader", "orders")).Count(t.Context(), table)
			assert.ErrorContains(t, err, "permission denied", table)
		}
	}
	rights()
	require.NoError(t, server.SetUpLedger(t.Context()), "again")
	rights()
	require.NoError(t, owner.Exec(t.Context(), `CREATE OR REPLACE FUNCTION ledger_protect_notes() RETURNS void LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'`))
	require.ErrorContains(t, server.SetUpLedger(t.Context()), "no")
	rights()
}

// The certificate of a PostgreSQL server with TLS is the one that it has in its folder.
func TestPostgresCertificate(t *testing.T) {
	made := httptest.NewTLSServer(nil)
	made.Close()
	certificate := made.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	url := database(t)
	connection, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	var folder string
	require.NoError(t, connection.QueryRow(t.Context(), "SHOW data_directory").Scan(&folder))
	for name, block := range map[string]*pem.Block{
		"server.crt": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}, "server.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
		owner, err := os.Stat(folder)
		require.NoError(t, err)
		require.NoError(t, os.Chown(file, int(owner.Sys().(*syscall.Stat_t).Uid), -1))
	}
	execute(t, url, "ALTER SYSTEM SET ssl = on")
	execute(t, url, "SELECT pg_reload_conf()")
	defer func() { // t.Cleanup comes too late for the test's context
		execute(t, url, "ALTER SYSTEM RESET ssl")
		execute(t, url, "SELECT pg_reload_conf()")
	}()
	l := connect(t, strings.Replace(url, "sslmode=disable", "sslmode=require", 1))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		said, err := l.Server(t.Context())
		require.NoError(c, err)
		require.Len(c, said.Peers, 1)
		require.Equal(c, certificate.Certificate[0], said.Peers[0].Raw)
	}, 10*time.Second, 50*time.Millisecond)
}

// A SQLite file has neither users nor a clock.
func TestSQLiteLook(t *testing.T) {
	l := engines["SQLite"].migrated(t)
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
