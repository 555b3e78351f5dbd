package api_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/api"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/stack"
)

// keyed is an API that knows its callers by the keys in a database.
type keyed struct {
	*testing.T

	store   *ledgerdb.Ledger
	handler http.Handler
	ahead   atomic.Int64 // how far the API's clock is ahead
	end     func()       // ends what keeps the keys
	log     strings.Builder
	mu      sync.Mutex
}

// Write writes to the log.
func (k *keyed) Write(text []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.log.Write(text)
}

func (k *keyed) logged() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.log.String()
}

func (k *keyed) now() time.Time { return time.Now().Add(time.Duration(k.ahead.Load())) }

func startKeyed(t *testing.T, url string) *keyed {
	k := &keyed{T: t, store: ledgertest.Open(t, url)}
	require.NoError(t, k.store.AddMerchant(t.Context(), identity.Merchant{Name: "acme", AddedAt: time.Now()}))
	log := slog.New(slog.NewTextHandler(k, nil))
	keys := api.NewStoredKeys(k.store, time.Hour, k.now, log)
	o := options(nowhere(t), newMemory())
	o.Log, o.Authenticators = log, append(clients(map[string]string{"shop": "secret-of-the-shop"}), keys)
	k.handler = handlerWith(o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- keys.Run(ctx) }()
	k.end = sync.OnceFunc(func() { cancel(); assert.NoError(t, <-ended) })
	t.Cleanup(k.end)
	return k
}

// key makes a key of the client acme/till.
func (k *keyed) key(scope identity.Scope, expires time.Time) identity.Secret {
	k.Helper()
	secret := identity.NewSecret()
	require.NoError(k, k.store.AddKey(k.Context(), identity.Key{
		Name: secret.Name(), Digest: secret.Digest(), Merchant: "acme", Client: "till", Scopes: []identity.Scope{scope},
		CreatedAt: time.Now(), ExpiresAt: expires,
	}))
	return secret
}

// answers returns the status and detail with which a request with the key is answered.
func (k *keyed) answers(text string) (int, string) {
	k.Helper()
	answer := request(k.T, k.handler, http.MethodGet, "/transactions", "", "Authorization: Bearer "+text)
	if answer.Code == http.StatusOK {
		return answer.Code, ""
	}
	return answer.Code, asProblem(k, answer).Detail
}

// soon requires that a key is answered so within five seconds.
func (k *keyed) soon(secret identity.Secret, status int, detail string) {
	k.Helper()
	require.EventuallyWithT(k, func(c *assert.CollectT) {
		code, why := k.answers(secret.Reveal())
		assert.Equal(c, status, code)
		assert.Contains(c, why, detail)
	}, 5*time.Second, 50*time.Millisecond)
}

const unknownKey = "an API key that is known here is needed"

