package ledger_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
)

// keyFor returns a new key of a client of the merchant acme, made minutes after the start.
func keyFor(client string, minutes int) identity.Key {
	secret := identity.NewSecret()
	return identity.Key{
		Name: secret.Name(), Digest: secret.Digest(), Merchant: "acme", Client: client,
		Scopes: []identity.Scope{identity.Transact, identity.Read}, CreatedAt: start.Add(time.Duration(minutes) * time.Minute),
	}
}

func TestKeysConformance(t *testing.T) {
	for name, engine := range engines {
		for what, test := range map[string]func(*testing.T, *ledgerdb.Ledger){
			"merchants":         merchants,
			"come back":         keysComeBack,
			"need a merchant":   keysNeedMerchant,
			"two live":          keysTwoLive,
			"two at once":       keysAtOnce,
			"roll":              keysRoll,
			"roll's lifetime":   keysRollLifetime,
			"revoke":            keysRevoke,
			"changes":           keysChanges,
			"used":              keysUsed,
			"disabled merchant": keysOfDisabled,
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				l := engine.migrated(t)
				require.NoError(t, l.AddMerchant(t.Context(), identity.Merchant{Name: "acme", AddedAt: start}))
				test(t, l)
			})
		}
	}
}

func merchants(t *testing.T, l *ledgerdb.Ledger) {
	defer noErrors(t)()
	all, err := l.Merchants(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, identity.Merchant{Name: "acme", AddedAt: start}, all[0])
	require.Equal(t, identity.DefaultMerchant, all[1].Name)
	require.WithinDuration(t, time.Now(), all[1].AddedAt, time.Hour)
	require.EqualError(t, l.AddMerchant(t.Context(), identity.Merchant{Name: "acme", AddedAt: start}), "add merchant acme: it exists already")
	require.EqualError(t, l.DisableMerchant(t.Context(), "beta", start), "disable merchant beta: it does not exist")
	require.EqualError(t, l.DisableMerchant(t.Context(), "beta", time.Time{}), "enable merchant beta: it does not exist")
}

func keysOf(t *testing.T, l *ledgerdb.Ledger) []identity.Key {
	t.Helper()
	all, err := l.Keys(t.Context())
	require.NoError(t, err)
	return all
}

func keysComeBack(t *testing.T, l *ledgerdb.Ledger) {
	require.Empty(t, keysOf(t, l))
	second, first := keyFor("shop", 2), keyFor("shop", 1)
	second.ExpiresAt = start.Add(time.Hour)
	app := keyFor("app", 3)
	app.Scopes = identity.Scopes
	till := keyFor("app", 4)
	till.Merchant = identity.DefaultMerchant
	want := []identity.Key{app, first, second, till}
	for _, key := range []identity.Key{till, second, app, first} {
		require.NoError(t, l.AddKey(t.Context(), key))
	}
	require.Empty(t, cmp.Diff(want, keysOf(t, l)))
	require.Error(t, l.AddKey(t.Context(), app), "its name is taken")
	require.Empty(t, cmp.Diff(want, keysOf(t, l)))
}

func keysNeedMerchant(t *testing.T, l *ledgerdb.Ledger) {
	defer noErrors(t)()
	key := keyFor("shop", 1)
	key.Merchant = "beta"
	require.EqualError(t, l.AddKey(t.Context(), key), "make a key for client beta/shop: merchant beta: it does not exist: orders merchants add adds it")
	require.NoError(t, l.DisableMerchant(t.Context(), "acme", start))
	require.EqualError(t, l.AddKey(t.Context(), keyFor("shop", 1)),
		"make a key for client acme/shop: merchant acme is disabled: orders merchants enable acme")
	require.Empty(t, keysOf(t, l))
}

