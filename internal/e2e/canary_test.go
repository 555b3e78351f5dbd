package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/transaction"
	"dummyorders/internal/channeltest"
	"dummyorders/internal/devissuer"
)

// These are the canaries: a card number that is used nowhere else, and one that the gateway declines. The others may be where they
// belong, such as in mails, but in no metric and no span.
const (
	canaryApproved = "4716190207394368"
	canaryDeclined = "4000000000009995"
	canaryOrder    = "5375820461937440" // an order's id
	canaryBuyer    = "canary.buyer@example.com"
	canaryKey      = "a-key-that-is-a-canary"
	canaryWrongKey = "another-key-that-is-a-canary"
)

// TestCardNumberIsNowhere posts card numbers on every path and in every wrong place, the desk's forms among them. Then it reads every
// byte that was written: Temporal's database, RabbitMQ's files, the ledger, mails, logs, chat, webhooks, exports, metrics with their
// exemplars, spans, and the answers.
func TestCardNumberIsNowhere(t *testing.T) {
	c := startCollector(t)
	settings := map[string]string{
		"FRAUD_DETECTOR": "rules", "FRAUD_RULESET": rulesetFolder(t, "canary"), "ORDER_ID_MAY_LOOK_LIKE_A_CARD": "true",
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "ALERT_LINK_KEY": "a key for links, which is long enough",
		"PAYMENT_GATEWAYS": "card:stripe,*:simulated", "STRIPE_API_KEY": "sk_test_canary", "STRIPE_URL": startStripe(t).URL,
	}
	deskAddress, issuer := withDesk(t, settings)
	w := newWorld(t, settings)
	w.env["API_URL"] = w.api
	p := newProviders(t, w)
	w.alertsTo(fmt.Sprintf(`
version: 1
receivers:
  - {name: team, channels: [{mail: fraud-team@example.com}, {chat: {url: %q}}, {webhook: {url: %q, secret: %q}}]}
routes: [{name: all, tell: [team]}]
`, p.chatURL(), p.hookURL(), hookSecret))
	keys := map[string]string{"API_KEYS": "shop:" + canaryKey, "OIDC_ISSUER": "", "OIDC_ROLES": ""} // the issuer of a laptop and keys exclude each other
	w.startWith(apiProcess, keys)
	w.start(worker, fraudPolice, desk) // no alertman yet: the event stays in the queue
	maps.Copy(w.env, keys)
	var answers bytes.Buffer
	sendTo := func(path, body string, headers ...string) reply {
		got, err := w.sendTo(path, body, append([]string{"Authorization", "Bearer " + canaryKey, "Prefer", "wait=60"}, headers...)...)
		require.NoError(t, err)
		fmt.Fprintf(&answers, "%v %s\n", got.header, got.body)
		return got
	}
	post := func(body string) reply {
		return sendTo("/transact", body, "Tracestate", "shop="+canaryApproved, "Baggage", "card="+canaryApproved)
	}
	spaced := canaryApproved[:4] + " " + canaryApproved[4:8] + "-" + canaryApproved[8:12] + " " + canaryApproved[12:]
	bought := strings.Replace(body(small, canaryApproved), `{"order"`, fmt.Sprintf(`{"customer": {"id": "buyer", "email": %q}, "order"`, canaryBuyer), 1)
	assert.Equal(t, http.StatusOK, post(bought).status)
	assert.Equal(t, http.StatusOK, post(strings.Replace(byStripe.Replace(body(small, goodCard)), "order-"+goodCard[12:], canaryOrder, 1)).status)
	post(body(small, canaryDeclined))
	stopped := post(strings.Replace(body(tooMuch, spaced), "order-"+spaced[12:], canaryOrder, 1)).answer(t).TransactionID
	held := post(body(forReview, canaryApproved)).answer(t).TransactionID
	review := sendTo("/transactions/"+held+"/review", fmt.Sprintf(`{"decision": "decline", "reviewer": %q, "note": "asked about card %s"}`, canaryApproved, spaced))
	assert.Equal(t, http.StatusUnprocessableEntity, review.status, "%s", review.body)
	sendTo("/transactions/"+stopped+"/labels", fmt.Sprintf(`{"label": "fraudulent", "source": "dispute", "note": %q}`, spaced))
	for _, wrong := range wrongPlaces() {
		got := post(wrong)
		assert.GreaterOrEqual(t, got.status, 400, "%s", got.body)
		assert.Less(t, got.status, 500, "%s", got.body)
	}
	keyed := sendTo("/transact", body(small, canaryDeclined), "Idempotency-Key", canaryDeclined)
	assert.Equal(t, http.StatusUnprocessableEntity, keyed.status, "%s", keyed.body)
	for _, refused := range []reply{
		sendTo("/transact", body(small, canaryApproved), "Authorization", "Bearer "+canaryWrongKey),
		sendTo("/transact?key="+canaryKey, body(small, canaryApproved), "Authorization", ""),
	} {
		assert.Equal(t, http.StatusUnauthorized, refused.status, "%s", refused.body)
	}
	answers.WriteString(w.writesOnDesk(deskAddress, issuer, stopped, held, spaced))
	lookUp := w.get("/transactions/" + canaryApproved)
	fmt.Fprintf(&answers, "%v %s\n", lookUp.header, lookUp.body)
	w.reaches(stopped, transaction.AlertDone)
	assertNoCanary(t, "the queue and the files while the event waits", everythingWritten(t))
	w.start(alertman)
	w.isMailed(stopped, 1)
	found := w.get("/transactions?limit=1&orderID=" + canaryOrder)
	assert.Contains(t, string(found.body), stopped)
	fmt.Fprintf(&answers, "%v %s\n", found.header, found.body)
	assertNoCanary(t, "the answers", answers.Bytes())
	for channel, accepted := range map[string][]channeltest.Accepted{"chat": p.chat.Accepted(), "webhook": p.hook.Accepted()} {
		require.NotEmpty(t, accepted, channel)
		for _, message := range accepted {
			assert.Contains(t, string(message.Body), canaryApproved[12:], channel) // so it is about this card
			assertNoCanary(t, channel, message.Body)
		}
	}
	for _, format := range []string{"csv", "jsonl"} {
		command := exec.CommandContext(t.Context(), w.binary, "ledger", "export", "--format="+format)
		command.Env = w.environ(nil)
		exported, err := command.Output()
		require.NoError(t, err)
		require.Contains(t, string(exported), stopped)
		require.Contains(t, string(exported), canaryApproved[12:])
		assertNoCanary(t, "the export as "+format, exported)
	}
	secrets := []string{
		canaryKey, canaryWrongKey, hookSecret, "B0/secret",
		w.env["CARD_FINGERPRINT_KEY"], w.env["ALERT_LINK_KEY"], w.env["STRIPE_API_KEY"], w.env["SMS_AUTH_TOKEN"],
	}
	private := append([]string{"example.com", "ada@", "ada%40"}, secrets...)
	for name := range w.processes {
		shown := w.metrics(name)
		assert.Contains(t, shown, "orders_build_info{", name)
		assert.Contains(t, shown, `trace_id="`, "%s shows no exemplar", name)
		assertNoCanary(t, "the metrics of "+name, []byte(shown), append([]string{stopped, held}, private...)...)
	}
	for _, process := range w.processes {
		require.NoError(t, process.Stop(t.Context()), process.Name()) // it exports its last spans
	}
	traced := map[string]bool{}
	for _, s := range c.all() {
		_, service, _ := strings.Cut(s.name, " of ")
		traced[service] = true
	}
	assert.Len(t, traced, len(w.processes), "spans of %v", traced)
	assertNoCanary(t, "the spans", []byte(c.text()), private...)
	written := everythingWritten(t)
	assertNoCanary(t, "the files", written, secrets...)
	assert.True(t, bytes.Contains(written, []byte("471619******4368")), "the mask is nowhere either: the search does not see what it should search")
}

