package oidc_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/gateways/oidc"
)

// A person signs in at a real provider, and is then known by the token.
func TestSignIn(t *testing.T) {
	w := newWorld(t)
	s, err := w.issuer.SignIn(t.Context(), back)
	require.NoError(t, err)
	query := w.signIn(t, s.URL)
	assert.True(t, s.IsOf(query))
	token, person, err := w.issuer.Finish(t.Context(), s, query)
	require.NoError(t, err)
	assert.Equal(t, "person ada@localhost", person.String())
	assert.Equal(t, "*", person.For(identity.Review).String())
	assert.Equal(t, "*", person.For(identity.Read).String())
	assert.True(t, person.For(identity.Transact).None())

	known, err := w.issuer.Authenticate(t.Context(), token)
	require.NoError(t, err)
	assert.Equal(t, person, known)

	_, _, err = w.issuer.Finish(t.Context(), s, query)
	assert.ErrorContains(t, err, "exchange the code for a token", "the code counts once")
}

// A sign-in ends well only for the browser and the program that began it.
func TestSignInRefused(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		page  func(url.Values)
		query func(url.Values)
		says  string
	}{
		"another nonce":    {func(q url.Values) { q.Set("nonce", "another") }, nil, "its nonce is not that of this sign-in"},
		"no nonce":         {func(q url.Values) { q.Del("nonce") }, nil, "its nonce is not that of this sign-in"},
		"another verifier": {func(q url.Values) { q.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM") }, nil, "invalid code"},
		"another state":    {nil, func(q url.Values) { q.Set("state", "another") }, "the state is not that of this sign-in"},
		"no state":         {nil, func(q url.Values) { q.Del("state") }, "the state is not that of this sign-in"},
		"another code":     {nil, func(q url.Values) { q.Set("code", "another") }, "exchange the code for a token"},
		"another issuer":   {nil, func(q url.Values) { q.Set("iss", "https://login.example.org") }, "another issuer's"},
		"refused there":    {nil, func(q url.Values) { q.Set("error", "access_denied\n") }, "the issuer answered: access_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := w.issuer.SignIn(t.Context(), back)
			require.NoError(t, err)
			page, err := url.Parse(s.URL)
			require.NoError(t, err)
			if c.page != nil {
				asked := page.Query()
				c.page(asked)
				page.RawQuery = asked.Encode()
			}
			query := w.signIn(t, page.String())
			if c.query != nil {
				c.query(query)
			}
			token, _, err := w.issuer.Finish(t.Context(), s, query)
			require.ErrorContains(t, err, c.says)
			assert.Empty(t, token)
		})
	}
}

func TestParseRoles(t *testing.T) {
	for text, want := range map[string]map[string]string{ // the scope reviews needs, by group
		"fraud-team=reviewer": {"fraud-team": "*"},
		"a=reviewer@acme":     {"a": "acme"},
		" a = reviewer@acme+beta , b=reviewer@default,b=reviewer@gamma": {"a": "acme,beta", "b": "default,gamma"},
		"CN=fraud=reviewer":           {"CN=fraud": "*", "CN": ""},
		"fraud@example.com=reviewer":  {"fraud@example.com": "*"},
		"the auditors=auditor@acme":   {"the auditors": ""},
		"a=auditor@acme,a=reviewer@b": {"a": "b"},
	} {
		roles, err := oidc.ParseRoles(text)
		require.NoError(t, err, text)
		for group, merchants := range want {
			person := identity.Subject{Grants: roles[group]}
			assert.Equal(t, merchants, person.For(identity.Review).String(), "%s: %s", text, group)
		}
	}
	const role = "the role must be one of merchant, reviewer, analyst, operator, auditor, admin, not "
	for text, says := range map[string]string{
		"":                      `number 1, "": must be a group, an equals sign and a role, such as fraud-team=reviewer`,
		"reviewer":              `number 1, "reviewer": must be a group, an equals sign and a role`,
		"=reviewer":             `number 1, "=reviewer": must be a group, an equals sign and a role`,
		"a=king":                `number 1, "a=king": ` + role + `"king"`,
		"a=":                    `number 1, "a=": ` + role + `""`,
		"a=Reviewer":            role + `"Reviewer"`,
		"a=reviewer, b=x, c":    `number 2, "b=x": ` + role + `"x"; number 3, "c": must be a group`,
		"a=reviewer@":           "after @ must stand merchants with + between them, such as acme+beta",
		"a=reviewer@acme+":      "after @ must stand merchants",
		"a=reviewer@acme beta":  "after @ must stand merchants",
		"a=reviewer@acme@beta":  "after @ must stand merchants",
		"a=reviewer, ,b=admin,": `number 2, "": must be a group, an equals sign and a role, such as fraud-team=reviewer; number 4, ""`,
	} {
		_, err := oidc.ParseRoles(text)
		assert.ErrorContains(t, err, says, text)
	}
}
