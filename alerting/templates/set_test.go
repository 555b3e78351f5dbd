package templates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
)

// A wrong template is refused with its place and what would be right.
func TestParseFaults(t *testing.T) {
	const recursion = `{{define "a"}}{{template "b"}}{{end}}{{define "b"}}{{if true}}{{template "a"}}{{end}}{{end}}{{template "a"}}`
	for _, c := range []struct {
		channel string
		texts   templates.Texts
		want    string
	}{
		{"mail", templates.Texts{HTML: "<p>\n\n{{env \"HOME\"}}"}, `html:3: the function env does not exist: it must be one of `},
		{"mail", templates.Texts{HTML: "{{tmie .Event.Time}}"}, `html:1: the function tmie does not exist: did you mean "time"?`},
		{"mail", templates.Texts{Subject: "{{.Heading}}"}, `subject:1: .Heading: it has no Heading: did you mean "Headline"? (tried on a sample of alert.test)`},
		{"chat", templates.Texts{Text: "a\n{{.Data.Order}}"}, `text:2: .Data.Order: it has no Order: did you mean "OrderID"?`},
		{"chat", templates.Texts{Text: "{{.Data.Decision.Scores}}"}, `text:1: .Data.Decision.Scores: it has no Scores: did you mean "Score"?`},
		{"sms", templates.Texts{Text: "x{{.Data.Review.Deadline}}"}, `text:1: .Data.Review.Deadline: .Data.Review is not there for every alert: ask with {{with .Data.Review}} first`},
		{"sms", templates.Texts{Text: "{{index .Data.Decision.Reasons 0}}"}, `text:1: index .Data.Decision.Reasons 0: `},
		{"sms", templates.Texts{Text: "{{if .Test}}"}, `text:1: unexpected EOF`},
		{"sms", templates.Texts{Text: "{{template \"x\"}}"}, `text:1: {{template "x"}}: template "x" not defined`},
		{"mail", templates.Texts{HTML: "<p>\n<a href={{.Headline}}{{if .Test}}\">{{end}}"}, `html: "\"" in unquoted attr`},
		{"sms", templates.Texts{Text: recursion}, `text: the template "a" uses itself: a uses b uses a`},
		{"mail", templates.Texts{HTML: recursion}, `html: the template "a" uses itself: a uses b uses a`},
		{"sms", templates.Texts{Text: "{{range 1000000000}}{{end}}x"}, `text:1: loops without an end: it was stopped after 200000 passes`},
		{"mail", templates.Texts{HTML: "{{range 100000}}{{range 100000}}{{end}}{{end}}x"}, `loops without an end`},
		{"mail", templates.Texts{Text: "{{range 100000}}{{$.Headline}}{{end}}"}, `text: writes more than a message may hold`},
		{"sms", templates.Texts{Text: strings.Repeat("😀", 801)}, `text: writes more than a message may hold: 1602 characters, and sms takes 1600`},
		{"chat", templates.Texts{Text: strings.Repeat("😀", 1751)}, `text: writes more than a message may hold: 3502 characters, and chat takes 3500`},
		{"sms", templates.Texts{Text: strings.Repeat("x", 1601)}, `text: writes more than a message may hold: 1601 characters, and sms takes 1600`},
		{"sms", templates.Texts{Text: "{{if .Test}}x{{end}}"}, `text: writes nothing (tried on a sample of fraud.detected)`},
		{"sms", templates.Texts{Text: `{{printf "%9999d" 1}}`}, `a width must have at most three digits`},
		{"sms", templates.Texts{Text: `{{printf "%*d" 99999 1}}`}, `a width must have at most three digits`},
		{"sms", templates.Texts{Text: "{{$x := `\\\\`}}{{range 40}}{{$x = js $x}}{{end}}{{len $x}}"}, `makes a text of more than 65536 bytes`},
		{"sms", templates.Texts{Text: "{{$x := `a`}}{{range 40}}{{$x = print $x $x}}{{end}}{{len $x}}"}, `makes a text of more than 65536 bytes`},
		{"sms", templates.Texts{Text: `{{timeIn "Europe/Paname" .Event.Time}}`}, `"Europe/Paname" is not a time zone that is known`},
		{"sms", templates.Texts{Text: "{{call .Data.Review.Decided}}"}, "text:1: "},
		{"sms", templates.Texts{Text: strings.Repeat("{{/**/}}", 10000)}, "text: must not be longer than 65536 bytes"},
	} {
		set, err := templates.Parse(c.channel, c.texts)
		require.Error(t, err, "%.100v", c.texts)
		assert.Contains(t, err.Error(), c.want)
		assert.Less(t, len(err.Error()), 600)
		assert.Nil(t, set)
	}
}