// writesOnDesk writes a card number into forms of the desk, reads pages, and returns the answers. No page follows a form in the same
// session: that would end what is kept for it.
func (w *world) writesOnDesk(address string, issuer *devissuer.Issuer, stopped, held, number string) string {
	w.t.Helper()
	require.NoError(w.t, w.processes[desk].WaitHealthy(w.t.Context(), address+"/readyz"))
	signIn := func() *http.Client {
		jar, err := cookiejar.New(nil)
		require.NoError(w.t, err)
		browser := &http.Client{Jar: jar}
		_, err = issuer.SignIn(w.t.Context(), browser, address+"/you", "ada", "admin")
		require.NoError(w.t, err)
		browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return browser
	}
	reader := signIn()
	var answers bytes.Buffer
	for path, form := range map[string]url.Values{
		"/sign-in?to=" + url.QueryEscape("/transactions?customerID="+canaryApproved): nil,
		"/transactions/find?id=" + url.QueryEscape(number):                           nil,
		"/transactions/" + url.PathEscape(number):                                    nil,
		"/transactions/" + stopped:                                                   nil,
		"/alerts":                                                                    nil,
		"/transactions/" + stopped + "/labels":                                       {"page": {"/transactions/" + stopped}, "label": {"fraudulent"}, "source": {"dispute"}, "note": {number}},
		"/reviews/" + held:                                                           {"page": {"/reviews/" + held}, "decision": {"approve"}, "note": {number}},
		"/rules/lists/none":                                                          {"page": {"/rules/lists/none"}, "value": {canaryApproved}, "reason": {number}},
		"/rules/workbench":                                                           {"file:lists/none.txt": {canaryApproved}},
		"/rules/versions":                                                            {"file:ruleset.yaml": {"id: none"}, "note": {number}, "add": {canaryApproved}, "days": {canaryApproved}},
	} {
		browser, method := reader, http.MethodGet
		if form != nil {
			browser, method = signIn(), http.MethodPost
		}
		r, err := http.NewRequestWithContext(w.t.Context(), method, address+path, strings.NewReader(form.Encode()))
		require.NoError(w.t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := browser.Do(r)
		require.NoError(w.t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(w.t, err)
		require.NoError(w.t, response.Body.Close())
		assert.Less(w.t, response.StatusCode, 500, "%s: %s", path, body)
		if path != "/rules/workbench" { // which has what was written on it, to be sent again
			fmt.Fprintf(&answers, "%v %s\n", response.Header, body)
		}
	}
	return answers.String()
}

func wrongPlaces() []string {
	seed := body(small, canaryApproved)
	card := fmt.Sprintf("%q", canaryApproved)
	return []string{
		strings.Replace(seed, `"paymentMethod"`, card+`: 1, "paymentMethod"`, 1),
		strings.Replace(seed, `"amazonpay"`, card, 1),
		strings.Replace(seed, `"currency": "INR"}, "paymentMethod"`, `"currency": "INR", "name": "for card `+canaryApproved+`"}, "paymentMethod"`, 1),
		strings.Replace(seed, `{"order"`, `{"metadata": {"note": "4716-1902-0739-4368"}, "order"`, 1),
		strings.Replace(seed, card, `"`+canaryApproved+`x"`, 1),
		strings.Replace(seed, card, canaryApproved+"e0", 1),
		strings.Replace(seed, small, canaryApproved, 1),
		strings.Replace(seed, `"type"`, `"cvv": "123", "type"`, 1),
		canaryApproved + " is no JSON",
		`"` + canaryApproved + `"`,
		`{"order": {"id": ` + canaryApproved,
		strings.Replace(seed, `{"order"`, `{"metadata": {"note": "4716x1902x0739x4368"}, "order"`, 1),
		strings.Replace(seed, `{"order"`, `{"customer": {"id": "٤٧١٦ 1902 ０７３９ 4368"}, "order"`, 1),
		strings.Replace(seed, `{"order"`, `{"customer": {"email": "4000000000009995@example.com"}, "order"`, 1),
		strings.Replace(seed, `{"order"`, `{"metadata": {"note": "its cvv is 123"}, "order"`, 1),
	}
}

// assertNoCanary asserts that a text holds none of the card numbers, and nothing else that is private.
func assertNoCanary(t *testing.T, where string, text []byte, private ...string) {
	t.Helper()
	for _, canary := range []string{canaryApproved, canaryDeclined, canaryOrder} {
		private = append(private, canary, canary[:4]+" "+canary[4:8], canary[:4]+"-"+canary[4:8])
	}
	for _, form := range private {
		at := bytes.Index(text, []byte(form))
		assert.Negative(t, at, "%s hold %q: …%q…", where, form, text[max(0, at-200):min(len(text), max(0, at)+len(form)+40)])
	}
}

// everythingWritten returns the contents of all files below the servers' folder, except for the program itself.
func everythingWritten(t *testing.T) []byte {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(shared.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == shared.binary {
			return nil //nolint:nilerr // servers remove files of theirs while we look
		}
		text, err := os.ReadFile(path)
		if err == nil {
			all.Write(text)
		}
		return nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, all.Len(), 1<<20, shared.dir)
	return all.Bytes()
}
