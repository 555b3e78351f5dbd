package identity_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
)

func TestMerchants(t *testing.T) {
	for name, c := range map[string]struct {
		set     identity.Merchants
		has     []string
		hasNot  []string
		none    bool
		written string
	}{
		"all":         {identity.AllMerchants(), []string{"", "default", "acme"}, nil, false, "*"},
		"some":        {identity.OnlyMerchants("beta", "acme", "acme"), []string{"acme", "beta"}, []string{"", "default", "gamma"}, false, "acme,beta"},
		"the default": {identity.OnlyMerchants("default"), []string{"", "default"}, []string{"acme"}, false, "default"},
		"none":        {identity.Merchants{}, nil, []string{"", "default", "acme"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, merchant := range c.has {
				assert.True(t, c.set.Has(merchant), merchant)
			}
			for _, merchant := range c.hasNot {
				assert.False(t, c.set.Has(merchant), merchant)
			}
			assert.Equal(t, c.none, c.set.None())
			assert.Equal(t, c.written, c.set.String())

			text, err := json.Marshal(c.set)
			require.NoError(t, err)
			var read identity.Merchants
			require.NoError(t, json.Unmarshal(text, &read))
			assert.Equal(t, c.set, read)
		})
	}
}

func TestMerchantsNarrow(t *testing.T) {
	both, all := identity.OnlyMerchants("acme", "beta"), identity.AllMerchants()
	assert.Equal(t, both, both.Narrow(""))
	assert.Equal(t, identity.OnlyMerchants("acme"), both.Narrow("acme"))
	assert.Equal(t, identity.OnlyMerchants("gamma"), all.Narrow("gamma"))
	assert.True(t, both.Narrow("gamma").None())
}

func TestMerchantsCovers(t *testing.T) {
	acme, both, all := identity.OnlyMerchants("acme"), identity.OnlyMerchants("acme", "beta"), identity.AllMerchants()
	assert.True(t, both.Covers(acme))
	assert.True(t, all.Covers(both))
	assert.True(t, all.Covers(all))
	assert.False(t, acme.Covers(both))
	assert.False(t, both.Covers(all))
	assert.False(t, identity.Merchants{}.Covers(acme))
}

// A scope holds for the merchants of the grants that have it, and for no others.
func TestSubjectFor(t *testing.T) {
	ada := identity.Subject{Kind: identity.Person, Name: "ada@example.com", Grants: []identity.Grant{
		{identity.Role("reviewer").Scopes(), identity.OnlyMerchants("acme")},
		{identity.Role("analyst").Scopes(), identity.OnlyMerchants("beta")},
		{identity.Role("auditor").Scopes(), identity.AllMerchants()},
	}}
	for scope, want := range map[identity.Scope]string{
		identity.Review: "acme", identity.Label: "acme,beta", identity.Read: "*", identity.Audit: "*", identity.Admin: "", identity.Transact: "",
	} {
		assert.Equal(t, want, ada.For(scope).String(), scope)
	}
	assert.Equal(t, "person ada@example.com", ada.String())
	assert.Equal(t, "anonymous", identity.Subject{Kind: identity.Anonymous}.String())
}

func TestRoles(t *testing.T) {
	for _, role := range identity.Roles {
		assert.NotEmpty(t, role.Scopes(), role)
		assert.NotContains(t, role.Scopes(), identity.Transact, role)
		for _, scope := range role.Scopes() {
			assert.Contains(t, identity.Scopes, scope, role)
		}
	}
	for _, scope := range identity.Scopes {
		assert.NotEmpty(t, scope.Allows(), scope)
	}
	assert.Empty(t, identity.Role("king").Scopes())
}

func TestClientName(t *testing.T) {
	for want, c := range map[string][2]string{"shop": {"", "shop"}, "till": {"default", "till"}, "acme/shop": {"acme", "shop"}} {
		assert.Equal(t, want, identity.ClientName(c[0], c[1]))
	}
}