// Every part that is wrong is reported at once.
func TestParseFaultsAtOnce(t *testing.T) {
	_, err := templates.Parse(alert.Mail, templates.Texts{Subject: "{{.A}}", Text: "{{.B}}", HTML: "{{.C}}"})
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 3)
	for i, part := range []string{"subject:1: .A", "text:1: .B", "html:1: .C"} {
		assert.True(t, strings.HasPrefix(lines[i], part), lines[i])
	}
}

// A template has what it needs.
func TestFunctionsAndFields(t *testing.T) {
	at := "2026-11-02 15:00:15 IST"
	for template, want := range map[string]string{
		`{{timeIn "Asia/Kolkata" .Event.Time}}`: at,
		`{{time .Event.Time}}`:                  "2026-11-02 09:30:15 UTC",
		`{{shortTime .Event.Time}}`:             "2 Nov 09:30 UTC",
		`{{money .Data.Currency .Data.Amount}}`: "INR 250000.00",
		`{{upper .Type}} {{lower "ABC"}}`:       "`FRAUD.\u200bDETECTED` abc",
		`{{truncate 12 .Data.OrderName}}`:       "`avengers 4 …`",
		`{{truncate 13 .Data.OrderName}}`:       "`avengers 4 &lt;…`",
		`{{truncate 99 .Data.OrderName}}`:       "`avengers 4 &lt;spoilers&gt; &amp; more`",
		`{{join ", " .Unanswered}}, {{join "+" (first 1 .Unanswered)}}, {{more 1 .Unanswered}} more`: "`a, b`, a, 1 more",
		`for {{range .Data.Decision.Reasons}}{{.Code}}{{end}}`:                                       "for AMOUNT_OVER_LIMIT",
		`{{.AlertURL}} {{.TransactionURL}}`:                                                          "https://orders.test/alerts/8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21 https://orders.test/transactions/0199c0de-0000-7000-8000-000000000001",
		`{{.Receiver}}: {{.Title}}. {{.Headline}}`:                                                   "fraud-team: not acknowledged: order 1234 declined, INR 250000.00. A transaction was declined as fraudulent.",
		`{{plural 1 "one" "many"}} {{plural 2 "one" "many"}} {{printf "%03d" .Data.Decision.Score}}`: "one many 090",
		`{{range $i, $x := first 2 "ab"}}{{end}}`:                                                    "",
	} {
		set, err := templates.Parse(alert.Chat, templates.Texts{Text: template})
		if want == "" {
			require.Error(t, err, template)
			continue
		}
		require.NoError(t, err, template)
		w := writer()
		w.Choose = func(string, alert.Target) *templates.Set { return set }
		n := notice(anEvent())
		n.Unanswered = []string{"a", "b"}
		assert.Equal(t, want, write(t, w, alert.Chat, n, "fraud-team").Text)
	}
}

// What a set lacks is the default.
func TestSetDefaults(t *testing.T) {
	n := notice(anEvent())
	plain := write(t, writer(), alert.Mail, n, "fraud-team")
	for _, c := range []struct {
		texts templates.Texts
		want  [3]string
	}{
		{templates.Texts{Subject: "s\n\tt"}, [3]string{"s t", plain.Text, plain.HTML}},
		{templates.Texts{HTML: "h"}, [3]string{plain.Subject, plain.Text, "h\n"}},
		{templates.Texts{Text: "t"}, [3]string{plain.Subject, "t\n", ""}},
		{templates.Texts{Text: "t", HTML: "<b>{{.Data.OrderName}}</b>"}, [3]string{plain.Subject, "t\n", "<b>avengers 4 &lt;spoilers&gt; &amp; more</b>\n"}},
		{templates.Texts{}, [3]string{plain.Subject, plain.Text, plain.HTML}},
	} {
		set, err := templates.Parse(alert.Mail, c.texts)
		require.NoError(t, err)
		w := writer()
		w.Choose = func(string, alert.Target) *templates.Set { return set }
		m := write(t, w, alert.Mail, n, "fraud-team")
		assert.Equal(t, c.want, [3]string{m.Subject, m.Text, m.HTML})
	}
}

// A set of another channel is not used.
func TestSetOfOtherChannel(t *testing.T) {
	set, err := templates.Parse(alert.SMS, templates.Texts{Text: "ours"})
	require.NoError(t, err)
	w := writer()
	w.Choose = func(string, alert.Target) *templates.Set { return set }
	assert.NotEqual(t, "ours", write(t, w, alert.Chat, notice(anEvent()), "fraud-team").Text)
}

