package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/identity"
	"dummyorders/internal/safetext"
	"dummyorders/internal/strictjson"
	"dummyorders/internal/telemetry"
)

// ofAnyone is in the place of a scope for an operation that every known caller may ask for, about what is its own.
const ofAnyone identity.Scope = ""

// needs says which scope each operation needs. The check, the OpenAPI document and docs/security.md all follow it.
var needs = map[string]identity.Scope{
	"transact":          identity.Transact,
	"listTransactions":  identity.Read,
	"getTransaction":    identity.Read,
	"getFigures":        identity.Read,
	"getReports":        identity.Read,
	"reviewTransaction": identity.Review,
	"listReviews":       identity.Review,
	"listReviewers":     identity.Review,
	"getReview":         identity.Review,
	"takeReview":        identity.Review,
	"releaseReview":     identity.Review,
	"labelTransaction":  identity.Label,
	"getAlert":          identity.Alerts,
	"listAlerts":        identity.Alerts,
	"acknowledgeAlert":  identity.Alerts,
	"resendAlert":       identity.Alerts,
	"getRoutes":         identity.Alerts,
	"tryRoutes":         identity.Alerts,
	"takeAlarms":        identity.Alarms,
	"muteAlerts":        identity.Alerts,
	"listMutes":         identity.Alerts,
	"endMute":           identity.Alerts,
	"listAudit":         identity.Audit,
	"verifyAudit":       identity.Audit,
	"listMerchants":     identity.Admin,
	"addMerchant":       identity.Admin,
	"disableMerchant":   identity.Admin,
	"enableMerchant":    identity.Admin,
	"listKeys":          identity.Admin,
	"makeKey":           identity.Admin,
	"rollKey":           identity.Admin,
	"revokeKey":         identity.Admin,
	"listSessions":      ofAnyone,
	"endSession":        ofAnyone,
	"listDeadLetters":   identity.DeadLetters,
	"getDeadLetter":     identity.DeadLetters,
	"replayDeadLetters": identity.DeadLetters,
	"purgeDeadLetters":  identity.DeadLetters,
	"getRules":          identity.Rules,
	"getRuleFigures":    identity.Rules,
	"getRulesFiles":     identity.Rules,
	"retryTransaction":  identity.Rules,
	"tryTransaction":    identity.Rules,
	"checkRules":        identity.Rules,
	"listRuleVersions":  identity.Rules,
	"getRuleVersion":    identity.Rules,
	"proposeRules":      identity.Publish,
	"approveRules":      identity.Publish,
	"listEntries":       identity.Rules,
	"addListEntry":      identity.Publish,
	"removeListEntry":   identity.Publish,
	"startBacktest":     identity.Rules,
	"getBacktest":       identity.Rules,
}

// Authenticator finds out who calls, in one way.
type Authenticator interface {
	// Authenticate returns the subject that a bearer token belongs to. It fails with identity.ErrUnknown if the token is
	// not one of its own, and with an *identity.RefusedError if it is, but is not valid any more. Any other error means
	// that it cannot be known now.
	Authenticate(ctx context.Context, token string) (identity.Subject, error)
}

// anonymous is the subject of all requests where callers need not say who they are.
var anonymous = identity.Subject{
	Kind: identity.Anonymous, Merchant: identity.DefaultMerchant,
	Grants: []identity.Grant{{Scopes: identity.Scopes, Merchants: identity.AllMerchants()}},
}

// Keys are API keys that stand in the settings. Their digests are compared, so a key itself is not kept.
type Keys map[[sha256.Size]byte]identity.Subject

// NewKeys returns the keys of these subjects.
func NewKeys(subjects map[string]identity.Subject) Keys {
	keys := Keys{}
	for key, subject := range subjects {
		keys[sha256.Sum256([]byte(key))] = subject
	}
	return keys
}

// Authenticate compares the token with all keys, each to its end, so that the time it takes says nothing about any key.
func (k Keys) Authenticate(_ context.Context, token string) (identity.Subject, error) {
	presented := sha256.Sum256([]byte(token))
	found, err := identity.Subject{}, identity.ErrUnknown
	for digest, subject := range k {
		if subtle.ConstantTimeCompare(presented[:], digest[:]) == 1 {
			found, err = subject, nil
		}
	}
	return found, err
}

