package devissuer

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// signInWithin is how long a sign-in may take.
const signInWithin = 10 * time.Minute

// maxRequests bounds how many sign-ins are under way.
const maxRequests = 100

// request is a sign-in that is under way.
type request struct {
	*oidc.AuthRequest

	id      string
	begun   time.Time
	code    string
	chosen  bool
	name    string
	groups  []string
	granted time.Time
}

func (r *request) GetID() string          { return r.id }
func (r *request) GetACR() string         { return "" }
func (r *request) GetAMR() []string       { return nil }
func (r *request) GetAudience() []string  { return []string{r.ClientID} }
func (r *request) GetAuthTime() time.Time { return r.granted }
func (r *request) GetClientID() string    { return r.ClientID }
func (r *request) GetNonce() string       { return r.Nonce }
func (r *request) GetScopes() []string    { return r.Scopes }
func (r *request) GetSubject() string     { return "dev-" + r.name }
func (r *request) Done() bool             { return r.chosen }
func (r *request) GetRedirectURI() string { return r.RedirectURI }
func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

// storage keeps what the provider needs, in memory. Only routes that need no other method of op.Storage are served.
type storage struct {
	op.Storage

	issuer *Issuer
}

// Health has nothing to check.
func (s *storage) Health(context.Context) error { return nil }

// CreateAuthRequest keeps a new request, and forgets those that are too old.
func (s *storage) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if asked.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || asked.CodeChallenge == "" {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with S256 is required")
	}
	r := &request{AuthRequest: asked, id: rand.Text(), begun: time.Now()}
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	for id, other := range s.issuer.requests {
		if time.Since(other.begun) > signInWithin {
			delete(s.issuer.requests, id)
		}
	}
	if len(s.issuer.requests) >= maxRequests {
		return nil, oidc.ErrServerError().WithDescription("too many sign-ins are under way")
	}
	s.issuer.requests[r.id] = r
	return r, nil
}

var errNoRequest = errors.New("no such sign-in is under way")

// AuthRequestByID returns a request that is under way.
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	if r, known := s.issuer.requests[id]; known {
		copied := *r
		return &copied, nil
	}
	return nil, errNoRequest
}

// AuthRequestByCode returns the request that a code was given for.
func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	for _, r := range s.issuer.requests {
		if code != "" && r.code == code {
			copied := *r
			return &copied, nil
		}
	}
	return nil, errNoRequest
}

// SaveAuthCode keeps the code that was given for a request.
func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	r, known := s.issuer.requests[id]
	if !known {
		return errNoRequest
	}
	r.code = code
	return nil
}

// DeleteAuthRequest ends a request, and with it its code.
func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	delete(s.issuer.requests, id)
	return nil
}

// CreateAccessToken gives a token that is good for nothing: only the ID token says something.
func (s *storage) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), time.Now().Add(Lifetime), nil
}

// SigningKey returns the newest key.
func (s *storage) SigningKey(context.Context) (op.SigningKey, error) {
	return s.issuer.newestKey(), nil
}

// SignatureAlgorithms returns the algorithm of all keys.
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// KeySet returns the public parts of the keys.
func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	var keys []op.Key
	for _, k := range s.issuer.keys {
		keys = append(keys, published{k})
	}
	return keys, nil
}

// GetClientByClientID returns the one client.
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != ClientID {
		return nil, errors.New("no such client")
	}
	return client{}, nil
}

// SetUserinfoFromScopes does nothing: SetUserinfoFromRequest does.
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest writes who has signed in.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, asked op.IDTokenRequest, _ []string) error {
	r, ok := asked.(*request)
	if !ok {
		return errNoRequest
	}
	info.Subject, info.PreferredUsername = r.GetSubject(), r.name
	info.Email, info.EmailVerified = r.name+"@localhost", true
	info.AppendClaims(GroupsClaim, r.groups)
	return nil
}

// client is a program that signs people in: on this machine, without a secret, with PKCE.
type client struct{}

func (client) GetID() string                       { return ClientID }
func (client) RedirectURIs() []string              { return []string{"http://127.0.0.1/callback"} } // any port, RFC 8252 §7.3
func (client) PostLogoutRedirectURIs() []string    { return nil }
func (client) ApplicationType() op.ApplicationType { return op.ApplicationTypeNative }

func (client) AuthMethod() oidc.AuthMethod { return oidc.AuthMethodNone }

func (client) ResponseTypes() []oidc.ResponseType { return []oidc.ResponseType{oidc.ResponseTypeCode} }

func (client) GrantTypes() []oidc.GrantType { return []oidc.GrantType{oidc.GrantTypeCode} }

func (client) LoginURL(id string) string { return signInPath + "?request=" + id }

func (client) AccessTokenType() op.AccessTokenType                          { return op.AccessTokenTypeBearer }
func (client) IDTokenLifetime() time.Duration                               { return Lifetime }
func (client) DevMode() bool                                                { return false }
func (client) RestrictAdditionalIdTokenScopes() func([]string) []string     { return same } //nolint:revive // its name in op.Client
func (client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }
func (client) IsScopeAllowed(string) bool                                   { return false }
func (client) IDTokenUserinfoClaimsAssertion() bool                         { return true }
func (client) ClockSkew() time.Duration                                     { return 0 }

func same(scopes []string) []string { return scopes }
