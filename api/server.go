// Package api is the HTTP API: it takes transactions, reviews, labels and acknowledgements, answers with the result, and
// serves reads. The HTTP status says whether the service did its job. The body of every answer that is not a success is a
// Problem.
package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
	"go.opentelemetry.io/otel/trace"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/report"
	"dummyorders/domain/review"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/internal/health"
	"dummyorders/internal/remote"
	"dummyorders/internal/slashes"
	"dummyorders/internal/telemetry"
)

// MaxBody is the largest request body, in bytes.
const MaxBody = 64 << 10

// Transactions processes, decides, shows and labels transactions. Its errors are those of the package transaction, and for
// a review also *ledger.ClosedError and *ledger.WorseError. A transaction of other merchants than the given ones does not
// exist for it.
type Transactions interface {
	// Process has a transaction accepted, and waits up to wait for its answer. replayed reports whether an earlier call
	// with the same idempotency key was accepted.
	Process(ctx context.Context, t transaction.Transaction, wait time.Duration) (a ledger.Answer, replayed bool, err error)
	// Review hands in a verdict, and waits up to wait until the transaction is settled.
	Review(ctx context.Context, of identity.Merchants, id string, r review.Request, wait time.Duration) (ledger.Answer, error)
	Record(ctx context.Context, of identity.Merchants, id string) (*ledger.Record, error)
	// Label keeps a label. It fails with ledger.ErrNotFound if the ledger does not have the transaction yet.
	Label(ctx context.Context, of identity.Merchants, id string, l ledger.Label) (ledger.Label, error)
	// Ready returns an error if no transaction can be accepted.
	Ready(ctx context.Context) error
}

// Alerts shows alerts, takes their acknowledgements and sends them again. Its errors are those of the package alert. An alert that is also
// about other merchants than the given ones does not exist for it.
type Alerts interface {
	Find(ctx context.Context, of identity.Merchants, id string) (alert.Log, error)
	OfTransaction(ctx context.Context, of identity.Merchants, transactionID string) ([]alert.Log, error)
	List(ctx context.Context, q alert.Query) (alert.Page, error)
	// Acknowledge returns the acknowledgement that counts, which may be an earlier one.
	Acknowledge(ctx context.Context, of identity.Merchants, id string, a alert.Acknowledgement) (alert.Acknowledgement, error)
	// Resend sends an alert again.
	Resend(ctx context.Context, of identity.Merchants, id string, r alert.Resend) (alert.Resending, error)
}

// Ledger is the part of the ledger that the API uses itself.
type Ledger interface {
	ledger.Searcher
	ledger.Reviews
}

