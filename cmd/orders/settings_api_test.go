package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
)

// API keys are given as names with their keys. A client's merchant stands before its name.
func TestAPIKeys(t *testing.T) {
	const secret = "0123456789abcdef"
	scopes := []identity.Scope{identity.Transact, identity.Read}
	client := func(merchant, name string) identity.Subject {
		return identity.Subject{
			Kind: identity.Client, Name: name, Merchant: merchant,
			Grants: []identity.Grant{{Scopes: scopes, Merchants: identity.OnlyMerchants(merchant)}},
		}
	}
	for text, want := range map[string]map[string]identity.Subject{
		"":               nil,
		" ":              nil,
		"shop:" + secret: {secret: client("default", "shop")},
		"shop:" + secret + ", mobile_2:" + secret + "2":           {secret: client("default", "shop"), secret + "2": client("default", "mobile_2")},
		"a-b:~!:/+" + secret:                                      {"~!:/+" + secret: client("default", "a-b")},
		"acme/shop:" + secret + ",shop:" + secret + "2":           {secret: client("acme", "acme/shop"), secret + "2": client("default", "shop")},
		"acme/shop:" + secret + ",default/shop:" + secret + "/22": {secret: client("acme", "acme/shop"), secret + "/22": client("default", "shop")},
	} {
		v := &values{}
		require.Equal(t, want, environment{APIKeys: text, APIKeysScopes: "transact, read"}.keys(v), text)
		require.NoError(t, v.err(), text)
	}
}

func TestAPIKeysScopes(t *testing.T) {
	for text, fault := range map[string]string{
		"transact,read": "", "read": "", "admin  audit": "",
		"": "at least one scope", " , ": "at least one scope", "transact write": "must be scopes with commas between them, of [transact read", "Read": "must be scopes",
	} {
		v := &values{}
		environment{APIKeysScopes: text}.keys(v)
		require.Equal(t, fault != "", len(v.faults) == 1, "%q: %v", text, v.faults)
		require.Contains(t, strings.Join(v.faults, ""), fault, text)
	}
}

// Where only this machine calls without a key, the host is checked.
func TestHosts(t *testing.T) {
	for _, c := range []struct {
		address, keys, url string
		want               []string
	}{
		{"127.0.0.1:9001", "shop:a-long-secret-of-its-own", "", []string{"localhost"}},
		{"127.0.0.1:9001", "", "http://localhost:9001", []string{"localhost", "localhost"}},
		{"[::1]:9001", "", "https://orders.example.com/api", []string{"localhost", "orders.example.com"}},
		{"localhost:9001", " ", "", []string{"localhost"}},
		{"127.0.0.1:9001", "shop:0123456789abcdef", "", nil},
		{":9001", "", "http://localhost:9001", nil},
		{"0.0.0.0:9001", "", "", nil},
		{"192.0.2.5:9001", "", "", nil},
	} {
		t.Run(c.address, func(t *testing.T) {
			require.Equal(t, c.want, environment{HTTPAddress: c.address, APIKeys: c.keys, APIURL: c.url}.hosts())
		})
	}
	require.Equal(t, []string{"localhost", "api"}, environment{HTTPAddress: ":9001", APIPublishedOn: "127.0.0.1"}.hosts(), "a container's port on this machine")
	require.Empty(t, environment{HTTPAddress: ":9001", APIPublishedOn: "0.0.0.0"}.hosts())
}

func TestHTTPAddress(t *testing.T) {
	const (
		right = ": must be localhost or a loopback address such as 127.0.0.1, unless API_KEYS holds keys of your own, API_KEYS_IN_LEDGER=true asks for those that orders keys makes, OIDC_ISSUER names who signs persons in, or API_OPEN=true lets everybody call"
		keys  = "shop:0123456789abcdef"
	)
	for _, c := range []struct {
		address, published, keys, open string
		fault                          string // empty if there is none
	}{
		{"127.0.0.1:9001", "", "", "false", ""},
		{"127.8.9.10:9001", "", "", "false", ""},
		{"localhost:9001", "", "", "false", ""},
		{"[::1]:9001", "", "", "false", ""},
		{":9001", "", "", "false", `HTTP_ADDRESS=":9001"` + right},
		{"0.0.0.0:9001", "", "", "false", `HTTP_ADDRESS="0.0.0.0:9001"` + right},
		{"[::]:9001", "", " ", "false", `HTTP_ADDRESS="[::]:9001"` + right},
		{"192.0.2.5:9001", "", "", "0", `HTTP_ADDRESS="192.0.2.5:9001"` + right},
		{"orders.example.com:9001", "", "", "false", `HTTP_ADDRESS="orders.example.com:9001"` + right},
		{":9001", "", keys, "false", ""},
		{":9001", "", "", "true", ""},
		{":9001", "", "shop:a-long-secret-of-its-own", "false", `HTTP_ADDRESS=":9001"` + right},
		{":9001", "", keys + ",app:a-long-secret-of-its-own", "false", `HTTP_ADDRESS=":9001"` + right},
		{":9001", "127.0.0.1", "", "false", ""},
		{":9001", "[::1]", "", "false", ""},
		{":9001", "0.0.0.0", "", "false", `API_PUBLISHED_ON="0.0.0.0"` + right},
		{":9001", "0.0.0.0", keys, "false", ""},
		{":9001", "0.0.0.0", "", "true", ""},
		{"127.0.0.1:9001", "", "", "yes", `API_OPEN="yes": must be true or false`},
	} {
		t.Run(c.address+" "+c.published+" "+c.keys+" "+c.open, func(t *testing.T) {
			v := &values{}
			address := environment{HTTPAddress: c.address, APIPublishedOn: c.published, APIKeys: c.keys, APIOpen: c.open}.httpAddress(v)
			require.Equal(t, c.address, address)
			require.Equal(t, c.fault, strings.Join(v.faults, "\n"))
		})
	}
}

