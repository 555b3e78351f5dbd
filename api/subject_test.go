package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Only known API keys open what is about transactions and alerts.
func TestAPIKeys(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Authenticators = clients(map[string]string{"shop": "secret-of-the-shop", "mobile": "secret-of-the-app"})
	handler := handlerWith(o)
	review, labels := "/transactions/"+uuid.NewString()+"/review", "/transactions/"+uuid.NewString()+"/labels"
	for _, operation := range []struct{ method, path string }{
		{http.MethodPost, "/transact"},
		{http.MethodPost, "/transact/"},
		{http.MethodGet, "/transactions"},
		{http.MethodGet, "/transactions/" + uuid.NewString()},
		{http.MethodPost, review},
		{http.MethodPost, labels},
		{http.MethodGet, "/alerts"},
		{http.MethodGet, "/alerts/" + uuid.NewString()},
		{http.MethodPost, "/alerts/" + uuid.NewString() + "/acknowledge"},
	} {
		for _, header := range []string{
			"X-None: ", "Authorization: ", "Authorization: Bearer", "Authorization: Bearer ", "Authorization: Bearer shop",
			"Authorization: Bearer secret-of-the-sho", "Authorization: Bearer secret-of-the-shop2",
			"Authorization: Basic secret-of-the-shop", "Authorization: secret-of-the-shop",
		} {
			answer := request(t, handler, operation.method, operation.path, "{}", header)
			p := asProblem(t, answer)
			assert.Equal(t, 401, p.Status)
			assert.Equal(t, "Bearer", answer.Header().Get("WWW-Authenticate"))
			assert.NotContains(t, answer.Body.String(), "secret")
		}
		for _, header := range []string{"Authorization: Bearer secret-of-the-shop", "Authorization: BEARER  secret-of-the-app"} {
			answer := request(t, handler, operation.method, operation.path, "{}", header)
			assert.NotEqual(t, 401, answer.Code, "%s %s with %s: %s", operation.method, operation.path, header, answer.Body)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/docs", "/openapi.json", "/openapi.yaml"} {
		answer := request(t, handler, http.MethodGet, path, "")
		assert.NotEqual(t, 401, answer.Code, "%s: %s", path, answer.Body)
	}
}

// The document says whether API keys are needed.
func TestOpenAPISecurity(t *testing.T) {
	for _, keys := range []map[string]string{nil, {"shop": "secret-of-the-shop"}} {
		o := options(nowhere(t), newMemory())
		o.Authenticators = clients(keys)
		var document struct {
			Components struct {
				SecuritySchemes map[string]struct{ Type, Scheme string }
			}
			Paths map[string]map[string]struct {
				OperationID string
				Security    []map[string][]string
			}
		}
		require.NoError(t, json.Unmarshal(request(t, handlerWith(o), http.MethodGet, "/openapi.json", "").Body.Bytes(), &document))
		schemes := document.Components.SecuritySchemes
		assert.Equal(t, keys != nil, schemes["apiKey"].Scheme == "bearer", "with %v the schemes are %v", keys, schemes)
		for path, operations := range document.Paths {
			for method, operation := range operations {
				if operation.OperationID == "acknowledgePage" || operation.OperationID == "reviewPage" {
					continue // a signed link opens this without a key
				}
				unauthorized, _ := contractOf(keys != nil).response(path, method, "401")
				headers, _ := unauthorized["headers"].(map[string]any)
				described := headers["WWW-Authenticate"] != nil
				needed := len(operation.Security) > 0 && operation.Security[0]["apiKey"] != nil
				assert.Equal(t, keys != nil, needed, "with %v %s %s needs %v", keys, method, path, operation.Security)
				assert.Equal(t, keys != nil, described, "with %v %s %s needs %v", keys, method, path, operation.Security)
			}
		}
	}
}

// The document says where persons sign in, and what they can do with their tokens.
func TestOpenAPIIssuer(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Authenticators, o.Issuer = clients(map[string]string{"shop": "secret-of-the-shop"}), "https://login.example.com/staff/"
	var document struct {
		Components struct {
			SecuritySchemes map[string]struct{ Type, OpenIDConnectURL string }
		}
		Paths map[string]map[string]struct{ Security []map[string][]string }
	}
	require.NoError(t, json.Unmarshal(request(t, handlerWith(o), http.MethodGet, "/openapi.json", "").Body.Bytes(), &document))
	person := document.Components.SecuritySchemes["person"]
	assert.Equal(t, "openIdConnect", person.Type)
	assert.Equal(t, "https://login.example.com/staff/.well-known/openid-configuration", person.OpenIDConnectURL)
	assert.Contains(t, document.Paths["/transactions"]["get"].Security, map[string][]string{"person": {}})
	assert.Contains(t, request(t, handlerWith(o), http.MethodGet, "/transactions", "").Body.String(), "an API key or a person's token that is known here")
	assert.NotContains(t, document.Paths["/transact"]["post"].Security, map[string][]string{"person": {}})
}