type (
	subjectKey   struct{}
	merchantsKey struct{}
)

// subjectOf returns who calls.
func subjectOf(ctx context.Context) identity.Subject {
	subject, _ := ctx.Value(subjectKey{}).(identity.Subject)
	return subject
}

// merchantsOf returns the merchants for which the caller may do what it asks for.
func merchantsOf(ctx context.Context) identity.Merchants {
	merchants, _ := ctx.Value(merchantsKey{}).(identity.Merchants)
	return merchants
}

type signedInKey struct{}

// As returns a context whose requests are this subject's, whatever their headers say. It is for a part of this program that
// has found out itself who asks.
func As(ctx context.Context, subject identity.Subject) context.Context {
	return context.WithValue(ctx, signedInKey{}, subject)
}

// authenticate lets a request pass if its caller is known, and adds the subject to its context. A right key passes however
// many wrong ones came from its address, which clients may share.
func (s *server) authenticate(ctx huma.Context, next func(huma.Context)) {
	subject, refused := s.identify(ctx)
	if refused != nil {
		_, w := humachi.Unwrap(ctx)
		refused.write(w)
		return
	}
	v := visitorOf(ctx.Context())
	v.subject, v.merchant = subject, subject.Merchant // until authorize knows for whom it may be done
	next(huma.WithValue(ctx, subjectKey{}, subject))
}

// identify returns who calls, or a problem.
func (s *server) identify(ctx huma.Context) (identity.Subject, *Problem) {
	if subject, signedIn := ctx.Context().Value(signedInKey{}).(identity.Subject); signedIn {
		return subject, nil
	}
	if len(s.Authenticators) == 0 {
		return anonymous, nil
	}
	r, _ := humachi.Unwrap(ctx)
	if len(r.Header.Values("Authorization")) > 1 { // a proxy may have looked at another one
		return identity.Subject{}, s.unauthorized(ctx, "malformed", "the header Authorization must not stand more than once")
	}
	if s.AlsoAnonymous && ctx.Header("Authorization") == "" {
		return anonymous, nil
	}
	scheme, token, _ := strings.Cut(ctx.Header("Authorization"), " ")
	subject, err := identity.Subject{}, identity.ErrUnknown
	if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && token != "" {
		subject, err = s.whose(ctx.Context(), token)
	}
	if err == nil {
		s.audit.signIn(ctx.Context(), subject, token)
	}
	refused, isRefused := errors.AsType[*identity.RefusedError](err)
	switch {
	case err == nil:
		return subject, nil
	case errors.Is(err, identity.ErrUnknown):
		needed, reason := "an API key", "unknown_key"
		switch {
		case ctx.Header("Authorization") == "":
			reason = "no_credentials"
		case !strings.EqualFold(scheme, "Bearer"):
			reason = "malformed"
		}
		if s.Issuer != "" {
			needed += " or a person's token"
		}
		return subject, s.unauthorized(ctx, reason, needed+" that is known here is needed in the header Authorization, after the word Bearer")
	case isRefused:
		return subject, s.unauthorized(ctx, refused.Reason, refused.Why)
	default:
		s.Log.ErrorContext(ctx.Context(), "Caller not identified", "error", err)
		return subject, unavailable("it cannot be found out now who calls; nothing was accepted, and the request can safely be sent again")
	}
}

// whose asks each authenticator in turn.
func (s *server) whose(ctx context.Context, token string) (identity.Subject, error) {
	for _, a := range s.Authenticators {
		if subject, err := a.Authenticate(ctx, token); !errors.Is(err, identity.ErrUnknown) {
			return subject, err
		}
	}
	return identity.Subject{}, identity.ErrUnknown
}

// unauthorized refuses a caller. reason is a word of a fixed set, for metrics.
func (s *server) unauthorized(ctx huma.Context, reason, why string) *Problem {
	telemetry.LoginsRefused.Inc(ctx.Context(), reason)
	p := problem(http.StatusUnauthorized, why)
	p.headers = http.Header{"Www-Authenticate": {"Bearer"}}
	r, _ := humachi.Unwrap(ctx)
	return cmp.Or(s.callers.failed(r), p)
}

