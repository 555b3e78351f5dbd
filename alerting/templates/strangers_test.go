package templates_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/domain/review"
)

// hostile holds texts as customers may write them, and as reasons and problems may contain them.
const hostile = "[refund](https://evil.test) ![](http://evil.test/x.png) www.evil.test 192.0.2.1 " +
	"<!channel> @channel <script>alert(1)</script> *bold* `code` \"q\" 'q'\r\nBcc: x\u202e\u2028 \x1b[31m\x00 {{.Ask}} &amp;"

func hostileNotices() []alert.Notice {
	var all []alert.Notice
	for _, c := range testNotices() {
		n := c.notice
		d := &n.Event.Data
		d.OrderID, d.OrderName, d.PaymentMethod, d.Card, d.Currency, d.Problem, d.Link =
			hostile, hostile, hostile, hostile, hostile, hostile, "javascript:alert(1)"
		d.Amount, d.Decision.Reasons = hostile, slices.Clone(d.Decision.Reasons)
		for i := range d.Decision.Reasons {
			d.Decision.Reasons[i].Code, d.Decision.Reasons[i].Message = hostile, hostile
		}
		if d.Alarm != nil {
			changed := *d.Alarm
			changed.Name, changed.Severity, changed.Summary, changed.Description, changed.Runbook = hostile, hostile, hostile, hostile, hostile
			changed.Source, changed.Labels = "javascript:alert(1)", []alert.AlarmLabel{{Name: hostile, Value: hostile}}
			d.Alarm = &changed
		}
		if d.Review != nil {
			changed := *d.Review
			changed.Reviewer, changed.Note = hostile, hostile
			changed.First = &review.Approval{Reviewer: hostile, Person: hostile, Note: hostile}
			d.Review = &changed
		}
		if n.Digest != nil {
			for i := range n.Digest.Members {
				m := &n.Digest.Members[i]
				m.OrderID, m.Amount, m.Currency, m.Outcome, m.Reason, m.TransactionID = hostile, hostile, hostile, hostile, hostile, hostile
			}
			n.Digest.Group = hostile
		}
		n.Unanswered = []string{hostile}
		all = append(all, n)
	}
	return all
}

var (
	htmlLink = regexp.MustCompile(`(?s)<a\s[^>]*href="([^"]*)"`)
	// liveLink is what chats and telephones take for an address: with a scheme, a host of these alone, or four numbers.
	liveLink = regexp.MustCompile(`\w+://[^\s'|>]*|[\w-]+\.(?:test|png)\b|\d+\.\d+\.\d+\.\d+`)
)

// Text from outside is shown only as text.
func TestForeignTextIsText(t *testing.T) {
	for channel := range addresses {
		for _, n := range hostileNotices() {
			m := write(t, writer(), channel, n, hostile)
			for _, text := range []string{m.Subject, m.Text, m.HTML} {
				assert.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool {
					return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
				}), "control characters: %q", text)
			}
			assert.NotContains(t, m.Subject, "\n")
			assert.NotContains(t, m.Text, "\nBcc:")
			assert.NotContains(t, m.HTML, "<script")
			assert.NotContains(t, m.HTML, "javascript:")
			for _, href := range htmlLink.FindAllStringSubmatch(m.HTML, -1) {
				assert.True(t, strings.HasPrefix(href[1], "https://orders.test/"), href[1])
			}
			assert.NotContains(t, m.HTML, "<img")
			if channel == alert.Chat || channel == alert.SMS {
				for _, link := range liveLink.FindAllString(m.Text, -1) {
					assert.True(t, strings.HasPrefix(link, "https://orders.test/"), "%s in %s", link, m.Text)
				}
			}
			if channel == alert.Chat {
				assert.NotContains(t, m.Text, "](")
				assert.NotContains(t, m.Text, "<!")
				assert.NotContains(t, m.Text, "@channel")
				assert.NotContains(t, m.Text, "`code`")
				assert.NotContains(t, m.Text, "&amp;lt;", "escaped twice")
			}
		}
	}
}

