package devissuer

import (
	"context"
	"crypto/subtle"
	_ "embed"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	signInPath = "/sign-in"
	cookieName = "dev-sign-in"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// personName is the form of a name on the sign-in page.
var personName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// routes serves the sign-in page, and what signing in needs of the provider.
func (i *Issuer) routes(provider *op.Provider) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{
		oidc.DiscoveryEndpoint, provider.KeysEndpoint().Relative(), provider.TokenEndpoint().Relative(),
		provider.AuthorizationEndpoint().Relative(), provider.AuthorizationEndpoint().Relative() + "/callback",
	} {
		mux.Handle(path, provider)
	}
	mux.HandleFunc("GET "+signInPath, i.show)
	mux.Handle("POST "+signInPath, op.NewIssuerInterceptor(provider.IssuerFromRequest).Handler(i.choose(op.AuthCallbackURL(provider))))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != i.address { // a web page can make a name of its own lead here (DNS rebinding)
			http.Error(w, "this is "+i.URL(), http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "same-origin")
		mux.ServeHTTP(w, r)
	})
}

// view is what the page shows.
type view struct {
	Allowed bool // the browser has the token
	Request string
	Groups  []string
	Fault   string
}

// show serves the page. A browser that has the token in the link keeps it in a cookie.
func (i *Issuer) show(w http.ResponseWriter, r *http.Request) {
	v := view{Allowed: i.allowed(r), Request: r.FormValue("request"), Groups: i.options.Groups}
	if i.isToken(r.FormValue("token")) {
		v.Allowed = true
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // on this machine there is no TLS
			Name: cookieName, Value: i.token, Path: signInPath, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	v.write(w, http.StatusOK)
}

// choose takes the form, and sends the browser on, as the person that was chosen.
func (i *Issuer) choose(on func(context.Context, string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := view{Allowed: i.allowed(r), Request: r.PostFormValue("request"), Groups: i.options.Groups}
		name, groups := r.PostFormValue("name"), r.PostForm["group"]
		switch {
		case !v.Allowed:
			v.write(w, http.StatusForbidden)
		case !personName.MatchString(name) || slices.ContainsFunc(groups, func(g string) bool { return !slices.Contains(v.Groups, g) }):
			v.Fault = "The name must begin with a letter or digit, and have at most 32 of a-z, 0-9, dots, _ and -."
			v.write(w, http.StatusBadRequest)
		case !i.chosen(v.Request, name, groups):
			v.Fault = "This sign-in has ended: begin it again."
			v.write(w, http.StatusNotFound)
		default:
			http.Redirect(w, r, on(r.Context(), v.Request), http.StatusSeeOther)
		}
	}
}

// chosen reports whether a sign-in was waiting for the choice, and makes it.
func (i *Issuer) chosen(id, name string, groups []string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	r, known := i.requests[id]
	if !known || r.chosen {
		return false
	}
	r.chosen, r.name, r.groups, r.granted = true, name, groups, time.Now()
	return true
}

func (i *Issuer) allowed(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	return err == nil && i.isToken(cookie.Value)
}

func (i *Issuer) isToken(text string) bool {
	return subtle.ConstantTimeCompare([]byte(text), []byte(i.token)) == 1
}

func (v view) write(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page.Execute(w, v) // the browser may have gone
}
