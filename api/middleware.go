package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"dummyorders/internal/remote"
)

// audited has the audit trail keep reads and refusals.
func (s *server) audited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		address := remote.Address(r)
		v := &visitor{address: address.String(), site: remote.Site(address)}
		r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
		next.ServeHTTP(recorder, r)
		if v.object == "" {
			v.object = pathID(r)
		}
		s.audit.visited(r, v, recorder.Status())
	})
}

// recoverPanics answers for a handler that panicked. It does not log the panic's value, which may hold what the client
// sent.
func (s *server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if broken := recover(); broken != nil {
				if broken == http.ErrAbortHandler { //nolint:errorlint // net/http looks for this very value, unwrapped
					panic(broken)
				}
				s.Log.ErrorContext(r.Context(), "Handler panicked", "stack", string(debug.Stack()))
				problem(http.StatusInternalServerError, "the service failed to handle this request").write(w)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// onlyFor refuses requests whose Host is neither one of names nor a loopback address. A web page that is open in a browser
// on this machine can make its own name resolve to this machine, and could then read and post like a local program (DNS
// rebinding). Requests without a Host do not come from a browser.
func onlyFor(names []string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if len(names) == 0 {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called := (&url.URL{Host: r.Host}).Hostname()
			address, err := netip.ParseAddr(called)
			if called == "" || err == nil && address.IsLoopback() ||
				slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, strings.TrimSuffix(called, ".")) }) {
				next.ServeHTTP(w, r)
				return
			}
			problem(http.StatusMisdirectedRequest, "the Host header must name localhost, a loopback address, or the host of API_URL; "+
				"set API_URL to the address by which callers know this API, or API_KEYS").write(w)
		})
	}
}

// pathPrefix is the form of a proxy's path that is trusted: names of letters, digits and -._~ with slashes before them.
var pathPrefix = regexp.MustCompile(`^(/[A-Za-z0-9._~-]{1,64}){1,8}$`)

