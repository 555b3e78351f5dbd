package api_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

// newClients returns a real store with the merchants acme and beta, and the name of a key of acme's client shop.
func newClients(t testing.TB) (store *ledgerdb.Ledger, key string) {
	t.Helper()
	store = ledgertest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	for _, name := range []string{"acme", "beta"} {
		require.NoError(t, store.AddMerchant(t.Context(), identity.Merchant{Name: name, AddedAt: time.Now()}))
	}
	_, made := identity.NewKey("acme", "shop", []identity.Scope{identity.Read}, time.Now(), time.Time{})
	require.NoError(t, store.AddKey(t.Context(), made))
	return store, made.Name
}

// noClients is a store that takes everything, or fails.
type noClients struct{ err error }

func (n noClients) Merchants(context.Context) ([]identity.Merchant, error)   { return nil, n.err }
func (n noClients) AddMerchant(context.Context, identity.Merchant) error     { return n.err }
func (n noClients) DisableMerchant(context.Context, string, time.Time) error { return n.err }
func (n noClients) Keys(context.Context) ([]identity.Key, error)             { return nil, n.err }
func (n noClients) Key(context.Context, string) (identity.Key, error) {
	return identity.Key{}, cmp.Or(n.err, identity.ErrNotFound)
}

func (n noClients) AddKey(ctx context.Context, _ identity.Key) error {
	return cmp.Or(inTime(ctx, 20*time.Second), n.err)
}

func (n noClients) RevokeKey(context.Context, string, time.Time) (identity.Key, error) {
	return identity.Key{}, n.err
}

func (n noClients) RollKey(context.Context, string, identity.Key, time.Time) (before, after identity.Key, err error) {
	return before, after, n.err
}

func decoded[T any](t testing.TB, answer *httptest.ResponseRecorder, status int) (into T) {
	t.Helper()
	require.Equal(t, status, answer.Code, "%s", answer.Body)
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &into))
	return into
}

// A key is made, used, rolled and revoked over the API, as by orders keys, and each change is in the audit trail.
func TestKeysManaged(t *testing.T) {
	store, first := newClients(t)
	kept := &trail{}
	o := options(nowhere(t), newMemory())
	o.Clients, o.Audit = store, kept
	stored := api.NewStoredKeys(store, time.Hour, time.Now, o.Log)
	handler := handlerWith(o)
	send := func(path, body string) *httptest.ResponseRecorder {
		return request(t, handler, http.MethodPost, path, body)
	}

	answer := send("/keys", `{"merchant": "acme", "client": "till", "scopes": ["transact", "read", "read"], "expires": "90d"}`)
	assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
	made := decoded[identity.MadeKey](t, answer, 201)
	assert.Equal(t, []identity.Scope{identity.Transact, identity.Read}, made.Scopes)
	assert.WithinDuration(t, time.Now().Add(90*24*time.Hour), *made.ExpiresAt, time.Minute)
	who, err := stored.Authenticate(t.Context(), made.Secret)
	require.NoError(t, err)
	assert.Equal(t, "client acme/till", who.String())

	next := decoded[identity.MadeKey](t, send("/keys/"+made.Key+"/roll", `{"overlap": "2h", "scopes": ["read"]}`), 201)
	assert.Equal(t, made.Key, next.Previous.Key)
	assert.WithinDuration(t, time.Now().Add(2*time.Hour), *next.Previous.ExpiresAt, time.Minute)
	assert.Equal(t, []identity.Scope{identity.Read}, next.Scopes)
	assert.Equal(t, "acme", next.Merchant)
	assert.Equal(t, 409, send("/keys", `{"merchant": "acme", "client": "till", "scopes": ["read"]}`).Code, "a client has two live keys at most")

	revoked := decoded[identity.ShownKey](t, send("/keys/"+next.Key+"/revoke", ""), 200)
	assert.Equal(t, identity.KeyRevoked, revoked.State)
	assert.Equal(t, "it is revoked", asProblem(t, send("/keys/"+next.Key+"/roll", `{}`)).Detail)
	assert.Equal(t, 404, send("/keys/absent/revoke", "").Code)
	assert.Equal(t, 404, send("/keys", `{"merchant": "absent", "client": "till", "scopes": ["read"]}`).Code)

	listed := request(t, handler, http.MethodGet, "/keys?merchant=acme", "")
	all := decoded[struct{ Keys []identity.ShownKey }](t, listed, 200).Keys
	require.Len(t, all, 3)
	assert.Equal(t, []any{made.CreatedAt, *next.Previous.ExpiresAt}, []any{all[1].CreatedAt, *all[1].ExpiresAt}, "as they are kept")
	assert.Equal(t, first, all[0].Key)
	assert.NotContains(t, listed.Body.String(), made.Secret)
	assert.Empty(t, decoded[struct{ Keys []identity.ShownKey }](t, request(t, handler, http.MethodGet, "/keys?client=absent", ""), 200).Keys)

	lines := kept.lines()
	words := "key " + made.Key + " of client acme/till, for transact,read, expires " + made.ExpiresAt.Format("2006-01-02T15:04Z") + ", revoked -"
	assert.Equal(t, "anonymous | acme | makeKey | key "+made.Key+" | begun |  > "+words, lines[0])
	assert.Equal(t, "anonymous | acme | makeKey | key "+made.Key+" | 201 |  > "+words+" | ends 1", lines[1])
	assert.Contains(t, lines[3], "rollKey | key "+made.Key+" | 201 | key "+made.Key+" of client acme/till")
	assert.Contains(t, lines[3], " > key "+next.Key+" of client acme/till, for read, ")
	assert.Contains(t, lines[5], "makeKey")
	assert.Contains(t, lines[5], " | 409 | ")
	assert.Regexp(t, `revokeKey \| key `+next.Key+` \| 200 \| .+ revoked - > .+ revoked 20`, lines[7])
	for _, line := range lines {
		assert.NotContains(t, line, made.Secret)
	}
}

