package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// balancer sends requests in turn to those of its processes whose /readyz answers 200. It sends none a second time.
type balancer struct {
	*httptest.Server

	mu       sync.Mutex
	backends []*backend
	turn     int
	errs     []error // of requests that got no answer
}

// backend is one process behind a balancer: an API or a desk. The balancer's mutex protects it.
type backend struct {
	url      *url.URL
	proxy    *httputil.ReverseProxy
	ready    bool
	out      bool // taken out by hand
	open     int  // requests that it has not answered
	draining bool // it has said so
}

func startBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	go b.watch(t.Context())
	return b
}

// add adds the process at an address. It gets requests once it is ready, and its answers have its version in the header Server.
func (b *balancer) add(address, version string) *backend {
	target := &url.URL{Scheme: "http", Host: address}
	a := &backend{url: target}
	a.proxy = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 10},
		ModifyResponse: func(answer *http.Response) error {
			answer.Header.Set("Server", version)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			b.failed(fmt.Errorf("%s: %w", address, err))
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends = append(b.backends, a)
	return a
}

// uses returns nil once a process is sent requests.
func (b *balancer) uses(a *backend) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !a.ready {
		return errors.New("the balancer does not use it yet")
	}
	return nil
}

// takeOut sends a process no more requests, and waits until it has answered those that it has.
func (b *balancer) takeOut(t *testing.T, a *backend) {
	t.Helper()
	b.mu.Lock()
	a.out = true
	b.mu.Unlock()
	eventually(t, func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if a.open > 0 {
			return fmt.Errorf("%d requests are not answered", a.open)
		}
		return nil
	})
}

// remove forgets a process that has ended. It reports whether that said before that it was draining.
func (b *balancer) remove(a *backend) (draining bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends = slices.DeleteFunc(b.backends, func(other *backend) bool { return other == a })
	return a.draining
}

func (b *balancer) serve(w http.ResponseWriter, r *http.Request) {
	a := b.choose()
	if a == nil {
		b.failed(errors.New("no process is ready"))
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		a.open--
	}()
	a.proxy.ServeHTTP(w, r)
}

func (b *balancer) choose() *backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.backends {
		b.turn++
		if a := b.backends[b.turn%len(b.backends)]; a.ready && !a.out {
			a.open++
			return a
		}
	}
	return nil
}

func (b *balancer) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errs = append(b.errs, err)
}

func (b *balancer) failures() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.errs)
}

// watch asks each process again and again whether it is ready.
func (b *balancer) watch(ctx context.Context) {
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		b.mu.Lock()
		all := slices.Clone(b.backends)
		b.mu.Unlock()
		for _, a := range all {
			status, body := readiness(ctx, a.url.JoinPath("/readyz").String())
			b.mu.Lock()
			a.ready = status == http.StatusOK
			a.draining = a.draining || strings.Contains(body, "draining")
			b.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// readiness returns what /readyz answers. Status 0 means that it does not answer.
func readiness(ctx context.Context, address string) (status int, body string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, ""
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}
