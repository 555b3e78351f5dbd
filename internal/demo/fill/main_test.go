package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The demo posts to the API that make run has started with the same settings, and to none on another machine.
func TestAPIURL(t *testing.T) {
	for name, c := range map[string]struct{ address, url, want, fault string }{
		"nothing is set":       {"", "", "http://127.0.0.1:9001", ""},
		"another port":         {"127.0.0.1:9003", "http://localhost:9001", "http://127.0.0.1:9003", ""},
		"all interfaces":       {":9003", "https://shop.example.com", "http://127.0.0.1:9003", ""},
		"all interfaces, IPv6": {"[::]:9003", "", "http://127.0.0.1:9003", ""},
		"the URL alone":        {"", "http://localhost:9003", "http://localhost:9003", ""},
		"another machine":      {"", "https://shop.example.com", "", "must be on this machine"},
		"no port":              {"localhost", "", "", "read HTTP_ADDRESS"},
	} {
		t.Setenv("HTTP_ADDRESS", c.address)
		t.Setenv("API_URL", c.url)
		api, err := apiURL()
		if c.fault != "" {
			require.ErrorContains(t, err, c.fault, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, c.want, api.String(), name)
	}
}
