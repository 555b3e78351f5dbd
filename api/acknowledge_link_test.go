package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/alert"
)

var links = alert.NewLinks("", []byte("a key for tests, which is long enough"))

// linked returns the API of w, with signed links, and with an API key that no test has.
func (w *world) linked() http.Handler {
	return handlerWith(withLinks(options(w.client, w.ledger)))
}

func withLinks(o api.Options) api.Options {
	o.Links, o.Authenticators = links, clients(map[string]string{"shop": "secret-of-the-shop"})
	return o
}

func linkFor(id, by string) string {
	return links.Acknowledge(id, by, time.Now().Add(time.Hour))
}

const asForm = "Content-Type: application/x-www-form-urlencoded"

// press sends what the page's button sends.
func press(t testing.TB, handler http.Handler, link string, fields url.Values) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, handler, http.MethodPost, link, fields.Encode(), asForm)
}

// asPage returns a page's text, and checks the headers that guard every page.
func asPage(t testing.TB, answer *httptest.ResponseRecorder, status int) string {
	t.Helper()
	text := answer.Body.String()
	require.Equal(t, status, answer.Code, text)
	_, style, _ := strings.Cut(text, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	} {
		assert.Equal(t, want, answer.Header().Get(name), name)
	}
	assert.NotContains(t, text, "<script")
	assert.NotContains(t, text, "ZgotmplZ")
	return text
}

// A person acknowledges by the button behind the link.
func TestAckLinkButton(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	link := linkFor(id, "jo@example.com")
	before := asPage(t, request(t, w.linked(), http.MethodGet, link, ""), 200)
	for _, want := range []string{"stopped as a fraud", "1234", "orders.fraud.detected.v1", `<form method="post">`, "jo@example.com", "I take care of it"} {
		assert.Contains(t, before, want)
	}
	done := asPage(t, press(t, w.linked(), link, url.Values{"name": {" ada "}, "note": {"calling\r\nthe <b>buyer</b>"}}), 200)
	after := asPage(t, request(t, w.linked(), http.MethodGet, link, ""), 200)
	again := asPage(t, press(t, w.linked(), linkFor(id, "al@example.com"), url.Values{"name": {"grace"}}), 200)
	for _, text := range []string{done, after, again} {
		assert.Contains(t, text, "<strong>ada (jo@example.com)</strong>")
		assert.Contains(t, text, "calling the &lt;b&gt;buyer&lt;/b&gt;")
		assert.NotContains(t, text, "<form")
		assert.NotContains(t, text, "grace")
	}
	assert.Contains(t, done, "<h1>Thank you</h1>")
	assert.Contains(t, again, "<h1>The alert was acknowledged before</h1>")
	w.over(t, id)
	assert.Contains(t, asPage(t, request(t, w.linked(), http.MethodGet, link, ""), 200), "ada (jo@example.com)", "after the end")
}

// To open a link acknowledges nothing.
func TestAckLinkOpenedOnly(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
		answer := request(t, w.linked(), method, linkFor(id, "jo@example.com"), "", "Accept: */*")
		assert.Equal(t, 200, answer.Code, "%s %s", method, answer.Body)
	}
	assert.Nil(t, w.alert(t, id).Acknowledgement)
}

// A program acknowledges by a link without a body.
func TestAckLinkByProgram(t *testing.T) {
	w := realWorld(t)
	for sentTo, want := range map[string]string{
		"jo@example.com": "jo@example.com", "+4915112345678": "+491511***5678", strings.Repeat("é", 300): strings.Repeat("é", 199) + "…",
	} {
		id := w.raise(t, asking)
		a := asAcknowledgement(t, request(t, w.linked(), http.MethodPost, linkFor(id, sentTo), ""))
		assert.Equal(t, want, a.By)
	}
}

