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

// clients are who may call, by the digests of their API keys. Where there are none, everybody may.
type clients map[[sha256.Size]byte]string

func newClients(keys map[string]string) clients {
	c := clients{}
	for name, key := range keys {
		c[sha256.Sum256([]byte(key))] = name
	}
	return c
}

// find compares digests, all of them and each to its end: how long it takes says nothing about any key.
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

// clientOf is the name of who calls; empty where there are no API keys.
func clientOf(ctx context.Context) string {
	name, _ := ctx.Value(clientKey{}).(string)
	return name
}

// authenticate lets those pass whose API key is known, and hands on their name.
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

// protect puts the API keys before an operation, and says so in its description.
func (c clients) protect(operation huma.Operation) huma.Operation {
	operation.Middlewares = append(huma.Middlewares{c.authenticate}, operation.Middlewares...)
	if len(c) > 0 {
		operation.Errors = append(operation.Errors, http.StatusUnauthorized)
		operation.Security = []map[string][]string{{apiKeyScheme: {}}}
	}
	return operation
}

// describe declares the API keys in the OpenAPI document, where there are any.
func (c clients) describe(document *huma.OpenAPI) {
	if len(c) == 0 {
		return
	}
	document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{apiKeyScheme: {
		Type: "http", Scheme: "bearer", Description: "The client's API key, as it stands in API_KEYS",
	}}
}
