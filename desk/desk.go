// Package desk is the web console for reviewers, analysts and operators. Each page asks the API's own handler, in this process
// and as the person who has signed in: the desk can do nothing that the API does not allow that person, and what is done here
// is in the audit trail as it is there.
package desk

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/internal/remote"
	"dummyorders/internal/slashes"
	"dummyorders/internal/telemetry"
)

// Issuer signs persons in.
type Issuer interface {
	// SignIn begins a sign-in, after which the issuer sends the browser to the URL back.
	SignIn(ctx context.Context, back string) (identity.SignIn, error)
	// Finish returns who has signed in, from the query with which the browser came back, and the token that says so.
	Finish(ctx context.Context, s identity.SignIn, query url.Values) (token string, person identity.Subject, err error)
}

// Options holds what the desk is built from.
type Options struct {
	// API is the handler of the API. As has its requests be those of a person.
	API http.Handler
	As  func(context.Context, identity.Subject) context.Context
	// Issuer signs in the persons who use the desk. IssuerURL names it: sessions of another one do not count.
	Issuer    Issuer
	IssuerURL string
	// Groups holds what OIDC_ROLES gives to the issuer's groups.
	Groups map[string][]identity.Grant
	// Sessions keeps who has signed in.
	Sessions scs.CtxStore
	// TrustedProxies are believed when they say in X-Forwarded-For for whom they ask.
	TrustedProxies []netip.Prefix
	// Audit keeps sign-ins and sign-outs.
	Audit audit.Trail
	// URL is where browsers reach the desk.
	URL *url.URL
	// WebUI is where browsers reach Temporal's Web UI, with the namespace.
	WebUI   string
	Version string
	// Traces records the spans of pages. If it is nil, nothing is recorded.
	Traces trace.TracerProvider
	Log    *slog.Logger
	// Running ends when the process is asked to stop, which ends what would go on; nil means never.
	Running context.Context
	// ReviewNotes are notes to choose from when a review is decided.
	ReviewNotes []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

type desk struct {
	Options
	sessions *scs.SessionManager
	signIns  *rate.Limiter
	sites    remote.Table[*rate.Limiter] // the sign-ins of each
	refusals *rate.Limiter               // of sign-ins, as far as they are noted
	streams  streams
}

// screens lists the parts of the desk in the order of its menu. Each is shown to those who have its scope.
var screens = []screen{
	{Name: "Now", Path: "/now", Scope: identity.Read},
	{Name: "Reviews", Path: "/reviews", Beside: "/reviewers", Scope: identity.Review},
	{Name: "Transactions", Path: "/transactions", Scope: identity.Read},
	{Name: "Rules", Path: "/rules", Scope: identity.Rules},
	{Name: "Alerts", Path: "/alerts", Beside: "/dead-letters", Scope: identity.Alerts},
	{Name: "Reports", Path: "/reports", Scope: identity.Read},
	{Name: "People and keys", Path: "/people", Scope: identity.Admin},
	{Name: "Audit trail", Path: "/audit", Scope: identity.Audit},
	{Name: "You", Path: "/you"},
}

type screen struct {
	Name, Path string
	Beside     string         // another path with pages of the screen, if there is one
	Scope      identity.Scope // empty for a screen that everybody may see
}

// New returns the whole desk as a handler.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Running == nil {
		o.Running = context.Background()
	}
	d := &desk{
		Options: o, signIns: rate.NewLimiter(signInsPerSec, signInsBurst), sites: remote.NewTable[*rate.Limiter](),
		refusals: rate.NewLimiter(rate.Every(time.Minute/mostRefusals), mostRefusals), streams: streams{of: map[string]int{}},
	}
	d.sessions = d.newSessions()
	requests := telemetry.Requests{Server: "desk", Private: card.HoldsNumber, Traces: o.Traces, Log: o.Log}
	router := chi.NewRouter()
	router.Use(slashes.Strip, middleware.GetHead, withPolicy, remote.Find(o.TrustedProxies), http.NewCrossOriginProtection().Handler)
	router.Handle("/static/*", static())
	router.Get("/now/events", d.nowEvents)
	router.Group(func(router chi.Router) {
		router.Use(requests.Measured, d.withSession)
		router.Get("/sign-in", d.signIn)
		router.Get("/callback", d.callback)
		router.Post("/sign-out", d.signOut)
		router.Group(func(router chi.Router) {
			router.Use(d.signedIn, withoutEmpty, d.withForm)
			d.routes(router)
		})
		router.NotFound(d.signedIn(http.HandlerFunc(d.notFound)).ServeHTTP)
	})
	return router
}

