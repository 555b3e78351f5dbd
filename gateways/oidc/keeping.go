package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	// askEvery is how often the issuer is asked for the same thing at most, also if asking failed: a token with an unknown
	// key makes the service ask for new keys, and anybody can send one.
	askEvery = 5 * time.Second
	// maxAnswer is more than an issuer's settings or keys take, in bytes.
	maxAnswer = 1 << 20
)

// keeping keeps the issuer's answers, its settings and keys, and gives them again while the issuer is away. It takes them
// over HTTPS only, except from a development issuer. Requests other than GET it passes on.
type keeping struct {
	insecure bool
	log      *slog.Logger
	now      func() time.Time

	mu   sync.Mutex
	kept map[string]*answer // by URL
}

// answer is what the issuer answered last, and whether asking failed since.
type answer struct {
	asked  time.Time
	header http.Header
	body   []byte
	err    error // if body is nil
}

func newKeeping(c Config) *keeping {
	return &keeping{insecure: IsDevelopment(c.URL), log: c.Log, now: c.Now, kept: map[string]*answer{}}
}

// RoundTrip answers a request.
func (k *keeping) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !k.insecure {
		return nil, fmt.Errorf("%s is not an https:// URL", r.URL.Redacted())
	}
	if r.Method != http.MethodGet {
		return http.DefaultTransport.RoundTrip(r)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	a := k.kept[r.URL.String()]
	if a == nil {
		a = &answer{}
		k.kept[r.URL.String()] = a
	}
	if k.now().Sub(a.asked) >= askEvery {
		if header, body, err := get(r); err == nil {
			a.header, a.body = header, body
		} else if a.err = err; a.body != nil { // if not, the caller logs the error
			k.log.WarnContext(r.Context(), "Issuer does not answer: its last answer still counts", "url", r.URL.Redacted(), "error", err)
		}
		a.asked = k.now() // those that have waited for this answer do not ask again
	}
	if a.body == nil {
		return nil, a.err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

func get(r *http.Request) (http.Header, []byte, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	var known struct {
		Issuer string            `json:"issuer"` // of its settings
		Keys   []json.RawMessage `json:"keys"`
	}
	switch {
	case err != nil:
	case response.StatusCode != http.StatusOK:
		err = fmt.Errorf("it answered %s", response.Status)
	case json.Unmarshal(body, &known) != nil || known.Issuer == "" && known.Keys == nil:
		err = errors.New("it answered with neither its settings nor its keys")
	}
	return response.Header, body, err
}