// A key opens what its scopes and merchant say, from the moment that it is made until it is revoked, expires, or its
// merchant is disabled.
func TestStoredKeys(t *testing.T) {
	t.Parallel()
	server, err := stack.StartPostgres(t.Context(), stack.PostgresOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	for name, url := range map[string]string{
		"SQLite":     "sqlite:" + filepath.Join(t.TempDir(), "ledger.db"),
		"PostgreSQL": server.URL("postgres", "postgres"),
	} {
		t.Run(name, func(t *testing.T) {
			k := startKeyed(t, url)
			secret := k.key(identity.Read, time.Time{})
			for _, right := range []string{secret.Reveal(), "secret-of-the-shop"} {
				status, _ := k.answers(right)
				require.Equal(t, 200, status)
			}
			other := identity.NewSecret()
			for _, wrong := range []string{other.Reveal(), secret.Name(), secret.Reveal()[:len(secret.Reveal())-1], strings.ToUpper(secret.Reveal())} {
				status, why := k.answers(wrong)
				require.Equal(t, 401, status)
				require.Contains(t, why, unknownKey)
			}
			writes := k.key(identity.Transact, time.Time{})
			status, why := k.answers(writes.Reveal())
			require.Equal(t, 403, status)
			require.Contains(t, why, "read")

			_, err := k.store.RevokeKey(t.Context(), secret.Name(), time.Now())
			require.NoError(t, err)
			k.soon(secret, 401, "this API key was revoked at 20")
			status, _ = k.answers(writes.Reveal())
			require.Equal(t, 403, status, "the client's other key")

			require.NoError(t, k.store.DisableMerchant(t.Context(), "acme", time.Now()))
			k.soon(writes, 401, "this API key belongs to a merchant that is disabled")
			require.NoError(t, k.store.DisableMerchant(t.Context(), "acme", time.Time{}))
			k.soon(writes, 403, "")

			expiring := k.key(identity.Read, time.Now().Add(time.Hour))
			k.soon(expiring, 200, "")
			k.ahead.Store(int64(time.Hour))
			k.soon(expiring, 401, "this API key expired at 20")
			for _, secret := range []identity.Secret{secret, other, writes, expiring} {
				require.NotContains(t, k.logged(), secret.Reveal()[16:])
			}
		})
	}
}

// Whose secret is wrong does not learn what became of the key of that name.
func TestStoredKeysWrongSecret(t *testing.T) {
	t.Parallel()
	mine, other := identity.NewSecret(), identity.NewSecret()
	for name, key := range map[string]identity.Key{
		"live": {}, "revoked": {RevokedAt: time.Now()}, "expired": {ExpiresAt: time.Now()}, "disabled": {MerchantDisabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			key.Name, key.Digest, key.Client = mine.Name(), other.Digest(), "till"
			keys := api.NewStoredKeys(&countedKeys{keys: []identity.Key{key}}, time.Hour, time.Now, slog.New(slog.DiscardHandler))
			_, err := keys.Authenticate(t.Context(), mine.Reveal())
			require.ErrorIs(t, err, identity.ErrUnknown)
		})
	}
}

