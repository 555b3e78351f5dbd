// Package slashes ignores the slash at the end of a path.
package slashes

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// Strip has chi look for a path without the slash at its end. An escaped one stays: it belongs to an id.
func Strip(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, has := strings.CutSuffix(cmp.Or(r.URL.RawPath, r.URL.Path), "/"); has && path != "" {
			chi.RouteContext(r.Context()).RoutePath = path
		}
		next.ServeHTTP(w, r)
	})
}
