package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An issuer's settings are checked at the start, and all their faults are reported.
func TestPersonsSettings(t *testing.T) {
	const (
		issuer      = "https://login.example.com"
		development = "http://127.0.0.1:9005"
		roles       = "fraud-team=reviewer"
		onlyHere    = "an issuer of this machine is for development"
	)
	for name, c := range map[string]struct {
		set    environment
		faults []string
	}{
		"none":                  {environment{OIDCRoles: "x"}, nil},
		"good":                  {environment{OIDCIssuer: issuer, OIDCRoles: roles, HTTPAddress: ":9001", APIKeys: "shop:0123456789abcdef"}, nil},
		"not HTTPS":             {environment{OIDCIssuer: "http://login.example.com", OIDCRoles: roles}, []string{`OIDC_ISSUER="http://login.example.com": must be an https:// URL`}},
		"no roles":              {environment{OIDCIssuer: issuer}, []string{`OIDC_ROLES="": must be groups and their roles`}},
		"wrong role":            {environment{OIDCIssuer: issuer, OIDCRoles: "a=reviewer,b=king"}, []string{`number 2, "b=king": the role must be one of merchant, reviewer`}},
		"all wrong":             {environment{OIDCIssuer: "login", OIDCRoles: "a", OIDCAudience: " ", OIDCGroupsClaim: " "}, []string{"OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_GROUPS_CLAIM", "OIDC_ROLES"}},
		"development":           {environment{OIDCIssuer: development, OIDCRoles: roles, HTTPAddress: "127.0.0.1:9001"}, nil},
		"development, open":     {environment{OIDCIssuer: development, OIDCRoles: roles, HTTPAddress: "127.0.0.1:9001", APIOpen: "true"}, []string{onlyHere}},
		"development, others":   {environment{OIDCIssuer: development, OIDCRoles: roles, HTTPAddress: ":9001"}, []string{onlyHere}},
		"development, keys":     {environment{OIDCIssuer: development, OIDCRoles: roles, APIKeys: "shop:0123456789abcdef"}, []string{onlyHere}},
		"development, stored":   {environment{OIDCIssuer: development, OIDCRoles: roles, StoredKeys: "true"}, []string{onlyHere}},
		"development, port":     {environment{OIDCIssuer: development, OIDCRoles: roles, HTTPAddress: ":9001", APIPublishedOn: "0.0.0.0"}, []string{onlyHere}},
		"development, real":     {environment{OIDCIssuer: development, OIDCRoles: roles, TestDoubles: "refuse"}, []string{"where payments are real"}},
		"development, live key": {environment{OIDCIssuer: development, OIDCRoles: roles, StripeAPIKey: "sk_live_1"}, []string{"where payments are real"}},
	} {
		t.Run(name, func(t *testing.T) {
			for of, usual := range map[*string]string{
				&c.set.OIDCAudience: "orders", &c.set.OIDCGroupsClaim: "groups", &c.set.HTTPAddress: "127.0.0.1:9001", &c.set.APIOpen: "false", &c.set.StoredKeys: "false",
				&c.set.TestDoubles: "auto",
			} {
				if *of == "" {
					*of = usual
				}
			}
			v := &values{}
			persons := c.set.persons(v, slog.New(slog.DiscardHandler))
			require.Len(t, v.faults, len(c.faults), strings.Join(v.faults, "\n"))
			for _, want := range c.faults {
				assert.Contains(t, strings.Join(v.faults, "\n"), want)
			}
			assert.Equal(t, c.set.OIDCIssuer != "", persons != nil)
		})
	}
}

// An issuer closes the api. One for development does not, and none does where a published key opens it.
func TestPersonsKnown(t *testing.T) {
	for issuer, known := range map[string]bool{"": false, "https://login.example.com": true, "http://localhost:9005": false} {
		e := environment{OIDCIssuer: issuer, HTTPAddress: ":9001", APIOpen: "false"}
		v := &values{}
		e.httpAddress(v)
		assert.Equal(t, known, len(v.faults) == 0, issuer)
		assert.Equal(t, known, e.knowsCallers(), issuer)
		e.APIKeys = "shop:0123456789abcdef,app:a-long-secret-of-its-own"
		v = &values{}
		e.httpAddress(v)
		assert.Len(t, v.faults, 1, "%s with a published key", issuer)
		e.APIKeys = ""
		e.HTTPAddress = "127.0.0.1:9001"
		assert.Equal(t, known, len(e.hosts()) == 0, "%s: the Host header is checked where requests may be anonymous", issuer)
	}
}
