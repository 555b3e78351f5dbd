// Package posting hands a message to a provider over HTTP, and tells what its answer means for the message. It is what
// the channels over HTTP have in common.
package posting

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
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

// Answer is what the other side said.
type Answer struct {
	Status int
	Body   []byte // the beginning of it

	by         string
	retryAfter string
	secrets    []string
}

// String is the answer in a few words on one line: "410 Gone: channel_is_archived".
func (a Answer) String() string {
	status := fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
	if words := a.Quote(string(a.Body)); words != "" {
		return status + ": " + words
	}
	return status
}

// Taken says whether the other side took the message.
func (a Answer) Taken() bool {
	return a.Status/100 == 2
}

// Failure is what an answer means by which the message was not taken: an alert.RefusedError, an alert.LaterError, or
// another error where it may be tried again soon. words are the answer's, as String and Quote have them.
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

// Refused is the other side's final no.
func (a Answer) Refused(words string) error {
	return &alert.RefusedError{By: a.by, Cause: said(words)}
}

// Again is that the message was not taken, and may be another time.
func (a Answer) Again(words string) error {
	return fmt.Errorf("%s answered: %w", a.by, said(words))
}

func (a Answer) later(words string) error {
	if after, given := RetryAfter(a.retryAfter, time.Now()); given {
		return &alert.LaterError{By: a.by, After: after, Cause: said(words)}
	}
	return a.Again(words)
}

// said are the other side's words as an error.
type said string

// Error is what was said.
func (s said) Error() string { return string(s) }

// JSON writes a body. "<" and "&" stay as they are: the body is for no web page.
func JSON(v any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}

// maxQuote is how many characters of the other side's words are shown.
const maxQuote = 200

// hidden stands where a secret was.
const hidden = "[hidden]"

// shortestSecret is from which length on a part of a URL's path, or its username, may be a secret by itself. Shorter ones
// are words.
const shortestSecret = 8

// Quote is what the other side said, short, on one line, and without the secrets: some repeat in an error what they were
// asked, the path included.
func (a Answer) Quote(text string) string {
	for _, secret := range a.secrets {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return safetext.Cut(safetext.Line(text), maxQuote, "…")
}

// Length is how many characters providers count in a text: UTF-16 code units, of which an emoji has two.
func Length(text string) int {
	length := 0
	for _, r := range text {
		length += max(utf16.RuneLen(r), 1)
	}
	return length
}

// Cut bounds a text to so many characters, as Length counts them; a text that was cut ends in "…".
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

// secretsOf are the parts of a URL that are never shown, and the other secrets; the longest come first, so that none
// leaves the rest of another behind.
func secretsOf(u *url.URL, others []string) []string {
	parts := append([]string{u.Path, u.EscapedPath(), u.RawQuery}, secretsOfLogin(u.User)...)
	for part := range strings.SplitSeq(u.Path+"/"+u.EscapedPath(), "/") {
		if len(part) >= shortestSecret {
			parts = append(parts, part)
		}
	}
	for field := range strings.SplitSeq(u.RawQuery, "&") {
		_, escaped, _ := strings.Cut(field, "=")
		value, _ := url.QueryUnescape(escaped) // empty where it is no escape
		parts = append(parts, escaped, value)
	}
	parts = append(parts, others...)
	parts = slices.DeleteFunc(parts, func(part string) bool { return len(part) < 2 })
	slices.SortFunc(parts, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(parts)
}

// secretsOfLogin has the login also as net/http sends it (RFC 7617).
func secretsOfLogin(login *url.Userinfo) []string {
	if login == nil {
		return nil
	}
	password, _ := login.Password()
	sent := base64.StdEncoding.EncodeToString([]byte(login.Username() + ":" + password))
	parts := []string{login.String(), password, sent}
	if len(login.Username()) >= shortestSecret { // a token, where the password is a mere x
		parts = append(parts, login.Username())
	}
	return parts
}

// Another try is put off for no less and no more than this, whatever the other side wishes: an alert grows old.
const (
	soonest = time.Second
	latest  = time.Hour
)

// decimal is a number of seconds. RFC 9110 has whole ones alone, and some servers send fractions.
var decimal = regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)$`)

// RetryAfter reads the header of that name (RFC 9110 §10.2.3), which has seconds or a date. A fraction is rounded up: who
// asks sooner is counted against. It is given where it could be read; it is from a second to an hour then.
func RetryAfter(header string, now time.Time) (after time.Duration, given bool) {
	header = strings.TrimSpace(header)
	if decimal.MatchString(header) {
		seconds, _ := strconv.ParseFloat(header, 64) // of a number that is too large it is infinite
		after = time.Duration(math.Ceil(min(seconds, latest.Seconds()))) * time.Second
	} else if date, ok := readDate(header); ok {
		after = date.Sub(now)
	} else {
		return 0, false
	}
	return min(max(after, soonest), latest), true
}

// readDate takes the forms of RFC 9110 §5.6.7, and two others that are sent in their place.
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
