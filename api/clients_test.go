package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Only known API keys open what is about transactions and alerts.
func TestAPIKeys(t *testing.T) {
	o := options(nowhere(t), newMemory())
	o.Clients = map[string]string{"shop": "secret-of-the-shop", "mobile": "secret-of-the-app"}
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
			if p.Status != 401 || answer.Header().Get("WWW-Authenticate") != "Bearer" || strings.Contains(answer.Body.String(), "secret") {
				t.Errorf("%s %s with %s: %d %v %s", operation.method, operation.path, header, answer.Code, answer.Header(), answer.Body)
			}
		}
		for _, header := range []string{"Authorization: Bearer secret-of-the-shop", "Authorization: BEARER  secret-of-the-app"} {
			if answer := request(t, handler, operation.method, operation.path, "{}", header); answer.Code == 401 {
				t.Errorf("%s %s with %s: %s", operation.method, operation.path, header, answer.Body)
			}
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/docs", "/openapi.json", "/openapi.yaml"} {
		if answer := request(t, handler, http.MethodGet, path, ""); answer.Code == 401 {
			t.Errorf("%s: %s", path, answer.Body)
		}
	}
}

// The document says whether API keys are needed.
func TestOpenAPISecurity(t *testing.T) {
	for _, keys := range []map[string]string{nil, {"shop": "secret-of-the-shop"}} {
		o := options(nowhere(t), newMemory())
		o.Clients = keys
		var document struct {
			Components struct {
				SecuritySchemes map[string]struct{ Type, Scheme string }
			}
			Paths map[string]map[string]struct {
				OperationID string
				Security    []map[string][]string
			}
		}
		must(t, json.Unmarshal(request(t, handlerWith(o), http.MethodGet, "/openapi.json", "").Body.Bytes(), &document))
		schemes := document.Components.SecuritySchemes
		if (schemes["apiKey"].Scheme == "bearer") != (keys != nil) {
			t.Errorf("with %v the schemes are %v", keys, schemes)
		}
		for path, operations := range document.Paths {
			for method, operation := range operations {
				if operation.OperationID == "acknowledgePage" || operation.OperationID == "reviewPage" {
					continue // a signed link opens this without a key
				}
				unauthorized, _ := contractOf(keys != nil).response(path, method, "401")
				headers, _ := unauthorized["headers"].(map[string]any)
				described := headers["WWW-Authenticate"] != nil
				needed := len(operation.Security) > 0 && operation.Security[0]["apiKey"] != nil
				if needed != (keys != nil) || described != (keys != nil) {
					t.Errorf("with %v %s %s needs %v, and its 401 is described: %v", keys, method, path, operation.Security, described)
				}
			}
		}
	}
}
