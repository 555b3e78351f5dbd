package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
)

// sessionsOf returns the store of sessions in a ledger. The data of a session is the name of its person, or "signing in".
func sessionsOf(l *ledgerdb.Ledger, now *time.Time) ledgerdb.Sessions {
	return ledgerdb.Sessions{
		Ledger: l, Now: func() time.Time { return *now },
		Of: func(data []byte) identity.Session {
			if string(data) == "signing in" {
				return identity.Session{}
			}
			return identity.Session{ID: "id of " + string(data), Person: string(data), From: "192.0.2.7", Since: now.UTC().Truncate(time.Second), Until: now.UTC().Truncate(time.Second).Add(time.Hour)}
		},
	}
}

// persons returns whose sessions are open.
func persons(t *testing.T, s ledgerdb.Sessions) (all []string) {
	t.Helper()
	open, err := s.Open(t.Context())
	require.NoError(t, err)
	for _, of := range open {
		all = append(all, of.Person)
	}
	return all
}

func TestSessions(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			s := sessionsOf(engine.migrated(t), &now)
			find := func(digest string) string {
				t.Helper()
				data, found, err := s.FindCtx(t.Context(), digest)
				require.NoError(t, err)
				require.Equal(t, found, len(data) > 0)
				return string(data)
			}
			assert.Empty(t, find("a"))
			require.NoError(t, s.CommitCtx(t.Context(), "a", []byte("signing in"), now.Add(time.Minute)))
			assert.Equal(t, "signing in", find("a"))
			assert.Empty(t, persons(t, s))
			require.NoError(t, s.CommitCtx(t.Context(), "a", []byte("ada"), now.Add(2*time.Minute)))
			assert.Equal(t, "ada", find("a"))
			now = now.Add(time.Second)
			require.NoError(t, s.CommitCtx(t.Context(), "b", []byte("bob"), now.Add(time.Hour)))
			assert.Equal(t, []string{"bob", "ada"}, persons(t, s), "the latest sign-in first")
			open, err := s.Open(t.Context())
			require.NoError(t, err)
			assert.Equal(t, s.Of([]byte("bob")), open[0])

			now = now.Add(2 * time.Minute)
			assert.Empty(t, find("a"), "it has expired")
			assert.Equal(t, []string{"bob"}, persons(t, s))
			require.NoError(t, s.CommitCtx(t.Context(), "c", []byte("eve"), now.Add(time.Hour)))
			now = now.Add(-time.Hour)
			assert.Empty(t, find("a"), "what has expired is deleted")
			assert.Equal(t, []string{"eve", "bob"}, persons(t, s))

			require.NoError(t, s.DeleteCtx(t.Context(), "b"))
			require.NoError(t, s.DeleteCtx(t.Context(), "b"))
			require.NoError(t, s.End(t.Context(), "id of eve"))
			require.ErrorIs(t, s.End(t.Context(), "id of eve"), identity.ErrNotFound)
			require.ErrorIs(t, s.End(t.Context(), "id of bob"), identity.ErrNotFound)
			for digest, person := range map[string]string{"b": "bob", "c": "eve"} {
				require.NoError(t, s.CommitCtx(t.Context(), digest, []byte(person), now.Add(time.Hour)), "by a request that was under way")
				assert.Empty(t, find(digest))
			}
			assert.Empty(t, persons(t, s))
		})
	}
}

// A session that older code has kept is listed once newer code has kept it. Each takes a session for ended that the other has ended.
func TestSessionsOfOlderCode(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			l := engine.migrated(t)
			s := sessionsOf(l, &now)
			require.NoError(t, s.CommitCtx(t.Context(), "a", []byte("ada"), now.Add(time.Hour)))
			require.NoError(t, l.Exec(t.Context(), `INSERT INTO sessions (digest, data, expires_at) SELECT 'b', data, expires_at FROM sessions`))
			assert.Equal(t, []string{"ada"}, persons(t, s))
			require.NoError(t, s.CommitCtx(t.Context(), "b", []byte("bob"), now.Add(time.Hour)))
			assert.ElementsMatch(t, []string{"ada", "bob"}, persons(t, s))
			require.NoError(t, s.End(t.Context(), "id of bob"))
			var data []byte
			require.NoError(t, l.Writer().QueryRowContext(t.Context(), `SELECT data FROM sessions WHERE digest = 'b'`).Scan(&data))
			assert.Empty(t, data)
			require.NoError(t, l.Exec(t.Context(), `UPDATE sessions SET data = substr(data, 1, 0) WHERE digest = 'a'`)) // as older code ends it
			assert.Empty(t, persons(t, s))
			require.ErrorIs(t, s.End(t.Context(), "id of ada"), identity.ErrNotFound)
		})
	}
}

// The API's user sees who is signed in and ends sessions. It makes none, changes none, and does not read what the desk keeps in one.
func TestSessionRights(t *testing.T) {
	name := server.Database(t)
	owner := server.URL("postgres", name)
	for _, user := range []string{"orders_reader", "orders_desk"} {
		role(t, owner, user)
	}
	execute(t, owner, `GRANT orders_reader TO orders_desk`)
	require.NoError(t, connect(t, owner).Migrate(t.Context()))
	execute(t, owner, readerRights+`SELECT ledger_protect_desk()`) // as setup.sh does when it is run again
	now := time.Now()
	desk, reader := sessionsOf(connect(t, server.URL("orders_desk", name)), &now), sessionsOf(connect(t, server.URL("orders_reader", name)), &now)
	for _, person := range []string{"ada", "bob"} {
		require.NoError(t, desk.CommitCtx(t.Context(), "digest of "+person, []byte(person), now.Add(time.Hour)))
	}
	assert.ElementsMatch(t, []string{"ada", "bob"}, persons(t, reader))
	for _, statement := range []string{
		"SELECT digest FROM sessions", "SELECT data FROM sessions", "INSERT INTO sessions (digest, data, expires_at) VALUES ('c', 'eve', now())",
		"UPDATE sessions SET data = 'eve'", "UPDATE sessions SET document = '{}'", "UPDATE sessions SET expires_at = now()", "DELETE FROM sessions",
	} {
		require.ErrorContains(t, reader.Ledger.Exec(t.Context(), statement), "permission denied", statement)
	}
	_, _, err := reader.FindCtx(t.Context(), "digest of ada")
	require.ErrorContains(t, err, "permission denied")
	require.NoError(t, reader.End(t.Context(), "id of bob"))
	_, found, err := desk.FindCtx(t.Context(), "digest of bob")
	require.NoError(t, err)
	assert.False(t, found)
	require.NoError(t, desk.End(t.Context(), "id of ada"))
	assert.Empty(t, persons(t, desk))
}