// Options holds what the API is built from.
type Options struct {
	Transactions Transactions
	Alerts       Alerts
	// Mutes keeps which alerts are not sent.
	Mutes alert.Mutes
	// DeadLetters is nil if the process has no access to them.
	DeadLetters DeadLetters
	// Alarms publishes alarms. It is nil if the process has no access to the broker.
	Alarms alert.Publisher
	// Routes returns the routes of alerts as they are now. It is nil if the process does not know them.
	Routes func() Routes
	// ReadEvent reads a CloudEvent, to try it through the routes.
	ReadEvent func(document []byte) (alert.Event, error)
	// Rules shows and tries the rules. It is nil where another detector decides.
	Rules Rules
	// Rulesets keeps the versions of the ruleset that people publish. It is nil where a ruleset is a folder of files.
	Rulesets ruleset.Store
	// Lists keeps the entries of the ruleset's lists that are in the database.
	Lists ruleset.Lists
	// OneApproves lets the person who proposes a version approve it too.
	OneApproves bool
	// Ledger keeps transactions longer than Temporal does, and is read for lists. /readyz does not check it: running
	// transactions can be shown without it, and a load balancer would otherwise send no requests here.
	Ledger Ledger
	// Figures reads what transactions come to, and Surroundings, which may be nil, says how things are beside.
	Figures      Figures
	Surroundings Surroundings
	// Audit keeps what callers do. If it is nil, that is not kept.
	Audit audit.Trail
	// Trail reads what Audit has kept. If it is nil, or its database does not let it, that is answered 503.
	Trail audit.Reader
	// Clients manages merchants, and the keys of their clients.
	Clients Clients
	// Sessions knows who is signed in at the desk.
	Sessions Sessions
	// Cards turns card numbers into what is stored of them, and makes the digests by which retries are recognized.
	Cards card.Describer
	// Authenticators find out who calls: the first that knows the caller counts. Without any, anyone may call, and
	// do everything.
	Authenticators []Authenticator
	// Issuer is the URL of the issuer that one of them takes persons' tokens of, for the OpenAPI document. It is empty if
	// there is none.
	Issuer string
	// AlsoAnonymous lets a request without the header Authorization pass as if there were none of them: for development.
	AlsoAnonymous bool
	// Hosts lists the names that requests may have in their Host header, besides loopback addresses. If it is empty, every
	// name is allowed.
	Hosts []string
	// Links lets people acknowledge alerts and decide reviews from messages. Without a key, such links do not work.
	Links alert.Links
	// Prefix is the path under which callers reach the API through a proxy, such as /orders. It is empty if there is none.
	Prefix string
	// PaymentMethods lists those that have a gateway, in the spelling of spelling.PaymentMethod. Nil means that all have
	// one.
	PaymentMethods []string
	// OrderIDsMayLookLikeCards masks orders' ids that look like card numbers, which are refused otherwise.
	OrderIDsMayLookLikeCards bool
	// Detail says how much of decisions merchants are shown; empty means FullDetail.
	Detail Detail
	// Queues says who gets which reviews first.
	Queues review.Queues
	// RequireIdempotencyKey refuses transactions without an idempotency key.
	RequireIdempotencyKey bool
	// MaxInFlight bounds how many transactions and reviews may be waited for at once, and, separately, how many other
	// requests may be handled at once. A request beyond it is answered 429.
	MaxInFlight int
	// Limits bound each caller.
	Limits Limits
	// TrustedProxies are believed when they say in X-Forwarded-For for whom they ask.
	TrustedProxies []netip.Prefix
	// Running ends when the process is asked to stop: /readyz answers from then on that it drains. Nil means never.
	Running context.Context
	// Now is the clock of the limits; nil means time.Now.
	Now func() time.Time
	// Traces records the requests' spans. If it is nil, nothing is recorded.
	Traces  trace.TracerProvider
	Version string
	// Metrics serves /metrics. If it is nil, that path does not exist.
	Metrics http.Handler
	Log     *slog.Logger
}

type server struct {
	Options

	reader        reader
	callers       *callers
	audit         *auditor
	waits         *gate // for transactions and reviews, which wait for their answer
	short         *gate // for all other requests that do work, which are answered soon
	lists         *gate // for lists, whose answers are large
	verifications *gate // of the audit trail, which read it from end to end

	now         *cache[report.Now] // by merchants, as alertCounts
	alertCounts *cache[report.Alerts]
	parts       *cache[[]report.Part]
}

// New returns the whole API as a handler.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &server{
		Options: o,
		reader:  reader{cards: o.Cards, methods: o.PaymentMethods, maskOrderIDs: o.OrderIDsMayLookLikeCards},
		callers: newCallers(o.Limits, o.Now, o.Log),
		audit:   newAuditor(o.Audit, o.Log),
		waits: newGate(o.MaxInFlight, o.Limits.InFlight,
			"too many transactions at once; nothing was accepted, and the request can safely be sent again"),
		short:         newGate(o.MaxInFlight, o.Limits.InFlight, "too many requests at once: ask again later"),
		lists:         newGate(min(o.MaxInFlight, maxLists), min(o.Limits.InFlight, maxLists/2), "too many lists at once: ask again later"),
		verifications: newGate(1, 1, "the audit trail is being verified already: ask again later"),
		now:           newCache[report.Now](figuresFor, o.Now),
		alertCounts:   newCache[report.Alerts](surroundingsFor, o.Now),
		parts:         newCache[[]report.Part](surroundingsFor, o.Now),
	}
	requests := telemetry.Requests{Server: "api", Private: card.HoldsNumber, Traces: o.Traces, Log: o.Log}
	router := chi.NewRouter()
	router.Use(slashes.Strip, middleware.GetHead, joinPrefer, requests.Measured, remote.Find(o.TrustedProxies), s.audited, s.recoverPanics, onlyFor(o.Hosts), underPrefix(o.Prefix))
	router.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		problem(http.StatusNotFound, "this path does not exist: see /docs").write(w)
	})
	router.MethodNotAllowed(methodNotAllowed(router))
	s.register(router)
	return router
}

