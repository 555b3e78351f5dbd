// Package api is the HTTP side: it takes transactions, reviews, labels and acknowledgements, answers with what became of
// them, and serves reads. The HTTP status says whether the service did its job; every answer that is no success is a Problem.
package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	"dummyorders/internal/health"
	"dummyorders/internal/tracing"
)

// MaxBody is what a request may send, in bytes.
const MaxBody = 64 << 10

// Transactions take, decide, show and label transactions. Their errors are those of the package transaction, and of a review
// *ledger.ClosedError and *ledger.WorseError too.
type Transactions interface {
	// Process has a transaction accepted, and waits for its answer as long as wait. It is replayed where an earlier call with
	// the same idempotency key was accepted.
	Process(ctx context.Context, t transaction.Transaction, wait time.Duration) (a ledger.Answer, replayed bool, err error)
	// Review hands in a verdict, and waits as long as wait until the transaction is settled.
	Review(ctx context.Context, id string, r review.Request, wait time.Duration) (ledger.Answer, error)
	Record(ctx context.Context, id string) (*ledger.Record, error)
	// Label keeps a label. It fails with ledger.ErrNotFound where the ledger does not have the transaction yet.
	Label(ctx context.Context, id string, l ledger.Label) (ledger.Label, error)
	// Ready fails where no transaction can be taken.
	Ready(ctx context.Context) error
}

// Alerts show alerts and take their acknowledgements. Their errors are those of the package alert.
type Alerts interface {
	Find(ctx context.Context, id string) (*alert.Report, error)
	OfTransaction(ctx context.Context, transactionID string) ([]*alert.Report, error)
	// Acknowledge returns the acknowledgement that counts, which may be an earlier one.
	Acknowledge(ctx context.Context, id string, a alert.Acknowledgement) (alert.Acknowledgement, error)
}

// Options is what the API is made of.
type Options struct {
	Transactions Transactions
	Alerts       Alerts
	// Ledger remembers transactions longer than Temporal does, and takes their labels. It is no part of /readyz: most transactions can be taken
	// without it, and a balancer would send nobody here.
	Ledger ledger.Reader
	// Cards makes what is kept of card numbers, and the digests that retries are known by.
	Cards card.Describer
	// Clients are who may call, name to API key; empty, everybody may.
	Clients map[string]string
	// Hosts are the names by which requests may call the API in their Host header, beside loopback addresses; empty, any.
	Hosts []string
	// Links let people acknowledge alerts and decide reviews from messages; without a key, nobody can.
	Links alert.Links
	// Prefix is the path under which callers reach the API through a proxy, such as /orders; empty where there is none.
	Prefix string
	// PaymentMethods are those that have a gateway, in the spelling of spelling.PaymentMethod; nil where each has.
	PaymentMethods []string
	// RequireIdempotencyKey refuses transactions without one.
	RequireIdempotencyKey bool
	// MaxInFlight is how many transactions and reviews may be waited for at once, and how many other requests may be worked on;
	// one more is answered 429.
	MaxInFlight int
	Version     string
	Log         *slog.Logger
}

type server struct {
	transactions Transactions
	deliveries   Alerts
	ledger       ledger.Reader
	reader       reader
	clients      clients
	links        alert.Links
	requireKey   bool
	waits        gate // of transactions and reviews, which are waited for
	short        gate // of all else that is worked on, which is soon answered
	log          *slog.Logger
}

// New is the whole API as a handler. It is draining once ctx has ended: callers that still wait are then told where to
// ask.
func New(o Options) http.Handler {
	s := &server{
		transactions: o.Transactions,
		deliveries:   o.Alerts,
		ledger:       o.Ledger,
		reader:       reader{cards: o.Cards, methods: o.PaymentMethods},
		clients:      newClients(o.Clients),
		links:        o.Links,
		requireKey:   o.RequireIdempotencyKey,
		waits: newGate(o.MaxInFlight,
			"too many transactions at once; nothing was accepted, and the request can safely be sent again"),
		short: newGate(o.MaxInFlight, "too many requests at once: ask again later"),
		log:   o.Log,
	}
	router := chi.NewRouter()
	router.Use(middleware.StripSlashes, middleware.GetHead, joinPrefer, tracing.Middleware, s.logRequests, s.recoverPanics, onlyFor(o.Hosts), underPrefix(o.Prefix))
	router.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		problem(http.StatusNotFound, "there is nothing at this path: see /docs").write(w)
	})
	router.MethodNotAllowed(methodNotAllowed(router))
	s.register(router, o)
	return router
}

func (s *server) register(router chi.Router, o Options) {
	config := huma.DefaultConfig("orders", cmp.Or(o.Version, "unknown"))
	config.Info.Description = "Takes card transactions, has each checked for fraud, and pays for it, stops it, or has a person decide."
	config.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/openapi", "", ""
	config.CreateHooks = nil // no $schema links in the answers: clients know the seed's bodies
	api := humachi.New(router, config)
	api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[json.Number](), reflect.TypeFor[float64]())
	s.clients.describe(api.OpenAPI())
	s.registerTransact(api)
	s.registerList(api)
	s.registerTransactions(api)
	s.registerReview(api, router)
	s.registerLabel(api)
	s.registerAlerts(api)
	s.registerAcknowledge(api, router)
	hideExplanations(api.OpenAPI())
	describeHeaders(api.OpenAPI())
	describeWords(api.OpenAPI())
	describeSchemas(api.OpenAPI())
	describeAnswers(api.OpenAPI())
	s.describeService(api.OpenAPI(), o.Prefix)
	router.Get("/livez", health.Live)
	router.Get("/readyz", health.Ready(s.log, map[string]health.Check{"temporal": s.transactions.Ready}))
	router.Handle("/docs", docs())
	router.Handle("/docs/*", docs())
}

// docs shows the OpenAPI document to people, from files in the binary: it works where no CDN does. Its addresses are relative
// to /docs, so that they are right behind a proxy's path too.
func docs() http.Handler {
	ui := v5emb.NewWithConfig(swgui.Config{
		InternalBasePath: "/docs",
		SettingsUI:       map[string]string{"docExpansion": `"list"`},
	})("orders", "./../openapi.json", "docs")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/docs":
			page := &unsent{ResponseWriter: w}
			ui.ServeHTTP(page, r)
			w.Header().Set("Content-Security-Policy", docsPolicy(page.String()))
			_, _ = page.WriteTo(w) // the client may be gone; there is nobody else to tell
		case "/docs/":
			http.Redirect(w, r, "/docs", http.StatusPermanentRedirect)
		default:
			ui.ServeHTTP(w, r)
		}
	})
}

// docsPolicy lets the page run its own scripts alone, and ask this API alone. Its pictures are in its style sheet.
func docsPolicy(page string) string {
	return "default-src 'none'; script-src 'self' " + inlineHashes(page, "script") + "; style-src 'self' " + inlineHashes(page, "style") +
		"; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
}

// unsent is an answer whose body is not sent yet.
type unsent struct {
	http.ResponseWriter
	bytes.Buffer
}

// Write keeps what is to be sent.
func (u *unsent) Write(body []byte) (int, error) { return u.Buffer.Write(body) }
