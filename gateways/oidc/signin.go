package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"dummyorders/domain/identity"
	"dummyorders/internal/safetext"
)

// SignIn is a person's sign-in at the issuer that is under way: the code flow with PKCE. It is for one browser and counts
// once.
type SignIn struct {
	// URL is the page of the issuer that the browser opens.
	URL string

	issuer                 *Issuer
	provider               *oidc.Provider
	config                 oauth2.Config
	state, nonce, verifier string
}

// SignIn begins a sign-in. The issuer sends the browser back to the URL back.
func (i *Issuer) SignIn(ctx context.Context, back string) (*SignIn, error) {
	provider, err := i.ask(ctx)
	if err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client has no secret to prove itself by
	s := &SignIn{
		issuer: i, provider: provider, state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier(),
		config: oauth2.Config{
			ClientID: i.config.Audience, Endpoint: endpoint, RedirectURL: back,
			Scopes: []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail},
		},
	}
	s.URL = s.config.AuthCodeURL(s.state, oidc.Nonce(s.nonce), oauth2.S256ChallengeOption(s.verifier))
	return s, nil
}

// IsOf reports whether a browser came back from this sign-in, by the state in its query. A request without the right
// state is to be ignored: any web page can make a browser send one.
func (s *SignIn) IsOf(query url.Values) bool {
	return subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(s.state)) == 1
}

// Finish returns who has signed in, and the token that says so, from the query with which the issuer sent the browser back.
func (s *SignIn) Finish(ctx context.Context, query url.Values) (token string, person identity.Subject, err error) {
	issued := query.Get("iss") // RFC 9207
	switch {
	case !s.IsOf(query):
		return "", person, errors.New("sign in: the state is not that of this sign-in")
	case issued != "" && issued != s.issuer.config.URL:
		return "", person, errors.New("sign in: the answer is another issuer's")
	case query.Get("error") != "":
		why := safetext.Line(query.Get("error") + " " + query.Get("error_description"))
		return "", person, fmt.Errorf("sign in: the issuer answered: %s", safetext.Cut(why, 200, "…"))
	}
	answer, err := s.config.Exchange(oidc.ClientContext(ctx, s.issuer.http), query.Get("code"), oauth2.VerifierOption(s.verifier))
	if err != nil {
		return "", person, fmt.Errorf("sign in: exchange the code for a token: %w", err)
	}
	token, _ = answer.Extra("id_token").(string)
	person, err = s.issuer.verify(ctx, s.provider, token, s.nonce)
	if err != nil {
		return "", person, fmt.Errorf("sign in: %w", err)
	}
	return token, person, nil
}