func (s *server) register(router chi.Router) {
	config := huma.DefaultConfig("orders", cmp.Or(s.Version, "unknown"))
	config.Info.Description = "Takes card transactions, has each checked for fraud, and pays for it, stops it, or has a person decide."
	config.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/openapi", "", ""
	config.CreateHooks = nil // no $schema links in the answers: clients know the seed's bodies
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	api := humachi.New(router, config)
	api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[json.Number](), reflect.TypeFor[float64]())
	s.describeCallers(api.OpenAPI())
	s.registerTransact(api)
	s.registerList(api)
	s.registerTransactions(api)
	s.registerReview(api, router)
	s.registerQueue(api)
	s.registerReviewers(api)
	s.registerLabel(api)
	s.registerAlerts(api)
	s.registerAcknowledge(api, router)
	s.registerResend(api)
	s.registerInbound(api)
	s.registerRoutes(api)
	s.registerMutes(api)
	s.registerFigures(api)
	s.registerReports(api)
	s.registerRuleFigures(api)
	s.registerTrail(api)
	s.registerKeys(api)
	s.registerSessions(api)
	s.registerDeadLetters(api)
	s.registerRules(api)
	s.registerBacktests(api)
	s.registerVersions(api)
	s.registerLists(api)
	hideExplanations(api.OpenAPI())
	describeHeaders(api.OpenAPI())
	describeRates(api.OpenAPI())
	describeWords(api.OpenAPI())
	describeSchemas(api.OpenAPI())
	describeAnswers(api.OpenAPI())
	s.describeService(api.OpenAPI(), s.Prefix)
	router.Get("/livez", health.Live)
	router.Get("/readyz", health.Ready(cmp.Or(s.Running, context.Background()), s.Log, map[string]health.Check{"temporal": s.Transactions.Ready}))
	if s.Metrics != nil {
		router.Handle("/metrics", s.Metrics)
	}
	router.Handle("/docs", docs())
	router.Handle("/docs/*", docs())
}

// docs shows the OpenAPI document to people, from files in the binary, so that it works where no CDN is reachable. Its
// addresses are relative to /docs, so that they are also right behind a proxy's path.
func docs() http.Handler {
	ui := v5emb.NewWithConfig(swgui.Config{
		InternalBasePath: "/docs",
		SettingsUI:       map[string]string{"docExpansion": `"list"`},
	})("orders", "./../openapi.json", "docs")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/docs":
			page := &bufferedResponse{ResponseWriter: w}
			ui.ServeHTTP(page, r)
			w.Header().Set("Content-Security-Policy", docsPolicy(page.String()))
			_, _ = page.WriteTo(w) // the client may be gone; the error can be reported nowhere
		case "/docs/":
			http.Redirect(w, r, "/docs", http.StatusPermanentRedirect)
		default:
			ui.ServeHTTP(w, r)
		}
	})
}

// docsPolicy allows the page only its own scripts, and requests only to this API. The page's pictures are in its style
// sheet.
func docsPolicy(page string) string {
	return "default-src 'none'; script-src 'self' " + inlineHashes(page, "script") + "; style-src 'self' " + inlineHashes(page, "style") +
		"; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
}

// bufferedResponse is an answer whose body is buffered and not sent yet.
type bufferedResponse struct {
	http.ResponseWriter
	bytes.Buffer
}

// Write adds to the buffer.
func (u *bufferedResponse) Write(body []byte) (int, error) { return u.Buffer.Write(body) }
