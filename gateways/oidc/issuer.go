// Package oidc recognizes persons by the tokens of an OpenID Connect issuer, and signs them in there.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"dummyorders/domain/identity"
	"dummyorders/internal/localhost"
)

const (
	// leeway is how far the issuer's clock and this machine's may be apart.
	leeway = 30 * time.Second
	// answerWithin is how long the issuer may take for an answer.
	answerWithin = 5 * time.Second
	// refreshEvery is how often the issuer's settings and keys are read again, so that a key that it has withdrawn counts
	// no longer than that.
	refreshEvery = time.Hour
	// refusedEvery is how often a refused token is logged at most: anybody can send one.
	refusedEvery = 10 * time.Second
)

// algorithms lists the signatures that count: those with a public key. An issuer's own list does not add to it, and with
// "none" or a shared key anybody could sign.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// Config says whose tokens count, and what they allow.
type Config struct {
	URL         string // the issuer, exactly as its tokens name it
	Audience    string // the id of the client that the issuer knows this service by
	GroupsClaim string // the claim with a person's groups
	Roles       Roles
	Log         *slog.Logger
	Now         func() time.Time // time.Now if nil
}

// Issuer is an OpenID Connect issuer. It is asked when it is needed first, and again if it did not answer.
type Issuer struct {
	config  Config
	http    *http.Client
	refused rate.Sometimes

	mu       sync.Mutex
	provider *oidc.Provider
	read     time.Time
}

// New returns the issuer of a configuration. It does not ask it for anything yet.
func New(c Config) *Issuer {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Issuer{
		config:  c,
		http:    &http.Client{Timeout: answerWithin, Transport: newKeeping(c)},
		refused: rate.Sometimes{Interval: refusedEvery},
	}
}

// CheckURL returns an error if an issuer cannot have the URL.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && !IsDevelopment(text) {
		return errors.New("an https:// URL without a query, such as https://login.example.com/realms/staff")
	}
	return nil
}

// IsDevelopment reports whether a URL is that of an issuer for development: plain HTTP to this machine.
func IsDevelopment(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "http" && localhost.Is(u.Hostname())
}

// Authenticate returns the person to whom the issuer gave a token. A person in none of the groups of the configuration is
// known, and has no grants.
func (i *Issuer) Authenticate(ctx context.Context, token string) (identity.Subject, error) {
	if strings.Count(token, ".") != 2 {
		return identity.Subject{}, identity.ErrUnknown
	}
	provider, err := i.ask(ctx)
	if err != nil {
		return identity.Subject{}, err
	}
	person, err := i.verify(ctx, provider, token, "")
	if err != nil {
		i.refused.Do(func() { i.config.Log.WarnContext(ctx, "Token of a person refused", "error", err) })
		return identity.Subject{}, refused(err)
	}
	return person, nil
}

// refused says no more to a caller than that a token has ended or does not count here.
func refused(err error) *identity.RefusedError {
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return &identity.RefusedError{Reason: "expired_token", Why: "the token has expired: sign in again"}
	}
	return &identity.RefusedError{Reason: "bad_token", Why: "the token is not valid here: sign in again"}
}

// ask returns the issuer's settings, once its keys are known too.
func (i *Issuer) ask(ctx context.Context) (*oidc.Provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if now := i.config.Now(); i.provider == nil || now.Sub(i.read) >= refreshEvery {
		ctx = context.WithoutCancel(ctx) // it goes on if this caller leaves, since others wait for it too
		provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.http), i.config.URL)
		if err == nil {
			err = i.askKeys(ctx, provider)
		}
		if err != nil {
			return nil, fmt.Errorf("ask the issuer %s: %w", i.config.URL, err)
		}
		i.provider, i.read = provider, now
	}
	return i.provider, nil
}

// askKeys has the issuer's keys kept. Without it, a token that comes while they cannot be read would look like a wrong one.
func (i *Issuer) askKeys(ctx context.Context, provider *oidc.Provider) error {
	var settings struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&settings); err != nil {
		return fmt.Errorf("find its keys: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, settings.Keys, http.NoBody)
	if err != nil {
		return fmt.Errorf("find its keys: %w", err)
	}
	response, err := i.http.Do(r)
	if err != nil {
		return fmt.Errorf("read its keys: %w", err)
	}
	return response.Body.Close()
}

// verify returns the person to whom the issuer gave a token. The token holds the nonce of a sign-in.
func (i *Issuer) verify(ctx context.Context, provider *oidc.Provider, token, nonce string) (identity.Subject, error) {
	now := i.config.Now()
	verified, err := provider.Verifier(&oidc.Config{
		ClientID: i.config.Audience, SupportedSigningAlgs: algorithms,
		Now: func() time.Time { return now.Add(-leeway) }, // for its end; its beginning is looked at below
	}).Verify(ctx, token)
	if err != nil {
		return identity.Subject{}, fmt.Errorf("verify a token: %w", err)
	}
	var c claims
	if err := c.read(verified, i.config.GroupsClaim); err != nil {
		return identity.Subject{}, fmt.Errorf("read the claims of a token: %w", err)
	}
	begins := time.Unix(max(int64(c.NotBefore), verified.IssuedAt.Unix()), 0)
	switch {
	case c.Subject == "":
		return identity.Subject{}, errors.New("verify a token: it has no sub")
	case begins.After(now.Add(leeway)):
		return identity.Subject{}, fmt.Errorf("verify a token: it is valid from %s on", begins.UTC().Format(time.RFC3339))
	case c.Party != "" && c.Party != i.config.Audience:
		return identity.Subject{}, fmt.Errorf("verify a token: it was issued to the client %q", c.Party)
	case nonce != "" && verified.Nonce != nonce:
		return identity.Subject{}, errors.New("verify a token: its nonce is not that of this sign-in")
	}
	name, err := c.name()
	known := slices.DeleteFunc(slices.Clone(c.groups), func(group string) bool { return i.config.Roles[group] == nil })
	return identity.Subject{Kind: identity.Person, Name: name, Grants: i.config.Roles.grants(known), Groups: known}, err
}
