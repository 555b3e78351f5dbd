package api

import (
	"cmp"
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

// authenticate lets a request pass if its API key is known, and adds the client's name to its context. A right key passes
// however many wrong ones came from its address, which clients may share.
func (s *server) authenticate(ctx huma.Context, next func(huma.Context)) {
	if len(s.clients) == 0 {
		next(ctx)
		return
	}
	scheme, key, _ := strings.Cut(ctx.Header("Authorization"), " ")
	name, known := s.clients.find(strings.TrimSpace(key))
	if !known || !strings.EqualFold(scheme, "Bearer") {
		p := problem(http.StatusUnauthorized, "an API key that is known here is needed in the header Authorization, after the word Bearer")
		p.headers = http.Header{"Www-Authenticate": {"Bearer"}}
		r, w := humachi.Unwrap(ctx)
		cmp.Or(s.callers.failed(r), p).write(w)
		return
	}
	next(huma.WithValue(ctx, clientKey{}, name))
}

// protect requires an API key for an operation, which it describes in the OpenAPI document, and bounds each caller's rate.
func (s *server) protect(operation huma.Operation) huma.Operation {
	operation.Middlewares = append(huma.Middlewares{s.authenticate, s.callers.limit}, operation.Middlewares...)
	if len(s.clients) > 0 {
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