// A wrong link opens nothing.
func TestAckLinkRefused(t *testing.T) {
	id, other := uuid.NewString(), uuid.NewString()
	changed := func(name, value string) string {
		parsed, err := url.Parse(linkFor(id, "jo@example.com"))
		require.NoError(t, err)
		query := parsed.Query()
		query.Set(name, value)
		return parsed.Path + "?" + query.Encode()
	}
	strange := alert.NewLinks("", []byte("another key for tests, which is long enough"))
	const none, late = "not from this service", "has expired"
	for name, c := range map[string]struct{ link, detail string }{
		"another alert's":      {strings.Replace(linkFor(other, "jo@example.com"), other, id, 1), none},
		"for somebody else":    {changed("by", "al@example.com"), none},
		"made to last":         {changed("until", "99999999999"), none},
		"with another mark":    {changed("signature", "AAAA"), none},
		"with an empty mark":   {changed("signature", ""), none},
		"under another key":    {strange.Acknowledge(id, "jo@example.com", time.Now().Add(time.Hour)), none},
		"expired":              {links.Acknowledge(id, "jo@example.com", time.Now().Add(-time.Second)), late},
		"expired and changed":  {strings.Replace(links.Acknowledge(id, "jo@example.com", time.Now().Add(-time.Second)), "jo", "al", 1), none},
		"with a bad query too": {changed("signature", "AAAA") + "&%zz", none},
	} {
		handler := handlerWith(withLinks(options(nowhere(t), newMemory())))
		pages := []*httptest.ResponseRecorder{
			request(t, handler, http.MethodGet, c.link, ""),
			press(t, handler, c.link, url.Values{"name": {"mallory"}}),
			request(t, handler, http.MethodPost, c.link, "", "Accept: text/html,*/*;q=0.8"),
		}
		for _, answer := range pages {
			text := asPage(t, answer, 403)
			assert.Contains(t, text, c.detail, name)
			assert.NotContains(t, text, "<form", name)
		}
		p := asProblem(t, request(t, handler, http.MethodPost, c.link, ""))
		assert.Equal(t, 403, p.Status, "%s: %+v", name, p)
		assert.Contains(t, p.Detail, c.detail, "%s: %+v", name, p)
	}
}

// Without a link an API key is needed.
func TestAckNeedsLinkOrAPIKey(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	path := "/alerts/" + id + "/acknowledge"
	for name, answer := range map[string]*httptest.ResponseRecorder{
		"JSON":                 acknowledged(t, w.linked(), id, adaTakesIt),
		"the form":             press(t, w.linked(), path, url.Values{"name": {"mallory"}}),
		"nothing":              request(t, w.linked(), http.MethodPost, path, ""),
		"a link and a bad key": request(t, w.linked(), http.MethodPost, linkFor(id, "jo"), adaTakesIt, "Authorization: Bearer guess"),
	} {
		p := asProblem(t, answer)
		assert.Equal(t, 401, p.Status, "%s: %+v", name, p)
	}
	asPage(t, request(t, w.linked(), http.MethodGet, path, ""), 403)
	const key = "Authorization: Bearer secret-of-the-shop"
	p := asProblem(t, acknowledged(t, w.linked(), id, adaTakesIt, key))
	assert.Equal(t, []string{"#/by", `must be "shop", as which you are signed in, or be left out`}, []string{p.Errors[0].Pointer, p.Errors[0].Detail})
	a := asAcknowledgement(t, acknowledged(t, w.linked(), id, `{"note": "calling"}`, key))
	assert.Equal(t, "shop", a.By, "with the key: %+v", a)
}

// Without a key for links there are no links.
func TestLinksWithoutKey(t *testing.T) {
	o := withLinks(options(nowhere(t), newMemory()))
	o.Links = alert.NewLinks("", nil)
	handler := handlerWith(o)
	for path, link := range map[string]string{
		"POST /alerts/{id}/acknowledge":  linkFor("event-1", "jo@example.com"),
		"POST /transactions/{id}/review": reviewLink(uuid.NewString(), "jo@example.com"),
	} {
		assert.Contains(t, asPage(t, request(t, handler, http.MethodGet, link, ""), 404), path)
		p := asProblem(t, request(t, handler, http.MethodPost, link, ""))
		assert.Equal(t, 401, p.Status, "%+v", p)
	}
}

