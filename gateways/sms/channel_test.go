package sms_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/domain/alert"
	"dummyorders/gateways/sms"
	"dummyorders/internal/channeltest"
)

const (
	sid     = "AC0123456789abcdef0123456789abcdef"
	token   = "canary_token_5d7e"
	number  = "+4915112345678"
	from    = "+15017122661"
	service = "MG0123456789abcdef0123456789abcdef"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func account(url string) sms.Account {
	return sms.Account{URL: url, SID: sid, Token: token, From: from}
}

func channel(t testing.TB, a sms.Account, client *http.Client) *sms.Channel {
	t.Helper()
	c, err := sms.New(a, client)
	require.NoError(t, err)
	return c
}

func TestConformance(t *testing.T) {
	channeltest.Conformance(t, func(t *testing.T) channeltest.Subject {
		login := base64.StdEncoding.EncodeToString([]byte(sid + ":" + token))
		fake := channeltest.NewFakeTwilio(sid, token)
		server := channeltest.Start(t, fake)
		return channeltest.Subject{
			Channel: channel(t, account(server.URL), channeltest.Client(t)), To: number,
			Far: channeltest.OverHTTP(fake.Fake, server), Secrets: []string{token, login},
		}
	})
}

// A message has the form that Twilio takes.
func TestDeliverForm(t *testing.T) {
	for name, c := range map[string]struct{ from, want string }{
		"from a number":            {from, "Body=%C3%BC+%26&From=%2B15017122661&To=%2B4915112345678"},
		"from a short code":        {"12345", "Body=%C3%BC+%26&From=12345&To=%2B4915112345678"},
		"from a name":              {"ACME & Co 1", "Body=%C3%BC+%26&From=ACME+%26+Co+1&To=%2B4915112345678"},
		"from a messaging service": {service, "Body=%C3%BC+%26&MessagingServiceSid=" + service + "&To=%2B4915112345678"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := channeltest.NewFakeTwilio(sid, token)
			var header http.Header
			fake.Script(func(_ int, r *http.Request) channeltest.Answer {
				header = r.Header.Clone()
				return channeltest.Answer{}
			})
			a := account(channeltest.Start(t, fake).URL + "/")
			a.From = c.from
			answer, err := channel(t, a, channeltest.Client(t)).Deliver(t.Context(), number, alert.Message{Text: "ü &"})
			require.NoError(t, err)
			assert.Equal(t, "201 SM00000000000000000000000000000001 queued", answer)
			require.Len(t, fake.Accepted(), 1)
			assert.Equal(t, c.want, string(fake.Accepted()[0].Body))
			assert.Equal(t, "orders-alertman", header.Get("User-Agent"))
			assert.Empty(t, fake.Violations())
		})
	}
}

// A text is cut to what Twilio takes.
func TestDeliverCutsText(t *testing.T) {
	fake := channeltest.NewFakeTwilio(sid, token)
	c := channel(t, account(channeltest.Start(t, fake).URL), channeltest.Client(t))
	for text, want := range map[string]string{
		strings.Repeat("ü", 1600): strings.Repeat("ü", 1600),
		strings.Repeat("ü", 1601): strings.Repeat("ü", 1599) + "…",
		strings.Repeat("𝄞", 801):  strings.Repeat("𝄞", 799) + "…", // each counts for two
	} {
		_, err := c.Deliver(t.Context(), number, alert.Message{Text: text})
		require.NoError(t, err)
		accepted := fake.Accepted()
		assert.Equal(t, want, accepted[len(accepted)-1].Text)
	}
	assert.Empty(t, fake.Violations())
}