// routes adds the pages and forms for those who have signed in.
func (d *desk) routes(router chi.Router) {
	router.Get("/", d.home)
	router.Get("/now", d.page("now", d.showNow))
	router.Get("/reports", d.page("reports", d.showReports))
	router.Get("/reports.csv", d.reportsCSV)
	router.Get("/reports/programs.csv", d.programsCSV)
	router.Get("/reviews", d.page("reviews", d.showQueue))
	router.Post("/reviews/next", d.act(d.takeNext))
	router.Get("/reviews/{id}", d.page("review", d.showReview))
	router.Post("/reviews/{id}", d.act(d.decide))
	router.Post("/reviews/{id}/take", d.act(d.takeThis))
	router.Post("/reviews/{id}/release", d.act(d.release))
	router.Get("/reviews/{id}/{by}", d.page("together", d.showTogether))
	router.Post("/reviews/{id}/{by}", d.act(d.declineTogether))
	router.Get("/reviewers", d.page("reviewers", d.showReviewers))
	router.Get("/transactions", d.page("transactions", d.showTransactions))
	router.Get("/transactions.csv", d.transactionsCSV)
	router.Get("/transactions/find", d.findTransaction)
	router.Get("/transactions/{id}", d.page("transaction", d.showTransaction))
	router.Post("/transactions/{id}/labels", d.act(d.labelTransaction))
	router.Get("/transactions/{id}/lists", d.page("transaction_lists", listsToAdd))
	router.Post("/transactions/{id}/lists", d.act(listTransaction))
	router.Get("/rules", d.page("rules", showRules))
	router.Get("/rules/rule/{id}", d.page("rule", showRule))
	router.Get("/rules/lists/{name}", d.page("list", showList))
	router.Post("/rules/lists/{name}", d.act(addEntry))
	router.Post("/rules/lists/{name}/{entry}/remove", d.act(removeEntry))
	router.Get("/rules/try", d.page("rules_try", showTry))
	router.Post("/rules/try", d.page("rules_try", tryTyped))
	router.Get("/rules/workbench", d.page("workbench", showWorkbench))
	router.Post("/rules/workbench", d.fromWorkbench(checkFiles))
	router.Post("/rules/patch", d.patch)
	router.Post("/rules/backtests", d.fromWorkbench(startBacktest))
	router.Get("/rules/versions", d.page("rule_versions", showVersions))
	router.Post("/rules/versions", d.fromWorkbench(propose))
	router.Get("/rules/versions/{number}", d.page("rule_version", showVersion))
	router.Post("/rules/versions/{number}/approve", d.act(approve))
	router.Post("/rules/versions/{number}/again", d.act(again))
	router.Get("/rules/backtests/{id}", d.page("backtest", showBacktest))
	router.Get("/people", d.page("people", d.showPeople))
	router.Post("/people/merchants", d.act(d.addMerchant))
	router.Post("/people/merchants/{name}/disable", d.act(d.disableMerchant))
	router.Post("/people/merchants/{name}/enable", d.act(d.enableMerchant))
	router.Post("/people/keys", d.once("key", d.makeKey))
	router.Post("/people/keys/{name}/roll", d.once("key", d.rollKey))
	router.Post("/people/keys/{name}/revoke", d.act(d.revokeKey))
	router.Post("/sessions/{id}/end", d.act(d.endSession))
	router.Get("/audit", d.page("trail", d.showTrail))
	router.Get("/audit.jsonl", d.trailFile)
	router.Get("/audit/verification", d.page("verified", d.verifyTrail))
	router.Get("/alerts/routes", d.page("alert_routes", d.showRoutes))
	router.Post("/alerts/routes", d.page("alert_routes", d.tryRoutes))
	router.Get("/alerts", d.page("alerts", d.showAlerts))
	router.Get("/alerts/mutes", d.page("mutes", d.showMutes))
	router.Post("/alerts/mutes", d.act(d.muteAlerts))
	router.Post("/alerts/mutes/{id}/end", d.act(d.endMute))
	router.Get("/alerts/{id}", d.page("alert", d.showAlert))
	router.Post("/alerts/{id}/acknowledge", d.act(d.acknowledgeAlert))
	router.Post("/alerts/{id}/resend", d.act(d.resendAlert))
	router.Get("/dead-letters", d.page("dead_letters", d.showDeadLetters))
	router.Get("/dead-letters/{id}", d.page("dead_letter", d.showDeadLetter))
	router.Post("/dead-letters", d.act(d.changeDeadLetters))
	router.Get("/you", d.page("you", d.showYou))
}

// withPolicy lets pages load only the desk's own files, and be in no other page's frame.
func withPolicy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "+
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// withoutEmpty leads from an address with empty parameters to the one without them: browsers name every field of a form.
func withoutEmpty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var filled []string
		for parameter := range strings.SplitSeq(r.URL.RawQuery, "&") {
			_, value, _ := strings.Cut(parameter, "=")
			if text, err := url.QueryUnescape(value); err != nil || strings.TrimSpace(text) != "" {
				filled = append(filled, parameter)
			}
		}
		query := strings.Join(filled, "&")
		if r.Method != http.MethodGet || query == r.URL.RawQuery {
			next.ServeHTTP(w, r)
			return
		}
		to := *r.URL
		to.RawQuery = query
		http.Redirect(w, r, local(to.RequestURI()), http.StatusSeeOther) //nolint:gosec // it leads to a path of the desk
	})
}

// home leads to the first screen that the person may see.
func (d *desk) home(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, menu(d.person(r))[0].Path, http.StatusSeeOther)
}

// menu returns the screens that a person may see.
func menu(of identity.Subject) (all []screen) {
	for _, s := range screens {
		if s.Scope == "" || !of.For(s.Scope).None() {
			all = append(all, s)
		}
	}
	return all
}

// you is what the page about oneself shows.
type you struct {
	Scopes   []allowed
	Ends     time.Time // of the session
	Sessions []identity.Session
}

// allowed is a scope and the merchants for which somebody has it.
type allowed struct {
	Scope     identity.Scope
	Merchants string
}

func (d *desk) showYou(v *visit) (any, error) {
	y := you{Ends: d.sessions.Deadline(v.Context())}
	for _, scope := range identity.Scopes {
		switch of := v.Person.For(scope); {
		case of.All():
			y.Scopes = append(y.Scopes, allowed{scope, "all merchants"})
		case !of.None():
			y.Scopes = append(y.Scopes, allowed{scope, strings.Join(of.Names(), ", ")})
		}
	}
	err := v.get("/sessions", nil, &y) // of all persons for an admin
	y.Sessions = slices.DeleteFunc(y.Sessions, func(s identity.Session) bool { return s.Person != v.Person.Name })
	return y, err
}

func (d *desk) notFound(w http.ResponseWriter, r *http.Request) {
	d.show(w, d.visit(r), "fault", &Problem{Status: http.StatusNotFound, Detail: "This page does not exist."})
}
