package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"dummyorders/api"
	"dummyorders/domain/identity"
)

// persons knows some persons by their tokens.
type persons map[string]identity.Subject

func (p persons) Authenticate(_ context.Context, token string) (identity.Subject, error) {
	person, known := p[token]
	switch {
	case known:
		return person, nil
	case token == "later":
		return person, assert.AnError
	case strings.Count(token, ".") != 2:
		return person, identity.ErrUnknown
	}
	return person, &identity.RefusedError{Reason: "expired_token", Why: "the token has expired: sign in again"}
}

// A person may do what the roles say. With an issuer for development, a request without a token passes, and one with a
// wrong token does not.
func TestPersons(t *testing.T) {
	auditor := identity.Subject{Kind: identity.Person, Name: "ada@example.com", Grants: []identity.Grant{
		{Scopes: identity.Role("auditor").Scopes(), Merchants: identity.AllMerchants()},
	}}
	known := persons{"a.good.token": auditor, "without.any.role": {Kind: identity.Person, Name: "bob@example.com"}}
	const list, alerts = "/transactions", "/alerts"
	for header, c := range map[string]struct {
		path        string
		production  int
		development int
	}{
		"Authorization: Bearer a.good.token":                                  {list, 200, 200},
		"Authorization: Bearer a.good.token ":                                 {alerts, 403, 403},
		"Authorization: Bearer without.any.role":                              {list, 403, 403},
		"Authorization: Bearer an.old.token":                                  {list, 401, 401},
		"Authorization: Bearer the key of the shop":                           {list, 200, 200},
		"Authorization: Bearer another key":                                   {list, 401, 401},
		"Authorization: Basic a.good.token":                                   {list, 401, 401},
		"Authorization: Bearer later":                                         {list, 503, 503},
		"Authorization: ":                                                     {list, 401, 200},
		"Authorization: Bearer a.good.token\r\nAuthorization: Bearer another": {list, 401, 401},
		"Cookie: Authorization=Bearer a.good.token;":                          {list, 401, 200},
	} {
		for development, status := range map[bool]int{false: c.production, true: c.development} {
			o := options(nowhere(t), newMemory())
			o.Authenticators, o.AlsoAnonymous = append(clients(map[string]string{"shop": "the key of the shop"}), known), development
			answer := request(t, api.New(o), http.MethodGet, c.path, "", strings.Split(header, "\r\n")...)
			assert.Equal(t, status, answer.Code, "%s, development %t: %s", header, development, answer.Body)
		}
	}
}