// While the database is away, keys in memory serve for the time that is set, and no longer. Then, and for keys that may be
// new, the answer is 503: a client is not told that its key is wrong.
func TestStoredKeysWithoutLedger(t *testing.T) {
	t.Parallel()
	server, err := stack.StartPostgres(t.Context(), stack.PostgresOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	k := startKeyed(t, server.URL("postgres", "postgres"))
	secret := k.key(identity.Read, time.Time{})
	k.soon(secret, 200, "")
	require.NoError(t, server.Stop(t.Context()))
	require.Eventually(t, func() bool { return strings.Contains(k.logged(), "Stored keys cannot be read") }, 10*time.Second, 20*time.Millisecond)
	k.ahead.Store(int64(59 * time.Minute))
	k.soon(secret, 200, "")
	k.soon(identity.NewSecret(), 503, "it cannot be found out now who calls")
	status, _ := k.answers("secret-of-the-shop")
	require.Equal(t, 200, status)
	k.ahead.Store(int64(61 * time.Minute))
	k.soon(secret, 503, "it cannot be found out now who calls")
	require.Contains(t, k.logged(), "and serve for 1h0m0s")
	require.NoError(t, server.Start(t.Context()))
	k.soon(secret, 200, "")
	k.soon(identity.NewSecret(), 401, unknownKey)
	require.NotContains(t, k.logged(), secret.Reveal()[16:])
}

// An API that starts while the database is away knows nothing yet, and says so.
func TestStoredKeysNeverRead(t *testing.T) {
	t.Parallel()
	store, err := ledgerdb.Open("sqlite:" + filepath.Join(t.TempDir(), "absent.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	keys := api.NewStoredKeys(store, time.Hour, time.Now, slog.New(slog.DiscardHandler))
	_, err = keys.Authenticate(t.Context(), identity.NewSecret().Reveal())
	require.NotErrorIs(t, err, identity.ErrUnknown)
	require.ErrorContains(t, err, "has no tables yet")
}

// countedKeys counts how often it is used.
type countedKeys struct {
	keys               []identity.Key
	asked, read, noted atomic.Int64
	together           atomic.Int64  // how many were noted last
	slow               bool          // to note what was used
	last               time.Time     // when it was asked
	longest            time.Duration // between two times
}

func (c *countedKeys) KeyChanges(context.Context) (int64, error) {
	if now := time.Now(); c.asked.Add(1) == 1 {
		c.last = now
	} else {
		c.longest, c.last = max(c.longest, now.Sub(c.last)), now
	}
	return 1, nil
}

func (c *countedKeys) Keys(context.Context) ([]identity.Key, error) {
	c.read.Add(1)
	return c.keys, nil
}

func (c *countedKeys) KeysUsed(ctx context.Context, names []string, _ time.Time) error {
	c.noted.Add(1)
	c.together.Store(int64(len(names)))
	if c.slow {
		<-ctx.Done()
	}
	return ctx.Err()
}

// All keys are noted at once, and a change of keys does not wait for that.
func TestStoredKeysNotedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countedKeys{slow: true}
		secrets := make([]identity.Secret, 50)
		for n := range secrets {
			secrets[n] = identity.NewSecret()
			store.keys = append(store.keys, identity.Key{Name: secrets[n].Name(), Digest: secrets[n].Digest(), Client: "till"})
		}
		keys := api.NewStoredKeys(store, time.Hour, time.Now, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { assert.NoError(t, keys.Run(ctx)) }()
		synctest.Wait()
		for _, secret := range secrets {
			_, err := keys.Authenticate(t.Context(), secret.Reveal())
			require.NoError(t, err)
		}
		time.Sleep(20*time.Minute + 3*time.Second) // in the bubble's own time
		synctest.Wait()
		require.EqualValues(t, 20, store.noted.Load(), "once a minute, until it is done")
		require.EqualValues(t, len(secrets), store.together.Load())
		require.Equal(t, 2*time.Second, store.longest)
		cancel()
		time.Sleep(3 * time.Second)
		synctest.Wait()
	})
}

// Unknown keys are looked for in the database, but many of them do not flood it.
func TestStoredKeysFlood(t *testing.T) {
	t.Parallel()
	store := &countedKeys{}
	keys := api.NewStoredKeys(store, time.Hour, time.Now, slog.New(slog.DiscardHandler))
	begun := time.Now()
	var all errgroup.Group
	for range 20 {
		all.Go(func() error {
			for range 500 {
				for _, key := range []string{identity.NewSecret().Reveal(), "ordkey_of-another-form"} {
					if _, err := keys.Authenticate(t.Context(), key); !errors.Is(err, identity.ErrUnknown) {
						return fmt.Errorf("it should be unknown: %w", err)
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	require.EqualValues(t, 1, store.read.Load(), "all keys are read once")
	require.LessOrEqual(t, store.asked.Load(), 11+int64(time.Since(begun)/(100*time.Millisecond)))
	require.Positive(t, store.asked.Load())
}

// The last use is noted to the hour.
func TestStoredKeysLastUsed(t *testing.T) {
	t.Parallel()
	k := startKeyed(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	used, unused := k.key(identity.Read, time.Time{}), k.key(identity.Read, time.Time{})
	k.soon(used, 200, "")
	k.end()
	all, err := k.store.Keys(t.Context())
	require.NoError(t, err)
	lastUsed := map[string]time.Time{}
	for _, key := range all {
		lastUsed[key.Name] = key.LastUsedAt
	}
	require.Zero(t, lastUsed[unused.Name()])
	require.Equal(t, lastUsed[used.Name()].Truncate(time.Hour), lastUsed[used.Name()])
	require.WithinDuration(t, time.Now(), lastUsed[used.Name()], time.Hour+time.Minute)
}

// A key that is used all the time is noted once an hour, and unchanged keys are read once.
func TestStoredKeysNotedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := identity.NewSecret()
		store := &countedKeys{keys: []identity.Key{{Name: secret.Name(), Digest: secret.Digest(), Client: "till"}}}
		keys := api.NewStoredKeys(store, time.Hour, time.Now, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { assert.NoError(t, keys.Run(ctx)) }()
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(61*time.Minute + 30*time.Second))) // in the bubble's own time, between two times of noting
		for range 3 * 60 {
			_, err := keys.Authenticate(t.Context(), secret.Reveal())
			require.NoError(t, err)
			time.Sleep(time.Minute)
		}
		cancel()
		synctest.Wait()
		require.EqualValues(t, 4, store.noted.Load(), "three hours touch four")
		require.EqualValues(t, 1, store.read.Load())
	})
}