// Text from outside does not become a link in an operator's template.
func TestForeignTextIsNotLink(t *testing.T) {
	for text, want := range map[string]struct{ chat, sms string }{ // ~ is a space of no width
		"https://evil.example/pay":         {"https:~//evil.~example/pay", "https: //evil. example/pay"},
		"[refund](https://evil)":           {"[refund]~(https:~//evil)", "[refund](https: //evil)"},
		"![](HTTPS://evil/x.PNG)":          {"![]~(HTTPS:~//evil/x.~PNG)", "![](HTTPS: //evil/x. PNG)"},
		"[a][b]: evil":                     {"[a]~[b]~: evil", "[a][b]: evil"},
		"<https://evil|refund>":            {"&lt;https:~//evil|refund&gt;", "<https: //evil|refund>"},
		"www.evil.example":                 {"www.~evil.~example", "www. evil. example"},
		"evil.xn--p1ai, зло.рф":            {"evil.~xn--p1ai, зло.~рф", "evil. xn--p1ai, зло. рф"},
		"jo@evil.example":                  {"jo@~evil.~example", "jo@evil. example"},
		"http://192.0.2.1/x":               {"http:~//192.0.~2.1/x", "http: //192.0. 2.1/x"},
		"INR 250000.00 by 9.30: no. 1, ok": {"INR 250000.00 by 9.30: no. 1, ok", "INR 250000.00 by 9.30: no. 1, ok"},
	} {
		n := notice(anEvent())
		n.Event.Data.OrderName = text
		chat := "`" + strings.ReplaceAll(want.chat, "~", "\u200b") + "`"
		for _, template := range []string{"{{.Data.OrderName}}", "{{truncate 400 .Data.OrderName}}", "{{truncate 400 (print .Data.OrderName)}}"} {
			assert.Equal(t, chat, inWords(t, alert.Chat, template, n), template)
			assert.Equal(t, want.sms, inWords(t, alert.SMS, template, n), template)
		}
	}
}

// What remains of a link after a cut is not a link.
func TestCutLinkIsNotLink(t *testing.T) {
	n := notice(anEvent())
	n.Event.Data.OrderName = "[pay](https://evil.example/pay)"
	assert.Equal(t, "`[pay]\u200b(https:\u200b//evil.\u200bex…`", inWords(t, alert.Chat, "{{truncate 22 .Data.OrderName}}", n))
	assert.Equal(t, "[pay](https: //evil. ex...", inWords(t, alert.SMS, "{{truncate 24 .Data.OrderName}}", n))
}

// Addresses made here stay links, and types stay as they are.
func TestOwnLinksStay(t *testing.T) {
	const address = "https://orders.test/alerts/8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21"
	for _, channel := range []string{alert.Chat, alert.SMS} {
		assert.Equal(t, address+" "+address, inWords(t, channel, "{{.AlertURL}} {{truncate 100 .AlertURL}}", notice(anEvent())))
		assert.Equal(t, "yes", inWords(t, channel, `{{if eq .Type "fraud.detected"}}yes{{else}}{{.Type}}{{end}}`, notice(anEvent())))
		link := anEvent().Data.Link
		assert.Equal(t, link, inWords(t, channel, `{{with .Data.Link}}{{.}}{{else}}-{{end}}`, notice(anEvent())))
	}
}

// In the default chat message, text from outside is code. Chats show code unchanged, and make no links of it.
func TestForeignTextInChatIsCode(t *testing.T) {
	const text = "*bold* _it_"
	n := notice(declinedByReviewer())
	d := &n.Event.Data
	d.OrderID, d.OrderName, d.PaymentMethod, d.Card, d.Problem, d.Review.Note, d.Review.Reviewer = text, text, text, text, text, text, text
	d.Decision.Reasons = []fraud.Reason{{Code: "CODE", Message: text}}
	several := digest(2)
	several.Digest.Group, several.Digest.Members[0].OrderID, several.Event.Data.OrderID = text, text, text
	for _, n := range []alert.Notice{n, several} {
		message := write(t, writer(), alert.Chat, n, "fraud-team").Text
		assert.Contains(t, message, "`"+text+"`")
		assert.NotContains(t, regexp.MustCompile("`[^`]*`").ReplaceAllString(message, ""), "bold")
	}
}

// zzq stands in everything that a chat could turn into a link or markup.
const zzq = "*zzq* _zzq_ ~zzq~ `zzq` ```zzq``` <!zzq> <https://zzq.test|zzq> @zzq [zzq](https://zzq.test) :zzq: www.zzq.test #zzq > zzq " +
	"\r\n* zzq\r\n>zzq \u202ezzq \ufdd0zzq\ufdd1zzq"

var (
	code   = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	ownURL = regexp.MustCompile(`https://orders\.test/\S+`)
)

