// Package devissuer is an OpenID Connect provider for laptops and tests, on this machine only. Those who have its token,
// which is another one in each run, choose who they want to be.
package devissuer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"

	"dummyorders/internal/stack"
)

// ClientID is the one client that the issuer knows, and so the audience of its tokens.
const ClientID = "orders"

// GroupsClaim is the claim with a person's groups.
const GroupsClaim = "groups"

// Lifetime is how long a token counts: a working day.
const Lifetime = 8 * time.Hour

// Options configures an issuer.
type Options struct {
	Address string   // host:port to listen on, which must be a loopback address; if empty, a free port of 127.0.0.1
	Groups  []string // those that a person can choose to be in
}

// Issuer is an OpenID Connect provider inside this process.
type Issuer struct {
	options Options
	address string
	token   string // proves to the sign-in page that a browser may use it
	handler http.Handler

	mu       sync.Mutex
	keys     []*key // the last one signs
	requests map[string]*request

	server *http.Server
	served chan struct{}
}

// Start starts an issuer.
func Start(o Options) (*Issuer, error) {
	i := &Issuer{options: o, address: o.Address, token: rand.Text(), requests: map[string]*request{}}
	if i.address == "" {
		port, err := stack.FreePort()
		if err != nil {
			return nil, fmt.Errorf("start the issuer: %w", err)
		}
		i.address = fmt.Sprintf("127.0.0.1:%d", port)
	}
	if host, _, err := net.SplitHostPort(i.address); err != nil || !net.ParseIP(host).IsLoopback() {
		return nil, fmt.Errorf("start the issuer: %s: must be a loopback address such as 127.0.0.1:9005: it asks for no password", i.address)
	}
	i.Rotate()
	provider, err := op.NewProvider(
		&op.Config{CryptoKey: [32]byte([]byte(rand.Text() + rand.Text())[:32]), CodeMethodS256: true, SupportedScopes: []string{"openid", "profile", "email"}},
		&storage{issuer: i}, op.StaticIssuer(i.URL()), op.WithAllowInsecure(), op.WithCORSOptions(nil),
	)
	if err != nil {
		return nil, fmt.Errorf("start the issuer: %w", err)
	}
	i.handler = i.routes(provider)
	if err := i.Start(); err != nil {
		return nil, err
	}
	return i, nil
}

// Start restarts a stopped issuer at the same address.
func (i *Issuer) Start() error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", i.address)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = stack.ErrPortTaken
	}
	if err != nil {
		return fmt.Errorf("start the issuer: %s: %w", i.address, err)
	}
	server, served := &http.Server{
		Handler: i.handler, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
	}, make(chan struct{})
	i.server, i.served = server, served
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends when Stop closes it
	}()
	return nil
}

// Stop stops the issuer at once.
func (i *Issuer) Stop(context.Context) error {
	err := i.server.Close()
	<-i.served
	return err
}

// URL returns the issuer's name, which is also where it is.
func (i *Issuer) URL() string { return "http://" + i.address }

// Link returns the page that lets a browser sign in.
func (i *Issuer) Link() string { return i.URL() + signInPath + "?token=" + i.token }

// Rotate makes the issuer sign with a new key. It goes on publishing the one before.
func (i *Issuer) Rotate() {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the random source does not fail
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys[max(len(i.keys)-1, 0):], &key{id: rand.Text(), private: private})
}

// Sign returns a token with these claims, signed with the newest key.
func (i *Issuer) Sign(claims []byte) (string, error) {
	k := i.newestKey()
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.private}, options)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed.CompactSerialize()
}

func (i *Issuer) newestKey() *key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1]
}

// key is a key that signs tokens.
type key struct {
	id      string
	private *ecdsa.PrivateKey
}

func (k *key) ID() string                                  { return k.id }
func (k *key) Key() any                                    { return k.private }
func (k *key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }

// published is the part of a key that everybody may know.
type published struct{ *key }

func (p published) Key() any                           { return p.private.Public() }
func (p published) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (p published) Use() string                        { return "sig" }
