package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"dummyorders/domain/identity"
	"dummyorders/internal/safetext"
)

// SignIn begins a sign-in. The issuer sends the browser back to the URL back.
func (i *Issuer) SignIn(ctx context.Context, back string) (identity.SignIn, error) {
	provider, err := i.ask(ctx)
	if err != nil {
		return identity.SignIn{}, err
	}
	s := identity.SignIn{Back: back, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	s.URL = i.client(provider, back).AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier))
	return s, nil
}

// client returns this service as the issuer knows it.
func (i *Issuer) client(provider *oidc.Provider, back string) *oauth2.Config {
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client has no secret to prove itself by
	return &oauth2.Config{
		ClientID: i.config.Audience, Endpoint: endpoint, RedirectURL: back,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail},
	}
}

// Finish returns who has signed in, and the token that says so, from the query with which the issuer sent the browser back.
func (i *Issuer) Finish(ctx context.Context, s identity.SignIn, query url.Values) (token string, person identity.Subject, err error) {
	issued := query.Get("iss") // RFC 9207
	switch {
	case !s.IsOf(query):
		return "", person, errors.New("sign in: the state is not that of this sign-in")
	case issued != "" && issued != i.config.URL:
		return "", person, errors.New("sign in: the answer is another issuer's")
	case query.Get("error") != "":
		why := safetext.Line(query.Get("error") + " " + query.Get("error_description"))
		return "", person, fmt.Errorf("sign in: the issuer answered: %s", safetext.Cut(why, 200, "…"))
	}
	provider, err := i.ask(ctx)
	if err != nil {
		return "", person, fmt.Errorf("sign in: %w", err)
	}
	answer, err := i.client(provider, s.Back).Exchange(oidc.ClientContext(ctx, i.http), query.Get("code"), oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return "", person, fmt.Errorf("sign in: exchange the code for a token: %w", err)
	}
	token, _ = answer.Extra("id_token").(string)
	person, err = i.verify(ctx, provider, token, s.Nonce)
	if err != nil {
		return "", person, fmt.Errorf("sign in: %w", err)
	}
	return token, person, nil
}
