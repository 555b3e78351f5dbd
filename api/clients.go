package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// apiKeyScheme is the name of the API keys in the OpenAPI document.
const apiKeyScheme = "apiKey"

// clients maps the digests of API keys to the names of their clients. If it is empty, everybody may call.
type clients map[[sha256.Size]byte]string

func newClients(keys map[string]string) clients {
	c := clients{}
	for name, key := range keys {
		c[sha256.Sum256([]byte(key))] = name
	}
	return c
}

// find compares the digest with all digests, each to its end, so that the time it takes says nothing about any key.
func (c clients) find(key string) (name string, known bool) {
	presented := sha256.Sum256([]byte(key))
	for digest, client := range c {
		if subtle.ConstantTimeCompare(presented[:], digest[:]) == 1 {
			name, known = client, true
		}
	}
	return name, known
}

type clientKey struct{}

// clientOf returns the name of the caller. It is empty if there are no API keys.
func clientOf(ctx context.Context) string {
	name, _ := ctx.Value(clientKey{}).(string)
	return name
}

// authenticate lets a request pass if its API key is known, and adds the client's name to its context.
func (c clients) authenticate(ctx huma.Context, next func(huma.Context)) {
	if len(c) == 0 {
		next(ctx)
		return
	}
	scheme, key, _ := strings.Cut(ctx.Header("Authorization"), " ")
	name, known := c.find(strings.TrimSpace(key))
	if !known || !strings.EqualFold(scheme, "Bearer") {
		p := problem(http.StatusUnauthorized, "an API key that is known here is needed in the header Authorization, after the word Bearer")
		p.headers = http.Header{"Www-Authenticate": {"Bearer"}}
		_, w := humachi.Unwrap(ctx)
		p.write(w)
		return
	}
	next(huma.WithValue(ctx, clientKey{}, name))
}

// protect requires an API key for an operation, and describes that in the OpenAPI document.
func (c clients) protect(operation huma.Operation) huma.Operation {
	operation.Middlewares = append(huma.Middlewares{c.authenticate}, operation.Middlewares...)
	if len(c) > 0 {
		operation.Errors = append(operation.Errors, http.StatusUnauthorized)
		operation.Security = []map[string][]string{{apiKeyScheme: {}}}
	}
	return operation
}

// describe declares the API keys in the OpenAPI document, if there are any.
func (c clients) describe(document *huma.OpenAPI) {
	if len(c) == 0 {
		return
	}
	document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{apiKeyScheme: {
		Type: "http", Scheme: "bearer", Description: "The client's API key, as it stands in API_KEYS",
	}}
}
