package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ledgerdb "dummyorders/gateways/ledger"
)

func TestSessions(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			s := ledgerdb.Sessions{Ledger: engine.migrated(t), Now: func() time.Time { return now }}
			_, found, err := s.FindCtx(t.Context(), "a")
			require.NoError(t, err)
			assert.False(t, found)
			require.NoError(t, s.CommitCtx(t.Context(), "a", []byte("one"), now.Add(time.Minute)))
			require.NoError(t, s.CommitCtx(t.Context(), "a", []byte("two"), now.Add(2*time.Minute)))
			require.NoError(t, s.CommitCtx(t.Context(), "b", []byte("three"), now.Add(time.Hour)))
			data, found, err := s.FindCtx(t.Context(), "a")
			require.NoError(t, err)
			assert.True(t, found)
			assert.Equal(t, "two", string(data))
			all, err := s.AllCtx(t.Context())
			require.NoError(t, err)
			assert.Equal(t, map[string][]byte{"a": []byte("two"), "b": []byte("three")}, all)

			now = now.Add(2 * time.Minute)
			_, found, err = s.FindCtx(t.Context(), "a")
			require.NoError(t, err)
			assert.False(t, found, "it has expired")
			require.NoError(t, s.CommitCtx(t.Context(), "c", []byte("four"), now.Add(time.Hour)))
			now = now.Add(-time.Hour)
			all, err = s.AllCtx(t.Context())
			require.NoError(t, err)
			assert.Equal(t, map[string][]byte{"b": []byte("three"), "c": []byte("four")}, all, "what has expired is deleted")
			require.NoError(t, s.DeleteCtx(t.Context(), "b"))
			require.NoError(t, s.DeleteCtx(t.Context(), "b"))
			require.NoError(t, s.CommitCtx(t.Context(), "b", []byte("five"), now.Add(time.Hour)), "by a request that was under way")
			all, err = s.AllCtx(t.Context())
			require.NoError(t, err)
			assert.Equal(t, map[string][]byte{"c": []byte("four")}, all)
			_, found, err = s.FindCtx(t.Context(), "b")
			require.NoError(t, err)
			assert.False(t, found)
		})
	}
}
