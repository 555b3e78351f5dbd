// Package posting sends a message to a provider over HTTP, and interprets the provider's answer. The channels over HTTP
// share it.
package posting

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"dummyorders/domain/alert"
	"dummyorders/internal/safetext"
)

// A provider that has not answered within answerWithin counts as unavailable: Standard Webhooks recommends 15 to 30
// seconds. At most maxBody bytes of an answer are read; providers' answers are far shorter.
const (
	answerWithin = 30 * time.Second
	maxBody      = 64 << 10
)

// Client makes one request for one message. It follows no redirects, and does not retry: the caller decides when to try
// again.
type Client struct {
	http http.Client
}

// NewClient returns a Client that uses a copy of base, which it does not change; nil means
// http.DefaultClient.
func NewClient(base *http.Client) *Client {
	if base == nil {
		base = http.DefaultClient
	}
	own := *base
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{http: own}
}

// Request is a message to send.
type Request struct {
	Name        string // of the provider or the endpoint, for people: "chat fraud-team/chat"
	URL         string // its path, query and password are never shown
	ContentType string
	Header      http.Header // further headers
	Body        []byte
	Secrets     []string // other secrets that are never shown, even if the other side repeats them
}

// Post sends the message. An error means that the other side may or may not have taken it, or that the request was not
// sent at all. Neither the error nor any that it wraps holds a secret, because all of them are recorded.
func (c *Client) Post(ctx context.Context, r Request) (Answer, error) {
	to, err := url.Parse(r.URL)
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" {
		return Answer{}, fmt.Errorf("%s: its address is not an https:// or http:// URL", r.Name)
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

// Deliver sends the message as Post does, and returns the answer in words if the other side took it, and else an error as
// Answer.Failure returns it.
func (c *Client) Deliver(ctx context.Context, r Request) (string, error) {
	answer, err := c.Post(ctx, r)
	if err != nil {
		return "", err
	}
	if !answer.Taken() {
		return "", answer.Failure(answer.String())
	}
	return answer.String(), nil
}

// errNoAnswer means that answerWithin has passed, as distinct from the end of the caller's ctx.
var errNoAnswer = fmt.Errorf("no answer within %s: %w", answerWithin, context.DeadlineExceeded)

// read reads what arrives of the body. A body that breaks off is not an error: the status already says whether the message
// was taken.
func (a *Answer) read(response *http.Response) {
	a.Body, _ = io.ReadAll(io.LimitReader(response.Body, maxBody))
	_ = response.Body.Close()
	a.Status = response.StatusCode
	a.retryAfter = response.Header.Get("Retry-After")
}

// unknown returns the error for a missing answer, without secrets: http.Client's own error quotes the URL, and others may
// quote what the other side sent.
func (a *Answer) unknown(err error) error {
	if quoting, is := errors.AsType[*url.Error](err); is {
		err = quoting.Err
	}
	if words := a.Quote(err.Error()); words != err.Error() {
		err = errors.New(words)
	}
	return fmt.Errorf("post to %s: %w", a.by, err)
}

// Answer is the other side's answer.
type Answer struct {
	Status int
	Body   []byte // the beginning of it

	by         string
	retryAfter string
	secrets    []string
}

// String returns the answer in a few words on one line: "410 Gone: channel_is_archived".
func (a Answer) String() string {
	status := fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
	if words := a.Quote(string(a.Body)); words != "" {
		return status + ": " + words
	}
	return status
}

// Taken reports whether the other side took the message.
func (a Answer) Taken() bool {
	return a.Status/100 == 2
}

// Failure returns the error for an answer that did not take the message: an alert.RefusedError, an alert.LaterError, or
// another error if it may be tried again soon. words are the answer's, from String or Quote.
func (a Answer) Failure(words string) error {
	switch {
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly:
		return a.Again(words)
	case a.Status == http.StatusTooManyRequests, a.Status >= http.StatusInternalServerError:
		return a.later(words)
	case a.Status == http.StatusGone:
		return a.Refused(words + "; the endpoint is gone: remove it from the configuration")
	case a.Status/100 == 3:
		return a.Refused(words + "; redirects are not followed: set the address that this one leads to")
	case a.Status/100 == 4:
		return a.Refused(words)
	default:
		return a.Again(words)
	}
}

// Refused returns the error for a message that the other side rejected for good.
func (a Answer) Refused(words string) error {
	return &alert.RefusedError{By: a.by, Cause: providerWords(words)}
}

// Again returns the error for a message that was not taken now, but may be taken another time.
func (a Answer) Again(words string) error {
	return fmt.Errorf("%s answered: %w", a.by, providerWords(words))
}

func (a Answer) later(words string) error {
	if after, known := RetryAfter(a.retryAfter, time.Now()); known {
		return &alert.LaterError{By: a.by, After: after, Cause: providerWords(words)}
	}
	return a.Again(words)
}

// providerWords holds the other side's words as an error.
type providerWords string

// Error returns the words.
func (s providerWords) Error() string { return string(s) }

// maxQuote is how many characters of the other side's words are shown.
const maxQuote = 200

// hidden replaces a secret.
const hidden = "[hidden]"

// shortestSecret is the length from which a part of a URL's path, or its username, may be a secret by itself. Shorter ones
// are ordinary words.
const shortestSecret = 8

// Quote returns the other side's words, cut short, on one line, and without secrets: some providers repeat the request in an
// error, including its path.
func (a Answer) Quote(text string) string {
	for _, secret := range a.secrets {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return safetext.Cut(safetext.Line(text), maxQuote, "…")
}

// Length returns a text's length as providers count it: in UTF-16 code units. An emoji has two.
func Length(text string) int {
	length := 0
	for _, r := range text {
		length += max(utf16.RuneLen(r), 1)
	}
	return length
}

// Cut cuts a text to up to most characters, as Length counts them; a text that was cut ends in "…".
func Cut(text string, most int) string {
	length, fits := 0, 0
	for at, r := range text {
		if length < most {
			fits = at
		}
		if length += max(utf16.RuneLen(r), 1); length > most {
			return text[:fits] + "…"
		}
	}
	return text
}

// secretsOf returns the parts of a URL that are never shown, and the other secrets. The longest come first, so that
// replacing one does not leave a rest of another.
func secretsOf(u *url.URL, others []string) []string {
	parts := append([]string{u.Path, u.EscapedPath(), u.RawQuery}, secretsOfLogin(u.User)...)
	for part := range strings.SplitSeq(u.Path+"/"+u.EscapedPath(), "/") {
		if len(part) >= shortestSecret {
			parts = append(parts, part)
		}
	}
	for field := range strings.SplitSeq(u.RawQuery, "&") {
		_, escaped, _ := strings.Cut(field, "=")
		value, _ := url.QueryUnescape(escaped) // empty if its escapes are malformed
		parts = append(parts, escaped, value)
	}
	parts = append(parts, others...)
	parts = slices.DeleteFunc(parts, func(part string) bool { return len(part) < 2 })
	slices.SortFunc(parts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(parts)
}

// secretsOfLogin returns the secrets of a URL's login, including its form in net/http's header (RFC 7617).
func secretsOfLogin(login *url.Userinfo) []string {
	if login == nil {
		return nil
	}
	password, _ := login.Password()
	sent := base64.StdEncoding.EncodeToString([]byte(login.Username() + ":" + password))
	parts := []string{login.String(), password, sent}
	if len(login.Username()) >= shortestSecret { // may be a token, with a dummy password such as x
		parts = append(parts, login.Username())
	}
	return parts
}

// The bounds of a wait before another try, whatever the other side asks for: an alert becomes outdated.
const (
	soonest = time.Second
	latest  = time.Hour
)

// decimal matches a number of seconds. RFC 9110 allows only whole numbers, but some servers send fractions.
var decimal = regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)$`)

// RetryAfter reads the header Retry-After (RFC 9110 §10.2.3), which holds seconds or a date. It rounds a fraction up, because
// an early retry counts against the sender. known reports whether the header could be read; after is then from a second to
// an hour.
func RetryAfter(header string, now time.Time) (after time.Duration, known bool) {
	header = strings.TrimSpace(header)
	if decimal.MatchString(header) {
		seconds, _ := strconv.ParseFloat(header, 64) // infinite if the number is too large
		after = time.Duration(math.Ceil(min(seconds, latest.Seconds()))) * time.Second
	} else if date, ok := readDate(header); ok {
		after = date.Sub(now)
	} else {
		return 0, false
	}
	return min(max(after, soonest), latest), true
}

// readDate parses the forms of RFC 9110 §5.6.7, and two others that some servers send instead.
func readDate(text string) (time.Time, bool) {
	if date, err := http.ParseTime(text); err == nil {
		return date, true
	}
	for _, form := range []string{time.RFC1123Z, time.RFC3339} {
		if date, err := time.Parse(form, text); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}