// Where callers send stored keys, the api may be reached, and none is let in without a key.
func TestStoredKeys(t *testing.T) {
	for _, c := range []struct {
		stored, keys string
		knows        bool
		ways         int
		fault        string
	}{
		{"false", "", false, 0, ""},
		{"true", "", true, 1, ""},
		{"true", "shop:0123456789abcdef", true, 2, ""},
		{"true", "shop:a-long-secret-of-its-own", false, 2, ""},
		{"yes", "", false, 0, `API_KEYS_IN_LEDGER="yes": must be true or false`},
	} {
		t.Run(c.stored+" "+c.keys, func(t *testing.T) {
			e, v := environment{StoredKeys: c.stored, KeysWithoutLedger: "1h", APIKeys: c.keys, APIKeysScopes: "read", TestDoubles: "auto"}, &values{}
			ways := e.authenticators(v, e.storedKeys(v, nil, slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler))
			require.Len(t, ways, c.ways)
			require.Equal(t, c.knows, e.knowsCallers())
			require.Equal(t, c.fault, strings.Join(v.faults, "\n"))
		})
	}
	v := &values{}
	environment{StoredKeys: "true", KeysWithoutLedger: "1s"}.storedKeys(v, nil, nil)
	require.Equal(t, []string{`API_KEYS_WITHOUT_LEDGER="1s": must be a duration from 1m0s to 168h0m0s, such as 90s or 15m`}, v.faults)
}

// An address that is open by mistake is reported together with all other faults.
func TestOpenAddressFaults(t *testing.T) {
	setEnvironment(t, map[string]string{"HTTP_ADDRESS": ":9001", "HTTP_MAX_IN_FLIGHT": "0", "CARD_FINGERPRINT_KEY": ""})
	for name, command := range map[string]interface {
		Run(ctx context.Context) error
	}{"api": apiCommand{}, "dev": devCommand{}} {
		t.Run(name, func(t *testing.T) {
			var wrong *configError
			require.ErrorAs(t, command.Run(ended(t)), &wrong)
			require.Len(t, wrong.faults, 3)
			require.Contains(t, wrong.Error(), `HTTP_ADDRESS=":9001": must be localhost`)
			require.Equal(t, exitConfig, execute(ended(t), []string{name}))
		})
	}
}

// A wrong API key is named by its place and never shown.
func TestWrongAPIKey(t *testing.T) {
	const secret = "0123456789abcdef"
	for _, c := range []struct{ text, place string }{
		{secret, "1"},
		{"shop:", "1"},
		{":" + secret, "1"},
		{"the shop:" + secret, "1"},
		{"shop:" + secret[1:], "1"},
		{"shop:" + secret + " " + secret, "1"},
		{"shop:" + secret + "é", "1"},
		{"shop:" + secret + ",", "2"},
		{"shop:" + secret + ",mobile:" + secret, "2"},
		{"shop:" + secret + ",shop:" + secret + "2", "2"},
		{"shop:" + secret + ",mobile=" + secret + "2", "2"},
		{"shop:" + secret + ",default/shop:" + secret + "2", "2"},
		{"acme/:" + secret, "1"},
		{"/shop:" + secret, "1"},
		{"acme/shop/till:" + secret, "1"},
	} {
		v := &values{}
		require.Empty(t, environment{APIKeys: c.text, APIKeysScopes: "read"}.keys(v), c.text)
		require.Len(t, v.faults, 1, c.text)
		require.True(t, strings.HasPrefix(v.faults[0], "API_KEYS: must be name:key pairs"), v.faults[0])
		require.Contains(t, v.faults[0], "(at number "+c.place+")", c.text)
		require.NotContains(t, v.faults[0], secret[1:], c.text)
	}
}

// All faults of the API's settings are reported at once.
func TestAPIFaultsAtOnce(t *testing.T) {
	faults := faultsOf(t, "api", map[string]string{"API_KEYS": "shop", "IDEMPOTENCY_KEY_REQUIRED": "always"})
	require.Len(t, faults, 2)
	require.Contains(t, strings.Join(faults, "\n"), `IDEMPOTENCY_KEY_REQUIRED="always": must be true or false`)
}
