package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"dummyorders/domain/identity"
	"dummyorders/gateways/oidc"
)

type signInCommand struct {
	Wait time.Duration `help:"How long to wait for the person to sign in." default:"5m"`
	jsonFlag
}

// Validate refuses arguments that cannot mean anything.
func (c signInCommand) Validate() error {
	if c.Wait < leastWait || c.Wait > mostWait {
		return fmt.Errorf("--wait: must be from %s to %s, not %s", leastWait, mostWait, c.Wait)
	}
	return nil
}

// Run prints where to sign in, waits until that was done, and prints the token.
func (c signInCommand) Run(ctx context.Context) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	v := &values{}
	config := env.issuer(v, slog.New(slog.DiscardHandler)) // what the issuer does not answer is in the error
	if err := v.err(); err != nil {
		return err
	}
	return c.signIn(ctx, oidc.New(config), standard())
}

// signIn signs in at the issuer, which sends the browser back to a port of its own on this machine (RFC 8252 §7.3).
func (c signInCommand) signIn(ctx context.Context, issuer *oidc.Issuer, out output) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Wait, fmt.Errorf("sign in: it was not done within %s", c.Wait))
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("sign in: listen for the browser: %w", err)
	}
	defer func() { _ = listener.Close() }()
	s, err := issuer.SignIn(ctx, "http://"+listener.Addr().String()+"/callback")
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	fmt.Fprintf(out.progress, "Sign in with a browser on this machine:\n\n  %s\n\n", s.URL)
	signed, err := await(ctx, listener, issuer, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(out.progress, "Signed in: %s\n", signed.person)
	if c.JSON {
		return printJSON(out.results, map[string]string{"token": signed.token, "person": signed.person.Name})
	}
	_, err = fmt.Fprintln(out.results, signed.token)
	return err
}

// signedIn is how a sign-in ended.
type signedIn struct {
	token  string
	person identity.Subject
	err    error
}

// await serves the page to which the browser is sent back, until it was.
func await(ctx context.Context, listener net.Listener, issuer *oidc.Issuer, s identity.SignIn) (signedIn, error) {
	ends := make(chan signedIn, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if !s.IsOf(query) {
			http.Error(w, "This is not the sign-in that orders waits for.", http.StatusBadRequest)
			return
		}
		token, person, err := issuer.Finish(ctx, s, query)
		if err != nil {
			http.Error(w, "The sign-in has failed; orders says why.", http.StatusBadGateway)
		} else {
			fmt.Fprintln(w, "You are signed in, and can close this page.")
		}
		select {
		case ends <- signedIn{token, person, err}:
		default: // the browser has loaded the page again
		}
	})
	server := &http.Server{Handler: withSafeHeaders(mux), ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: maxHeader}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // until the browser has its page
		defer cancel()
		_ = errors.Join(server.Shutdown(patience), server.Close())
	}()
	select {
	case end := <-ends:
		return end, end.err
	case err := <-served:
		return signedIn{}, fmt.Errorf("sign in: wait for the browser: %w", err)
	case <-ctx.Done():
		return signedIn{}, context.Cause(ctx)
	}
}