func keysTwoLive(t *testing.T, l *ledgerdb.Ledger) {
	defer noErrors(t)()
	expiring, kept := keyFor("shop", 1), keyFor("shop", 2)
	expiring.ExpiresAt = start.Add(10 * time.Minute)
	require.NoError(t, l.AddKey(t.Context(), expiring))
	require.NoError(t, l.AddKey(t.Context(), kept))
	require.EqualError(t, l.AddKey(t.Context(), keyFor("shop", 9)), fmt.Sprintf(
		"make a key for client acme/shop: it has two live keys already, %s and %s: revoke one of them", expiring.Name, kept.Name))
	require.NoError(t, l.AddKey(t.Context(), keyFor("app", 9)), "another client")
	require.NoError(t, l.AddKey(t.Context(), keyFor("shop", 10)), "the first has expired")
	require.Error(t, l.AddKey(t.Context(), keyFor("shop", 11)))
	_, err := l.RevokeKey(t.Context(), kept.Name, start)
	require.NoError(t, err)
	require.NoError(t, l.AddKey(t.Context(), keyFor("shop", 12)))
}

func keysAtOnce(t *testing.T, l *ledgerdb.Ledger) {
	var all errgroup.Group
	var made atomic.Int64
	for range 8 {
		all.Go(func() error {
			if l.AddKey(t.Context(), keyFor("shop", 1)) == nil {
				made.Add(1)
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	require.EqualValues(t, 2, made.Load())
	require.Len(t, keysOf(t, l), 2)
}

func keysRoll(t *testing.T, l *ledgerdb.Ledger) {
	defer noErrors(t)()
	first, second, third := keyFor("shop", 1), keyFor("", 2), keyFor("", 90)
	second.Merchant, second.Scopes = "", nil
	require.NoError(t, l.AddKey(t.Context(), first))
	before, after, err := l.RollKey(t.Context(), first.Name, second, start.Add(time.Hour))
	require.NoError(t, err)
	first.ExpiresAt = start.Add(time.Hour)
	second.Merchant, second.Client, second.Scopes = first.Merchant, first.Client, first.Scopes
	require.Empty(t, cmp.Diff([]identity.Key{first, second}, []identity.Key{before, after}))
	require.Empty(t, cmp.Diff([]identity.Key{first, second}, keysOf(t, l)))

	_, _, err = l.RollKey(t.Context(), second.Name, keyFor("", 3), start.Add(time.Hour))
	require.ErrorContains(t, err, "roll key "+second.Name+": it has two live keys already")
	_, _, err = l.RollKey(t.Context(), first.Name, third, start.Add(24*time.Hour))
	require.EqualError(t, err, "roll key "+first.Name+": it is expired: orders keys new makes another")
	_, _, err = l.RollKey(t.Context(), "absent", third, start.Add(24*time.Hour))
	require.EqualError(t, err, "roll key absent: it does not exist: orders keys list names all keys")
	require.Empty(t, cmp.Diff([]identity.Key{first, second}, keysOf(t, l)))

	third.Scopes = []identity.Scope{identity.Review}
	_, after, err = l.RollKey(t.Context(), second.Name, third, start.Add(24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, third.Scopes, after.Scopes)
	require.Zero(t, after.ExpiresAt)
	_, _, err = l.RollKey(t.Context(), second.Name, keyFor("", 1500), start.Add(48*time.Hour))
	require.Error(t, err)
	require.Equal(t, start.Add(24*time.Hour), keysOf(t, l)[1].ExpiresAt, "not put off")
}

// A key that expires is followed by one that lives as long, unless it says otherwise.
func keysRollLifetime(t *testing.T, l *ledgerdb.Ledger) {
	first, second, third := keyFor("shop", 0), keyFor("", 30), keyFor("", 60)
	first.ExpiresAt, third.ExpiresAt = start.Add(48*time.Hour), start.Add(72*time.Hour)
	require.NoError(t, l.AddKey(t.Context(), first))
	before, after, err := l.RollKey(t.Context(), first.Name, second, start.Add(50*time.Hour))
	require.NoError(t, err)
	require.Equal(t, first.ExpiresAt, before.ExpiresAt, "not put off")
	require.Equal(t, start.Add(48*time.Hour+30*time.Minute), after.ExpiresAt)
	_, err = l.RevokeKey(t.Context(), first.Name, start)
	require.NoError(t, err)
	_, after, err = l.RollKey(t.Context(), second.Name, third, start.Add(2*time.Hour))
	require.NoError(t, err)
	require.Equal(t, third.ExpiresAt, after.ExpiresAt)

	// A key that was rolled lives on for a while, and can be rolled again: the next one lives as long as the first was made to.
	for client, lifetime := range map[string]time.Duration{"app": 0, "till": 48 * time.Hour} {
		first := keyFor(client, 0)
		if lifetime > 0 {
			first.ExpiresAt = start.Add(lifetime)
		}
		require.NoError(t, l.AddKey(t.Context(), first))
		lost := keyFor("", 1)
		_, _, err := l.RollKey(t.Context(), first.Name, lost, start.Add(24*time.Hour))
		require.NoError(t, err)
		_, err = l.RevokeKey(t.Context(), lost.Name, start.Add(2*time.Minute))
		require.NoError(t, err)
		next := keyFor("", 3)
		_, after, err := l.RollKey(t.Context(), first.Name, next, start.Add(24*time.Hour))
		require.NoError(t, err)
		if lifetime > 0 {
			next.ExpiresAt = next.CreatedAt.Add(lifetime)
		}
		require.Equal(t, next.ExpiresAt, after.ExpiresAt, client)
	}
}

func keysRevoke(t *testing.T, l *ledgerdb.Ledger) {
	defer noErrors(t)()
	key := keyFor("shop", 1)
	require.NoError(t, l.AddKey(t.Context(), key))
	for _, at := range []time.Time{start.Add(time.Hour), start.Add(2 * time.Hour)} {
		revoked, err := l.RevokeKey(t.Context(), key.Name, at)
		require.NoError(t, err)
		key.RevokedAt = start.Add(time.Hour)
		require.Empty(t, cmp.Diff(key, revoked))
		require.Empty(t, cmp.Diff([]identity.Key{key}, keysOf(t, l)))
	}
	_, err := l.RevokeKey(t.Context(), "absent", start)
	require.EqualError(t, err, "revoke key absent: it does not exist: orders keys list names all keys")
}

// Each change shows, and only changes do.
func keysChanges(t *testing.T, l *ledgerdb.Ledger) {
	last := int64(-1)
	changed := func() bool {
		number, err := l.KeyChanges(t.Context())
		require.NoError(t, err)
		was := last
		last = number
		return number != was
	}
	require.True(t, changed())
	key, next := keyFor("shop", 1), keyFor("", 2)
	for name, change := range map[string]func() error{
		"add merchant": func() error { return l.AddMerchant(t.Context(), identity.Merchant{Name: "beta", AddedAt: start}) },
		"disable":      func() error { return l.DisableMerchant(t.Context(), "default", start) },
		"add and roll": func() error {
			if err := l.AddKey(t.Context(), key); err != nil || !changed() {
				return fmt.Errorf("add: %w", err)
			}
			_, _, err := l.RollKey(t.Context(), key.Name, next, start.Add(time.Hour))
			if err != nil || !changed() {
				return fmt.Errorf("roll: %w", err)
			}
			_, err = l.RevokeKey(t.Context(), key.Name, start)
			return err
		},
	} {
		require.NoError(t, change(), name)
		require.True(t, changed(), name)
	}
	require.Error(t, l.AddKey(t.Context(), key))
	require.NoError(t, l.KeysUsed(t.Context(), []string{key.Name}, start))
	require.False(t, changed())
}

func keysUsed(t *testing.T, l *ledgerdb.Ledger) {
	key, other := keyFor("shop", 1), keyFor("shop", 2)
	require.NoError(t, l.AddKey(t.Context(), key))
	require.NoError(t, l.AddKey(t.Context(), other))
	for _, hour := range []int{3, 5, 4} { // of several processes, the latest counts
		require.NoError(t, l.KeysUsed(t.Context(), []string{key.Name}, start.Add(time.Duration(hour)*time.Hour)))
	}
	require.NoError(t, l.KeysUsed(t.Context(), []string{"absent"}, start))
	key.LastUsedAt = start.Add(5 * time.Hour)
	require.Empty(t, cmp.Diff([]identity.Key{key, other}, keysOf(t, l)))

	many := make([]string, 1200) // more than one statement notes
	for n := range many {
		many[n] = fmt.Sprint("absent", n)
	}
	many[1199] = other.Name
	require.NoError(t, l.KeysUsed(t.Context(), many, start))
	other.LastUsedAt = start
	require.Empty(t, cmp.Diff([]identity.Key{key, other}, keysOf(t, l)))
	found, err := l.Key(t.Context(), other.Name)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(other, found))
	for _, absent := range []string{"absent", "", "a\x00"} {
		_, err = l.Key(t.Context(), absent)
		require.ErrorIs(t, err, identity.ErrNotFound)
	}
}

func keysOfDisabled(t *testing.T, l *ledgerdb.Ledger) {
	key, other := keyFor("shop", 1), keyFor("shop", 1)
	other.Merchant = identity.DefaultMerchant
	require.NoError(t, l.AddKey(t.Context(), key))
	require.NoError(t, l.AddKey(t.Context(), other))
	states := func() (all []identity.KeyState) {
		for _, key := range keysOf(t, l) {
			all = append(all, key.State(start))
		}
		return all
	}
	for _, at := range []time.Time{start.Add(time.Hour), start.Add(2 * time.Hour)} {
		require.NoError(t, l.DisableMerchant(t.Context(), "acme", at))
		all, err := l.Merchants(t.Context())
		require.NoError(t, err)
		require.Equal(t, start.Add(time.Hour), all[0].DisabledAt)
		require.Equal(t, []identity.KeyState{identity.KeyDisabled, identity.KeyLive}, states())
	}
	require.NoError(t, l.DisableMerchant(t.Context(), "acme", time.Time{}))
	require.Equal(t, []identity.KeyState{identity.KeyLive, identity.KeyLive}, states())
}

// The API's role reads keys and notes when they were used. It changes nothing else about them.
func TestKeyRights(t *testing.T) {
	name := server.Database(t)
	role(t, server.URL("postgres", name), "orders_reader")
	owner, key := connect(t, server.URL("postgres", name)), keyFor("shop", 1)
	require.NoError(t, owner.Migrate(t.Context()))
	require.NoError(t, owner.AddMerchant(t.Context(), identity.Merchant{Name: "acme", AddedAt: start}))
	require.NoError(t, owner.AddKey(t.Context(), key))
	reader := connect(t, server.URL("orders_reader", name))
	require.Len(t, keysOf(t, reader), 1)
	require.NoError(t, reader.KeysUsed(t.Context(), []string{key.Name}, start))
	require.Equal(t, start, keysOf(t, reader)[0].LastUsedAt)
	defer noErrors(t)()
	_, err := reader.RevokeKey(t.Context(), key.Name, start)
	require.ErrorContains(t, err, "they are changed by the role that owns the tables, which gateways/ledger/setup.sh calls orders, and by orders_desk")
	for _, column := range []string{"name", "merchant", "client", "digest", "scopes", "created_at", "expires_at", "revoked_at"} {
		require.ErrorContains(t, reader.Exec(t.Context(), "UPDATE keys SET "+column+" = "+column), "permission denied", column)
	}
	for _, table := range []string{"merchants", "clients", "keys", "key_changes"} {
		require.ErrorContains(t, reader.Exec(t.Context(), "DELETE FROM "+table), "permission denied", table)
	}
}
