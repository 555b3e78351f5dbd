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
	o.Links, o.Clients = links, map[string]string{"shop": "secret-of-the-shop"}
	return o
}

func linkFor(id, by string) string {
	return links.Acknowledge(id, by, time.Now().Add(time.Hour))
}

const asForm = "Content-Type: application/x-www-form-urlencoded"

// press sends what the page's button sends.
func press(t testing.TB, handler http.Handler, link string, fields url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, link, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	return answer
}

// asPage returns a page's text, and checks the headers that guard every page.
func asPage(t testing.TB, answer *httptest.ResponseRecorder, status int) string {
	t.Helper()
	text := answer.Body.String()
	if answer.Code != status {
		t.Fatalf("%d, want %d: %s", answer.Code, status, text)
	}
	_, style, _ := strings.Cut(text, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	} {
		if got := answer.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "ZgotmplZ") {
		t.Errorf("the page is not as it should be:\n%s", text)
	}
	return text
}

// A person acknowledges by the button behind the link.
func TestAckLinkButton(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	link := linkFor(id, "jo@example.com")
	before := asPage(t, request(t, w.linked(), http.MethodGet, link, ""), 200)
	for _, want := range []string{"stopped as a fraud", "1234", "orders.fraud.detected.v1", `<form method="post">`, "jo@example.com", "I take care of it"} {
		if !strings.Contains(before, want) {
			t.Errorf("the page lacks %q:\n%s", want, before)
		}
	}
	done := asPage(t, press(t, w.linked(), link, url.Values{"name": {" ada "}, "note": {"calling\r\nthe <b>buyer</b>"}}), 200)
	after := asPage(t, request(t, w.linked(), http.MethodGet, link, ""), 200)
	again := asPage(t, press(t, w.linked(), linkFor(id, "al@example.com"), url.Values{"name": {"grace"}}), 200)
	for _, text := range []string{done, after, again} {
		if !strings.Contains(text, "<strong>ada (jo@example.com)</strong>") || !strings.Contains(text, "calling the &lt;b&gt;buyer&lt;/b&gt;") ||
			strings.Contains(text, "<form") || strings.Contains(text, "grace") {
			t.Errorf("once ada takes care the page is\n%s", text)
		}
	}
	if !strings.Contains(done, "<h1>Thank you</h1>") || !strings.Contains(again, "<h1>The alert was acknowledged before</h1>") {
		t.Errorf("ada is told\n%s\nand grace\n%s", done, again)
	}
	w.over(t, id)
	if text := asPage(t, request(t, w.linked(), http.MethodGet, link, ""), 200); !strings.Contains(text, "ada (jo@example.com)") {
		t.Errorf("after the end the page is\n%s", text)
	}
}

// To open a link acknowledges nothing.
func TestAckLinkOpenedOnly(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
		if answer := request(t, w.linked(), method, linkFor(id, "jo@example.com"), "", "Accept: */*"); answer.Code != 200 {
			t.Errorf("%s is %d %s", method, answer.Code, answer.Body)
		}
	}
	if a := w.alert(t, id); a.Acknowledgement != nil {
		t.Errorf("it was acknowledged by %+v", a.Acknowledgement)
	}
}

// A program acknowledges by a link without a body.
func TestAckLinkByProgram(t *testing.T) {
	w := realWorld(t)
	for sentTo, want := range map[string]string{
		"jo@example.com": "jo@example.com", "+4915112345678": "+491511***5678", strings.Repeat("é", 300): strings.Repeat("é", 199) + "…",
	} {
		id := w.raise(t, asking)
		a := asAcknowledgement(t, request(t, w.linked(), http.MethodPost, linkFor(id, sentTo), ""))
		if a.By != want {
			t.Errorf("it was acknowledged by %q, want %q", a.By, want)
		}
	}
}

// A wrong link opens nothing.
func TestAckLinkRefused(t *testing.T) {
	id, other := uuid.NewString(), uuid.NewString()
	changed := func(name, value string) string {
		parsed, err := url.Parse(linkFor(id, "jo@example.com"))
		must(t, err)
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
			if text := asPage(t, answer, 403); !strings.Contains(text, c.detail) || strings.Contains(text, "<form") {
				t.Errorf("%s: %s", name, text)
			}
		}
		p := asProblem(t, request(t, handler, http.MethodPost, c.link, ""))
		if p.Status != 403 || !strings.Contains(p.Detail, c.detail) {
			t.Errorf("%s: %+v", name, p)
		}
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
		if p := asProblem(t, answer); p.Status != 401 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	asPage(t, request(t, w.linked(), http.MethodGet, path, ""), 403)
	if a := asAcknowledgement(t, acknowledged(t, w.linked(), id, adaTakesIt, "Authorization: Bearer secret-of-the-shop")); a.By != "ada" {
		t.Errorf("with the key: %+v", a)
	}
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
		if text := asPage(t, request(t, handler, http.MethodGet, link, ""), 404); !strings.Contains(text, path) {
			t.Errorf("the page does not say %s: %s", path, text)
		}
		if p := asProblem(t, request(t, handler, http.MethodPost, link, "")); p.Status != 401 {
			t.Errorf("%+v", p)
		}
	}
}

// Faults in a form are shown in it.
func TestAckFormFaults(t *testing.T) {
	w := realWorld(t)
	id := w.raise(t, asking)
	text := asPage(t, press(t, w.linked(), linkFor(id, "jo"), url.Values{"name": {strings.Repeat("x", 65)}, "note": {"mine"}}), 422)
	for _, want := range []string{"at most 64 characters", ">mine</textarea>", strings.Repeat("x", 65), "<form"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
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
		if answer.Code != c.status {
			t.Errorf("%.20s as %s: %d %s", body, kind, answer.Code, answer.Body)
		}
	}
	if a := w.alert(t, id); a.Acknowledgement != nil {
		t.Errorf("it was acknowledged by %+v", a.Acknowledgement)
	}
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
		"it is over":      {w.linked(), ended, 200, 409, "is over"},
		"nobody knows it": {w.linked(), unknown, 404, 404, "no such alert"},
		"nobody is there": {away, ended, 503, 503, "engine cannot be"},
	} {
		link := linkFor(c.id, "jo@example.com")
		for _, text := range []string{
			asPage(t, request(t, c.handler, http.MethodGet, link, ""), c.get), asPage(t, press(t, c.handler, link, nil), c.post),
		} {
			if !strings.Contains(strings.ToLower(text), c.text) || strings.Contains(text, "<form") {
				t.Errorf("%s: %s", name, text)
			}
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
		if strings.Contains(text, "<button>") != c.button || strings.Contains(text, "cannot be acknowledged any more") == c.button {
			t.Errorf("%s: %s", name, text)
		}
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
		if text := logged.String(); strings.Contains(text, signature) || strings.Contains(text, "jo%40example") || !strings.Contains(text, route) {
			t.Errorf("the log is\n%s", text)
		}
	}
}