// underPrefix makes Location and Link in answers lead back through a proxy that serves the API under a path and strips that
// path from requests. The proxy names the path in X-Forwarded-Prefix; without that header it is known, the path of the API
// as callers know it.
func underPrefix(known string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			prefix := strings.TrimSuffix(r.Header.Get("X-Forwarded-Prefix"), "/")
			if !pathPrefix.MatchString(prefix) || strings.Contains(prefix, "/..") {
				prefix = known
			}
			if prefix != "" {
				w = &prefixed{ResponseWriter: w, prefix: prefix}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// prefixed adds a prefix to the paths in an answer's headers.
type prefixed struct {
	http.ResponseWriter

	prefix string
	begun  bool
}

func (p *prefixed) WriteHeader(status int) {
	if header := p.Header(); !p.begun {
		p.begun = true
		if location := header.Get("Location"); strings.HasPrefix(location, "/") {
			header.Set("Location", p.prefix+location)
		}
		if link := header.Get("Link"); strings.HasPrefix(link, "</") {
			header.Set("Link", "<"+p.prefix+link[1:])
		}
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *prefixed) Write(body []byte) (int, error) {
	if !p.begun {
		p.WriteHeader(http.StatusOK)
	}
	return p.ResponseWriter.Write(body)
}

// Unwrap returns the wrapped writer to http.ResponseController.
func (p *prefixed) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// limitTo refuses a body that is too large, empty, or by its headers or encoding not JSON in UTF-8. It passes any other body
// on, already read.
func limitTo(most int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, refused := readWhole(w, r, most)
			if refused != nil {
				refused.write(w)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}
}

func readWhole(w http.ResponseWriter, r *http.Request, most int64) ([]byte, *Problem) {
	if why := unsupported(r.Header); why != nil {
		return nil, why
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge:
		return nil, problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must not be larger than %d KiB", most>>10))
	case err != nil:
		return nil, problem(http.StatusBadRequest, "the body could not be read to its end")
	case len(body) == 0:
		return nil, problem(http.StatusBadRequest, "the body is empty; a JSON object is expected")
	case isUTF16OrUTF32(body):
		return nil, problem(http.StatusUnsupportedMediaType, "the body is UTF-16 or UTF-32; it must be UTF-8 (RFC 8259)")
	}
	return body, nil
}

// unsupported returns the reason, from the headers, for not reading a body, or nil if it can be read (RFC 9110 §15.5.16).
func unsupported(header http.Header) *Problem {
	codings := strings.Join(header.Values("Content-Encoding"), ",")
	for coding := range strings.SplitSeq(codings, ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
			p := problem(http.StatusUnsupportedMediaType, "the body must not be compressed: send it without Content-Encoding")
			p.headers = http.Header{"Accept-Encoding": {"identity"}}
			return p
		}
	}
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	isJSON := mediaType == "application/json" || strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
	switch charset := params["charset"]; {
	case err != nil || !isJSON:
		return problem(http.StatusUnsupportedMediaType, "the body must be JSON, with Content-Type: application/json")
	case charset != "" && !slices.ContainsFunc(utf8Names, func(name string) bool { return strings.EqualFold(charset, name) }):
		return problem(http.StatusUnsupportedMediaType, "the body must be UTF-8, and Content-Type names another charset")
	}
	return nil
}

// utf8Names lists the names of UTF-8, and of ASCII, which is a part of it.
var utf8Names = []string{"utf-8", "utf8", "us-ascii"}

// isUTF16OrUTF32 reports whether a body is UTF-16 or UTF-32, by its byte order mark or by the zeros beside its first character.
func isUTF16OrUTF32(body []byte) bool {
	return bytes.HasPrefix(body, []byte{0xfe, 0xff}) || bytes.HasPrefix(body, []byte{0xff, 0xfe}) ||
		len(body) > 1 && (body[0] == 0) != (body[1] == 0)
}

// gate bounds how many requests of a kind are handled at once, and so the memory they take: in all, and for one caller.
type gate struct {
	places, each int
	busy         string // the detail of the answer to a request that finds no place

	mu    sync.Mutex
	taken int
	by    map[string]int // the places that each caller has taken
}

func newGate(places, each int, busy string) *gate {
	return &gate{places: places, each: each, busy: busy, by: map[string]int{}}
}

// enter takes a place, and returns leave, which gives it back. If the caller may take none, it returns a problem.
func (g *gate) enter(ctx context.Context, caller string) (leave func(), full *Problem) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.taken >= g.places || g.by[caller] >= g.each {
		limit := "in_flight"
		if g.taken < g.places {
			limit = "in_flight_per_caller"
		}
		return nil, limited(ctx, limit, retryAfterPending, g.busy)
	}
	g.taken++
	g.by[caller]++
	return func() { g.leave(caller) }, nil
}

func (g *gate) leave(caller string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken--
	if g.by[caller]--; g.by[caller] == 0 {
		delete(g.by, caller)
	}
}

// answerWithin is how long a request may take that is answered soon, up to the last byte of its answer: a caller that reads
// slowly gives its place back then.
const answerWithin = 30 * time.Second

// workWithin is how long such a request may be worked on. It leaves time for the last entry of the audit trail and for the answer, which
// says then that something does not answer.
const workWithin = answerWithin - auditWrite - 5*time.Second

// admit lets a request pass if there is a place. It comes after limitTo, so that a caller that sends its body slowly
// takes no place from others.
func (g *gate) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	leave, full := g.enter(ctx.Context(), callerOf(ctx.Context(), r))
	if full != nil {
		full.write(w)
		return
	}
	defer leave()
	next(ctx)
}

// admitBriefly is admit for requests that are answered soon: what they wait for ends in time.
func (g *gate) admitBriefly(ctx huma.Context, next func(huma.Context)) {
	_, w := humachi.Unwrap(ctx)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWithin)) // a test's recorder has none
	bounded, cancel := context.WithTimeout(ctx.Context(), workWithin)
	defer cancel()
	g.admit(huma.WithContext(ctx, bounded), next)
}

// soon is protect for an operation that is answered soon, with a place of a gate.
func (s *server) soon(places *gate, operation huma.Operation) huma.Operation {
	operation.Middlewares = append(operation.Middlewares, places.admitBriefly)
	operation.Errors = append(operation.Errors, http.StatusTooManyRequests)
	return s.protect(operation)
}

// before puts ordinary middleware before one of huma's operations. The middleware may change the request, but not replace
// it.
func before(wrap func(http.Handler) http.Handler) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(ctx)
		wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { next(ctx) })).ServeHTTP(w, r)
	}
}

// methodNotAllowed answers with the methods that the path has, as RFC 9110 §15.5.6 requires.
func methodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := cmp.Or(chi.RouteContext(r.Context()).RoutePath, r.URL.RawPath, r.URL.Path) // as chi looks for it
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			if routes.Match(chi.NewRouteContext(), method, path) {
				allowed = append(allowed, method)
			}
		}
		if at := slices.Index(allowed, http.MethodGet); at >= 0 {
			allowed = slices.Insert(allowed, at+1, http.MethodHead) // by middleware.GetHead
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		problem(http.StatusMethodNotAllowed, "this path takes "+strings.Join(allowed, ", ")).write(w)
	}
}
