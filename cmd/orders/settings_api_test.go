package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// API keys are given as names with their keys.
func TestAPIKeys(t *testing.T) {
	const secret = "0123456789abcdef"
	for text, want := range map[string]map[string]string{
		"":               nil,
		" ":              nil,
		"shop:" + secret: {"shop": secret},
		"shop:" + secret + ", mobile_2:" + secret + "2": {"shop": secret, "mobile_2": secret + "2"},
		"a-b:~!:/+" + secret:                            {"a-b": "~!:/+" + secret},
	} {
		v := &values{}
		require.Equal(t, want, environment{APIKeys: text}.clients(v), text)
		require.NoError(t, v.err(), text)
	}
}

// Where only this machine calls without a key, the host is checked.
func TestHosts(t *testing.T) {
	for _, c := range []struct {
		address, keys, url string
		want               []string
	}{
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
	} {
		v := &values{}
		require.Empty(t, environment{APIKeys: c.text}.clients(v), c.text)
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