func TestTemplateCannotDecideReview(t *testing.T) {
	for _, call := range []string{`.Expire "approve" .Deadline`, `.Decide .OnExpiry .Deadline`} {
		for _, channel := range []string{alert.Console, alert.Mail} {
			part := templates.Texts{Text: `x{{with .Data.Review}}{{$x := ` + call + `}}{{end}}`}
			if channel == alert.Mail {
				part = templates.Texts{HTML: part.Text}
			}
			set, err := templates.Parse(channel, part)
			require.ErrorContains(t, err, "has 0 return values; should be 1 or 2", call)
			require.Nil(t, set)
		}
	}
}

// A template that changes what it sees changes no other message. A time can be read anew from another, in place, by
// what it has for encoders: GobDecode gives back an error alone, so that templates can call it. They change only
// their own copy.
func TestTemplateCannotChangeEvent(t *testing.T) {
	const change = `{{with .Data.Review}}{{$x := .Deadline.GobDecode .RequestedAt.GobEncode}}` +
		`{{with .DecidedAt}}{{$x := .GobDecode $.Data.Review.RequestedAt.GobEncode}}{{end}}{{end}}` +
		`{{with .Digest}}{{range .Members}}{{$x := .Time.GobDecode $.Digest.Until.GobEncode}}{{end}}{{end}}` +
		`{{with .Data.ExpiresAt}}{{$x := .GobDecode $.Event.Time.GobEncode}}{{end}}` +
		`{{with .Ask}}{{$x := .Until.GobDecode $.Event.Time.GobEncode}}{{end}}` +
		`{{with .Data.Review}}{{time .Deadline}}{{else}}x{{end}}`
	set, err := templates.Parse(alert.Console, templates.Texts{Text: change})
	require.NoError(t, err)
	w := writer()
	w.Choose = func(string, alert.Target) *templates.Set { return set }
	told := func() alert.Notice {
		n, until := notice(expired("approve")), anEvent().Time.Add(time.Hour)
		n.Event.Data.ExpiresAt = &until
		n.Digest, n.Ask = digest(3).Digest, &alert.Ask{Until: until}
		return n
	}
	n := told()
	assert.Equal(t, "2026-11-02 09:30:15 UTC", write(t, w, alert.Console, n, "fraud-team").Text, "it saw the change that it made")
	assert.Equal(t, told(), n)
	assert.Equal(t, write(t, writer(), alert.Console, told(), "fraud-team"), write(t, writer(), alert.Console, n, "fraud-team"))
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"{{.Headline}}", `{{range first 3 .Digest.Members}}{{.OrderID}}{{end}}`, `{{with .Ask}}<a href="{{.URL}}">{{end}}`,
		`{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, `{{range 9}}{{printf "%d" .}}{{end}}`, `{{js (html "<")}}`,
		`<script>var x = {{.Data}}</script><style>{{.Title}}</style>`, `{{block "b" .}}{{end}}`, `{{truncate 3 .Title | upper}}`,
		`{{while}}`, `{{$x := 1}}{{$x = .List}}{{break}}`, `{{index .Data.Decision.Reasons 0}}`, `{{.Event.Expiry}} {{.Digest.Sums}}`,
		`{{.Data.Review.Decide}}`, `{{slice .Title 1 2 3}}`, `{{and .Test (call .Sums)}}`, "{{- /* x */ -}}", `{{timeIn "../x" .Event.Time}}`,
	} {
		for _, channel := range []string{"mail", "sms", "chat", "console"} {
			f.Add(channel, seed, seed)
		}
	}
	at := time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC)
	f.Fuzz(func(t *testing.T, channel, text, html string) {
		if channel != alert.Mail {
			html = ""
		}
		set, err := templates.Parse(channel, templates.Texts{Text: text, HTML: html})
		if err != nil {
			require.NotEmpty(t, err.Error())
			require.Nil(t, set)
			return
		}
		w := writer()
		w.Choose = func(string, alert.Target) *templates.Set { return set }
		for _, n := range []alert.Notice{
			notice(alert.Event{Type: alert.FraudDetected}), {ID: "d", Event: anEvent(), Digest: &alert.Digest{}}, templates.SampleDigest(alert.ReviewExpired, "d", at, 3),
		} {
			m, err := w.Write(alert.DeliveryRequest{Notice: n, Receiver: "r", Target: alert.NewTarget(channel, "x")})
			require.NoError(t, err)
			require.NotEmpty(t, strings.TrimSpace(m.Text))
			within(t, channel, n, m)
		}
	})
}