// Each answer is classed as delivered, refused or to be tried again.
func TestAnswers(t *testing.T) {
	const delivered, refused, again = "delivered", "refused", "again"
	for name, c := range map[string]struct {
		status      int
		body        string
		is, because string
	}{
		"accepted by a service":      {201, `{"sid":"SM1","status":"accepted","error_code":null}`, delivered, "201 SM1 accepted"},
		"a compatible provider":      {200, `{"sid":"SM1","status":"queued"}`, delivered, "200 SM1 queued"},
		"created, and broken off":    {201, `{"sid":"SM`, delivered, "201"},
		"a page":                     {200, "<html>Welcome</html>", again, "not how this API says"},
		"failed at once":             {201, `{"sid":"SM1","status":"failed","error_code":30006,"error_message":"Landline"}`, refused, "201 SM1 failed, error 30006: Landline"},
		"undelivered at once":        {201, `{"sid":"SM1","status":"undelivered","error_code":30003}`, refused, "error 30003"},
		"no such number":             {400, `{"code":21211,"message":"Invalid 'To' Phone Number","status":400}`, refused, "400 Bad Request, error 21211: Invalid 'To' Phone Number"},
		"unsubscribed":               {400, `{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}`, refused, "error 21610"},
		"the sender's queue is full": {400, `{"code":21611,"message":"exceeded the maximum number of queued messages","status":400}`, again, "error 21611"},
		"our token is wrong":         {401, `{"code":20003,"message":"Authenticate","status":401}`, again, "error 20003: Authenticate"},
		"our account is closed":      {403, `{"code":20003,"message":"Account not active","status":403}`, again, "Account not active"},
		"our account is not there":   {404, `{"code":20404,"message":"not found","status":404}`, again, "error 20404"},
		"too many at once":           {429, `{"code":20429,"message":"Too Many Requests","status":429}`, again, "error 20429"},
		"an error that is a page":    {502, "<h1>Bad\nGateway</h1>", again, "502 Bad Gateway: <h1>Bad Gateway</h1>"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := channel(t, account(""), channeltest.Answering(c.status, nil, c.body)).
				Deliver(t.Context(), number, alert.Message{Text: "text"})
			if c.is == delivered {
				require.NoError(t, err)
				assert.Contains(t, answer, c.because)
				return
			}
			require.ErrorContains(t, err, c.because)
			assert.Contains(t, err.Error(), "SMS provider at api.twilio.com")
			assert.Equal(t, c.is == refused, alert.IsRefused(err), "refused: %v", err)
		})
	}
}

func TestNewRefusesWrongAccount(t *testing.T) {
	for want, spoil := range map[string]func(*sms.Account){
		"URL":   func(a *sms.Account) { a.URL = "api.twilio.com" },
		"SID":   func(a *sms.Account) { a.SID = "AC1/../AC2" },
		"token": func(a *sms.Account) { a.Token = "" },
		"from":  func(a *sms.Account) { a.From = "MG0123456789" },
	} {
		a := account("")
		spoil(&a)
		_, err := sms.New(a, nil)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), token)
	}
}

// A sender is what Twilio takes.
func TestSender(t *testing.T) {
	for sender, taken := range map[string]bool{
		"+4930123456": true, "+1": false, "+15017122661": true, "+0123": false, "4930123456": false, "+49 30 123456": false,
		"123": true, "12345678": true, "12": false, "123456789": false,
		"ACMEShop": true, "ACME Shop": true, "A": true, "7-Eleven": true, "A+B_C&D-E": true, "ABCDEFGHIJK": true,
		"ABCDEFGHIJKL": false, "123 456": false, "1-2": false, " ACME": false, "ACME ": false, "Zoë": false, "A.B": false, "A\nB": false, "": false,
		service: true, service + "0": false, "MG" + strings.Repeat("x", 32): false,
	} {
		a := account("")
		a.From = sender
		_, err := sms.New(a, nil)
		assert.Equal(t, taken, err == nil, "%q: %v", sender, err)
	}
}

func TestAccountHidesToken(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		assert.NotContains(t, fmt.Sprintf(verb, account("")), token)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(201, `{"sid":"SM1","status":"queued"}`)
	f.Add(400, `{"code":21211,"message":"a\nb","status":400}`)
	f.Add(401, `{"code":"x","message":{}}`)
	f.Add(500, "\xff\x00"+token)
	f.Fuzz(func(t *testing.T, status int, body string) {
		answer, err := channel(t, account(""), channeltest.Answering(status, nil, body)).
			Deliver(t.Context(), number, alert.Message{Text: "text"})
		words := answer
		if err != nil {
			words = err.Error()
		}
		if (err == nil) != (answer != "") || err == nil && status/100 != 2 {
			t.Errorf("%d %q: %q, %v", status, body, answer, err)
		}
		assert.NotContains(t, words, token, "%d %q", status, body)
		assert.False(t, strings.ContainsAny(words, "\n\r\x00"), "%d %q", status, body)
		assert.LessOrEqual(t, utf8.RuneCountInString(words), 500, "%d %q", status, body)
		assert.True(t, utf8.ValidString(words), "%d %q", status, body)
	})
}