// paths are templates that print each value that a template sees, by its type.
func paths(of reflect.Type, at string) []string {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return []string{"{{" + at + "}}"}
	case of.Kind() == reflect.Pointer:
		return wrapped("{{with "+at+"}}", paths(of.Elem(), "."), "{{end}}")
	case of.Kind() == reflect.Slice:
		return append(wrapped("{{range "+at+"}}", paths(of.Elem(), "."), "{{end}}"), "{{"+at+"}}")
	case of.Kind() != reflect.Struct:
		return []string{"{{" + at + "}}"}
	}
	all := []string{"{{" + at + "}}"}
	for field := range of.Fields() {
		if field.IsExported() {
			all = append(all, paths(field.Type, strings.TrimSuffix(at, ".")+"."+field.Name)...)
		}
	}
	return all
}

func wrapped(before string, inner []string, after string) []string {
	for i := range inner {
		inner[i] = before + inner[i] + after
	}
	return inner
}

// full is a notice that has every value, and in which every text is hostile.
func full(text string) alert.Notice {
	n := notice(declinedByReviewer())
	n.Digest, n.Ask, n.Holding = digest(1).Digest, &alert.Ask{Until: n.Event.Time}, &alert.Holding{Until: n.Event.Time}
	n.Unanswered = []string{""}
	n.Event.Data.Review.Recheck = &n.Event.Data.Decision
	hostileInto(reflect.ValueOf(&n).Elem(), text)
	n.Event.Type = alert.FraudDetected
	return n
}

func hostileInto(v reflect.Value, text string) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Pointer && !v.IsNil():
		copied := reflect.New(v.Type().Elem())
		copied.Elem().Set(v.Elem())
		v.Set(copied)
		hostileInto(v.Elem(), text)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			hostileInto(v.Index(i), text)
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for _, field := range v.Fields() {
			hostileInto(field, text)
		}
	}
}

// No template can put a value into a chat as more than text.
func TestChatEscapesEveryField(t *testing.T) {
	shown := paths(reflect.TypeFor[templates.View](), ".")
	fields := len(shown)
	require.Greater(t, fields, 100)
	for _, function := range []string{
		"upper", "lower", "truncate 400", "print", "println", `printf "%s\n%s" "a"`, `printf "%q"`, `printf "%5.3s"`, "html", "js", "urlquery",
		`join "\n" .Unanswered | print`, `plural 1 "one" | print`, `money "*"`, `or ""`,
	} {
		shown = append(shown, "{{"+function+" .Data.OrderName}}", "{{$x := .Data.OrderName | "+function+"}}{{$x}}")
	}
	shown = append(shown, "{{slice .Data.OrderName 5}}", "{{slice .Data.OrderName 1 20}}", "{{slice .Title 8}}", `{{define "t"}}{{.}}{{end}}{{template "t" .Data.OrderName}}`,
		"{{with .Data.OrderName}}{{.}}{{end}}", "{{block `b` .Data.OrderName}}{{.}}{{end}}", "{{range .Unanswered}}{{.}}{{else}}-{{end}}", `{{join "*" .Advice}}`)
	for i, template := range shown {
		arounds := [][2]string{{"a", "b"}, {"`", "`"}, {template, template}, {"", ""}, {"it`s ", ""}, {"*", "*"}, {"``` ", " ```"}, {"<", "|x>"}, {"`a` ", " `b`"}}
		if i < fields {
			arounds = arounds[:2]
		}
		for _, around := range arounds {
			set, err := templates.Parse(alert.Chat, templates.Texts{Text: "x " + around[0] + template + around[1]})
			if err != nil { // it fails on a sample, and will not be used
				continue
			}
			w := writer()
			w.Choose = func(string, alert.Target) *templates.Set { return set }
			text := write(t, w, alert.Chat, full(zzq), zzq).Text
			text = ownURL.ReplaceAllString(text, "")
			require.NotContains(t, strings.ToLower(code.ReplaceAllString(text, "")), "zzq", "%s in %q: %s", template, around, text)
			require.NotContains(t, text, "<!")
			require.NotContains(t, text, "@zzq")
			require.NotRegexp(t, "``[^`]", strings.ReplaceAll(text, "```", ""), "two codes touch: %s", text)
		}
	}
}

// inWords writes a notice with an operator's template.
func inWords(t *testing.T, channel, template string, n alert.Notice) string {
	t.Helper()
	set, err := templates.Parse(channel, templates.Texts{Text: template})
	require.NoError(t, err, template)
	w := writer()
	w.Choose = func(string, alert.Target) *templates.Set { return set }
	return write(t, w, channel, n, "fraud-team").Text
}