// Faults in a form are shown in it.
func TestAckFormFaults(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	text := asPage(t, press(t, w.linked(), linkFor(id, "jo"), url.Values{"name": {strings.Repeat("x", 65)}, "note": {"mine"}}), 422)
	for _, want := range []string{"at most 64 characters", ">mine</textarea>", strings.Repeat("x", 65), "<form"} {
		assert.Contains(t, text, want)
	}
	for body, c := range map[string]struct {
		kind   string
		status int
	}{
		"%zz=":                                {asForm, 400},
		"note=" + strings.Repeat("x", 64<<10): {asForm, 413},
		adaTakesIt:                            {"Content-Type: application/json", 415},
	} {
		kind := strings.TrimPrefix(c.kind, "Content-Type: ")
		answer := call(t, w.linked(), http.MethodPost, linkFor(id, "jo"), kind, strings.NewReader(body))
		assert.Equal(t, c.status, answer.Code, "%.20s %s %s", body, kind, answer.Body)
	}
	assert.Nil(t, w.alert(t, id).Acknowledgement)
}

// The page says why there is nothing to acknowledge.
func TestAckPageOtherStates(t *testing.T) {
	w := realWorld(t)
	ended, unknown := w.raise(t), uuid.NewString()
	w.over(t, ended)
	away := handlerWith(withLinks(options(nowhere(t), newMemory())))
	for name, c := range map[string]struct {
		handler http.Handler
		id      string
		get     int
		post    int
		text    string
	}{
		"it is over":       {w.linked(), ended, 200, 409, "is over"},
		"an unknown alert": {w.linked(), unknown, 404, 404, "no such alert"},
		"Temporal is away": {away, ended, 503, 503, "engine cannot be"},
	} {
		link := linkFor(c.id, "jo@example.com")
		for _, text := range []string{
			asPage(t, request(t, c.handler, http.MethodGet, link, ""), c.get), asPage(t, press(t, c.handler, link, nil), c.post),
		} {
			assert.Contains(t, strings.ToLower(text), c.text, name)
			assert.NotContains(t, text, "<form", name)
		}
	}
}

// The page has a button as long as a receiver is asked. A step's time to acknowledge may be over while one of its
// deliveries is still being tried.
func TestAckPageButton(t *testing.T) {
	over, left := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		chains []alert.ChainLog
		button bool
	}{
		"asked now":                 {[]alert.ChainLog{{}, {Steps: []alert.StepLog{{AskedUntil: &over}, {AskedUntil: &left}}}}, true},
		"its time is over":          {[]alert.ChainLog{{Steps: []alert.StepLog{{AskedUntil: &over}}}}, false},
		"the next is not asked":     {[]alert.ChainLog{{Steps: []alert.StepLog{{AskedUntil: &left}, {}}}}, false},
		"nobody could be told":      {[]alert.ChainLog{{Unacknowledged: true, Steps: []alert.StepLog{{AskedUntil: &left}}}}, false},
		"nobody was asked, or told": {[]alert.ChainLog{{}}, false},
	} {
		temporal := &mocks.Client{}
		knows(t, temporal, alert.Log{ID: "event-1", Chains: c.chains}, true)
		handler := handlerWith(withLinks(options(temporal, newMemory())))
		text := asPage(t, request(t, handler, http.MethodGet, linkFor("event-1", "jo@example.com"), ""), 200)
		assert.Equal(t, c.button, strings.Contains(text, "<button>"), "%s: %s", name, text)
		assert.NotEqual(t, c.button, strings.Contains(text, "cannot be acknowledged any more"), "%s: %s", name, text)
	}
}

func TestSignatureIsNotLogged(t *testing.T) {
	var logged bytes.Buffer
	o := withLinks(options(nowhere(t), newMemory()))
	o.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for route, link := range map[string]string{
		"/alerts/{id}/acknowledge": linkFor("event-1", "jo@example.com"), "/transactions/{id}/review": reviewLink(uuid.NewString(), "jo@example.com"),
	} {
		request(t, handlerWith(o), http.MethodGet, link, "")
		press(t, handlerWith(o), link, url.Values{"decision": {"approve"}})
		request(t, handlerWith(o), http.MethodPost, link, adaTakesIt, "Authorization: Bearer secret-of-the-shop")
		signature := regexp.MustCompile(`signature=([^&]+)`).FindStringSubmatch(link)[1]
		text := logged.String()
		assert.NotContains(t, text, signature)
		assert.NotContains(t, text, "jo%40example")
		assert.Contains(t, text, route)
	}
}