// A merchant is added and disabled over the API; with it its clients' keys.
func TestMerchantsManaged(t *testing.T) {
	store, key := newClients(t)
	o := options(nowhere(t), newMemory())
	o.Clients = store
	handler := handlerWith(o)
	send := func(path, body string) *httptest.ResponseRecorder {
		return request(t, handler, http.MethodPost, path, body)
	}
	assert.Equal(t, "gamma", decoded[identity.ShownMerchant](t, send("/merchants", `{"merchant": "gamma"}`), 201).Merchant)
	assert.Equal(t, "it exists already", asProblem(t, send("/merchants", `{"merchant": "gamma"}`)).Detail)
	assert.NotNil(t, decoded[identity.ShownMerchant](t, send("/merchants/acme/disable", ""), 200).DisabledAt)
	all := decoded[struct{ Keys []identity.ShownKey }](t, request(t, handler, http.MethodGet, "/keys", ""), 200).Keys
	assert.Equal(t, identity.KeyDisabled, all[0].State)
	assert.Equal(t, "it is disabled", asProblem(t, send("/keys/"+key+"/roll", `{}`)).Detail)
	assert.Equal(t, "merchant acme is disabled", asProblem(t, send("/keys", `{"merchant": "acme", "client": "till", "scopes": ["read"]}`)).Detail)
	assert.Nil(t, decoded[identity.ShownMerchant](t, send("/merchants/acme/enable", ""), 200).DisabledAt)
	assert.Equal(t, 404, send("/merchants/absent/disable", "").Code)
	merchants := decoded[struct{ Merchants []identity.ShownMerchant }](t, request(t, handler, http.MethodGet, "/merchants", ""), 200).Merchants
	require.Len(t, merchants, 4)
	assert.Equal(t, "acme", merchants[0].Merchant)
}

// The audit trail has no card number, also if that could be a merchant's name.
func TestMerchantsAudited(t *testing.T) {
	store, _ := newClients(t)
	o, kept := options(nowhere(t), newMemory()), &trail{}
	o.Clients, o.Audit = store, kept
	assert.Equal(t, 404, request(t, handlerWith(o), http.MethodPost, "/merchants/4111111111111111/disable", "").Code)
	assert.Equal(t, "anonymous | 411111******1111 | disableMerchant | merchant 411111******1111 | begun", kept.lines()[0])
}

// A process without the right says who has it, and a store that is away changes nothing without a word.
func TestKeysAway(t *testing.T) {
	for _, c := range []struct {
		err error
		why string
	}{{identity.ErrMayNotManage, "do it on the desk"}, {errors.New("away"), "it is not known whether"}} {
		o := options(nowhere(t), newMemory())
		o.Clients = noClients{c.err}
		answer := request(t, handlerWith(o), http.MethodPost, "/keys", `{"client": "till", "scopes": ["read"]}`)
		require.Equal(t, 503, answer.Code)
		assert.Contains(t, asProblem(t, answer).Detail, c.why)
	}
}