// authorize lets a request pass if its caller has a scope, and adds the merchants for which it has it.
func authorize(scope identity.Scope) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		merchants := subjectOf(ctx.Context()).For(scope)
		if merchants.None() && scope != ofAnyone {
			_, w := humachi.Unwrap(ctx)
			problem(http.StatusForbidden, "this needs the scope "+string(scope)+", which lets one "+scope.Allows()).write(w)
			return
		}
		visitorOf(ctx.Context()).merchant = merchants.String()
		next(huma.WithValue(ctx, merchantsKey{}, merchants))
	}
}

// protect has an operation require a known caller with the operation's scope, which it describes in the OpenAPI document,
// and bounds each caller's rate.
func (s *server) protect(operation huma.Operation) huma.Operation {
	scope, known := needs[operation.OperationID]
	if !known {
		panic("no scope is set for the operation " + operation.OperationID)
	}
	name := func(ctx huma.Context, next func(huma.Context)) {
		visitorOf(ctx.Context()).action = operation.OperationID
		next(ctx)
	}
	operation.Middlewares = append(huma.Middlewares{name, s.authenticate, s.callers.limit, authorize(scope)}, operation.Middlewares...)
	if len(s.Authenticators) > 0 {
		operation.Errors = append(operation.Errors, http.StatusUnauthorized)
		scopes := []string{}
		if scope != ofAnyone {
			operation.Errors = append(operation.Errors, http.StatusForbidden)
			scopes = []string{string(scope)}
		}
		operation.Security = []map[string][]string{{apiKeyScheme: scopes}}
		if s.Issuer != "" && scope != identity.Transact && scope != identity.Alarms { // which no role has
			operation.Security = append(operation.Security, map[string][]string{issuerScheme: {}})
		}
		if s.AlsoAnonymous {
			operation.Security = append(operation.Security, map[string][]string{})
		}
	}
	return operation
}

// The names of API keys and of persons' tokens in the OpenAPI document.
const (
	apiKeyScheme = "apiKey"
	issuerScheme = "person"
)

// isKnown reports whether the service knows who calls, because the caller has proved it.
func isKnown(caller identity.Subject) bool {
	return caller.Kind != identity.Anonymous
}

// setBy sets who changes something about alerts to the name of a caller who is known.
func setBy(caller identity.Subject, by *string) {
	if isKnown(caller) {
		*by = safetext.Cut(caller.Name, alert.MaxBy, "…")
	}
}

// typicalCaller returns a caller of the kind that the OpenAPI document describes.
func (s *server) typicalCaller() identity.Subject {
	if len(s.Authenticators) == 0 {
		return anonymous
	}
	return identity.Subject{Kind: identity.Client}
}

// byName is the member that says who sends the body. A known caller need not say it, and can name only itself.
func byName[T any](caller identity.Subject, name string, limit int, doc string, set func(into *T, name string)) member[T] {
	if !isKnown(caller) {
		return member[T]{name, true, requiredText(limit, doc, "ada"), func(v *strictjson.Value, into *T) { set(into, card.Redact(v.Literal())) }}
	}
	schema := requiredText(max(limit, utf8.RuneCountInString(caller.Name)), doc+": the caller's own name, which also counts if this is left out", "ada")
	schema.Nullable = true
	return member[T]{name, false, schema, func(v *strictjson.Value, _ *T) {
		if v.Literal() != caller.Name {
			v.Fault("must be " + strconv.Quote(caller.Name) + ", as which you are signed in, or be left out")
		}
	}}
}

// describeCallers declares in the OpenAPI document how callers say who they are, if they must.
func (s *server) describeCallers(document *huma.OpenAPI) {
	if len(s.Authenticators) == 0 {
		return
	}
	document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{apiKeyScheme: {
		Type: "http", Scheme: "bearer", Description: "The client's API key. An operation lists the scope that it needs",
	}}
	if s.Issuer != "" {
		document.Components.SecuritySchemes[issuerScheme] = &huma.SecurityScheme{
			Type: "openIdConnect", OpenIDConnectURL: strings.TrimSuffix(s.Issuer, "/") + "/.well-known/openid-configuration",
			Description: "The ID token of a person who has signed in, in the header Authorization after the word Bearer. " +
				"The person's roles must have the scope that the operation lists for API keys",
		}
	}
}
