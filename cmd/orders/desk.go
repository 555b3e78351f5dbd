package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"dummyorders/api"
	"dummyorders/desk"
	"dummyorders/domain/card"
	"dummyorders/domain/review"
	"dummyorders/gateways/ledger"
	"dummyorders/gateways/oidc"
	"dummyorders/gateways/temporal"
	"dummyorders/internal/health"
	"dummyorders/internal/localhost"
)

type deskCommand struct{}

// Run serves the desk until ctx ends.
func (deskCommand) Run(ctx context.Context) error {
	return run(ctx, map[string]part{"desk": serveDesk})
}

func serveDesk(p *process) func(context.Context) error {
	store, issuer := p.env.ledger(p.values), p.env.persons(p.values, p.log)
	if issuer == nil {
		p.values.wrong("OIDC_ISSUER", "", "the URL of the issuer that signs persons in: the desk is for persons only")
	}
	address := p.env.deskAddress(p.values)
	webUI := strings.TrimSuffix(p.values.webURL("WEB_UI_URL", p.env.WebUIURL), "/") + "/namespaces/" + temporal.Namespace()
	roles, _ := oidc.ParseRoles(p.env.OIDCRoles) // persons has said what is wrong with them
	options := desk.Options{
		As: api.As, Issuer: issuer, IssuerURL: p.env.OIDCIssuer, Groups: roles, Sessions: ledger.Sessions{Ledger: store, Of: desk.SessionOf}, Audit: p.env.audit(p.values, store),
		ReviewNotes: p.env.reviewNotes(p.values),
		URL:         p.env.deskURL(p.values), WebUI: webUI, Version: buildVersion(), Traces: p.traces, Log: p.log,
	}
	var ready func(context.Context) error
	if isSet("HTTP_ADDRESS") {
		ready = func(ctx context.Context) error { return askReady(ctx, p.env.HTTPAddress) }
	}
	uses, beside := p.apiOptions(store, true, ready)
	uses.Cards = card.NewDescriber([]byte(cmp.Or(p.env.CardFingerprintKey, standInKey))) // of transactions that are tried: without the key no card is recognized
	uses.Limits, options.TrustedProxies = deskLimits(), uses.TrustedProxies
	connections := api.Connections{All: 1000, Address: 200, Exempt: uses.TrustedProxies, Log: p.log}
	p.checks = map[string]health.Check{"temporal": temporal.Check(p.temporal), "ledger": store.Ready}
	delay := p.env.shutdownDelay(p.values)
	return func(running context.Context) error {
		ctx, stop := delayed(running, delay)
		defer stop()
		uses.Running, options.Running = running, running //nolint:fatcontext // they are set once
		err := together(ctx, append(beside, func(ctx context.Context) error {
			uses.Transactions = &temporal.Transactions{Client: p.temporal, Ledger: store, Draining: ctx}
			options.API = api.New(uses)
			pages := http.NewServeMux()
			pages.Handle("/", desk.New(options))
			pages.Handle("GET /readyz", health.Ready(running, p.log, p.checks)) // as at HEALTH_ADDRESS
			return serve(ctx, p.log, address, connections.Limit, closing(running, pages), drainRequests)
		})...)
		return errors.Join(err, store.Close())
	}
}

// deskAddress returns the address to listen on.
func (e environment) deskAddress(v *values) string {
	address := v.listen("DESK_ADDRESS", e.DeskAddress)
	if host, _, _ := net.SplitHostPort(address); e.developmentIssuer() && !localhost.Is(host) {
		v.wrong("DESK_ADDRESS", address, "a loopback address such as 127.0.0.1:9002 with the issuer of this machine, where those who sign in choose who they are")
	}
	return address
}

// deskURL returns where browsers reach the desk, to which the issuer sends them back. Without DESK_URL that is where it listens.
func (e environment) deskURL(v *values) *url.URL {
	local, _ := localhost.URL(e.DeskAddress) // deskAddress has said what is wrong with it
	value := cmp.Or(e.DeskURL, local)
	u, err := url.Parse(value)
	if err != nil || value != "" && !isWebURL(value) || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		u.Scheme == "http" && !localhost.Is(u.Hostname()) {
		v.wrong("DESK_URL", e.DeskURL, "the https:// URL by which browsers reach the desk, without a path, such as https://desk.example.com; or http:// and this machine")
		return &url.URL{}
	}
	return u
}

// reviewNotes returns the notes to choose from when a review is decided.
func (e environment) reviewNotes(v *values) (notes []string) {
	for note := range strings.SplitSeq(e.DeskReviewNotes, "|") {
		if note = strings.TrimSpace(note); note == "" {
			continue
		}
		if utf8.RuneCountInString(note) > review.MaxNote {
			v.wrong("DESK_REVIEW_NOTES", note, fmt.Sprintf("notes of at most %d characters, with | between them", review.MaxNote))
		}
		notes = append(notes, note)
	}
	return notes
}

// mostByDesk bounds what one person asks of the API through the desk, each second: a page asks for several things.
const mostByDesk = 100

// deskLimits returns the limits of the API that the desk has for itself.
func deskLimits() api.Limits {
	return api.Limits{Rate: mostByDesk, Burst: 5 * mostByDesk, InFlight: 50, WrongKeys: wrongKeys}
}
