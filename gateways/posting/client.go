// Package posting hands a message to a provider over HTTP, and tells what its answer means for the message. It is what
// the channels over HTTP have in common.
package posting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// A provider that has not answered within answerWithin is taken for away: Standard Webhooks gives 15 to 30 seconds. Of
// an answer no more than maxBody bytes are read; what providers say is far shorter.
const (
	answerWithin = 30 * time.Second
	maxBody      = 64 << 10
)

// Client makes one request for one message. It follows no redirect, and repeats nothing by itself: when to try again is
// decided where it is kept.
type Client struct {
	http http.Client
}

// NewClient uses the transport of the client that it is given, which stays as it is; nil stands for http.DefaultClient.
func NewClient(given *http.Client) *Client {
	if given == nil {
		given = http.DefaultClient
	}
	own := *given
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{http: own}
}

// Request is a message on its way.
type Request struct {
	Name        string // of the provider or the endpoint, for people: "chat fraud-team/chat"
	URL         string // its path, query and password are never shown
	ContentType string
	Header      http.Header // more of it
	Body        []byte
	Secrets     []string // what else is never shown, even where the other side says it
}

// Post hands the message over. An error means that nobody knows whether the other side took it, or that it was not
// asked at all; it holds no secret, and neither does any that it wraps, as all of them are recorded.
func (c *Client) Post(ctx context.Context, r Request) (Answer, error) {
	to, err := url.Parse(r.URL)
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" {
		return Answer{}, fmt.Errorf("%s: its address is no https:// or http:// URL", r.Name)
	}
	answer := Answer{by: r.Name + " at " + to.Host, secrets: secretsOf(to, r.Secrets)}
	waiting, cancel := context.WithTimeoutCause(ctx, answerWithin, errNoAnswer)
	defer cancel()
	request, err := http.NewRequestWithContext(waiting, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{}, answer.unknown(err)
	}
	request.Header = r.Header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	request.Header.Set("Content-Type", r.ContentType)
	request.Header.Set("User-Agent", "orders-alertman")
	response, err := c.http.Do(request)
	if err != nil && errors.Is(context.Cause(waiting), errNoAnswer) {
		err = errNoAnswer
	}
	if err != nil {
		return Answer{}, answer.unknown(err)
	}
	answer.read(response)
	return answer, nil
}

// errNoAnswer is the end of answerWithin, told apart from an end of the caller's patience.
var errNoAnswer = fmt.Errorf("no answer within %s: %w", answerWithin, context.DeadlineExceeded)

// read takes what comes of the body. That it breaks off changes nothing: the status said what became of the message.
func (a *Answer) read(response *http.Response) {
	a.Body, _ = io.ReadAll(io.LimitReader(response.Body, maxBody))
	_ = response.Body.Close()
	a.Status = response.StatusCode
	a.retryAfter = response.Header.Get("Retry-After")
}

// unknown is that there was no answer. http.Client's own error quotes the URL, and others may quote what the other side
// sent.
func (a *Answer) unknown(err error) error {
	if quoting, is := errors.AsType[*url.Error](err); is {
		err = quoting.Err
	}
	if words := a.Quote(err.Error()); words != err.Error() {
		err = errors.New(words)
	}
	return fmt.Errorf("post to %s: %w", a.by, err)
}
