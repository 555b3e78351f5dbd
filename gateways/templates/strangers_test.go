package templates_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/gateways/templates"
)

// hostile is what a customer may call an order, and what may come back in reasons and problems.
const hostile = "[refund](https://evil.test) ![](http://evil.test/x.png) www.evil.test 192.0.2.1 " +
	"<!channel> @channel <script>alert(1)</script> *bold* `code` \"q\" 'q'\r\nBcc: x\u202e\u2028 \x1b[31m\x00 {{.Ask}} &amp;"

func hostileNotices() []alert.Notice {
	var all []alert.Notice
	for _, c := range said() {
		n := c.notice
		d := &n.Event.Data
		d.OrderID, d.OrderName, d.PaymentMethod, d.Card, d.Currency, d.Problem, d.Link =
			hostile, hostile, hostile, hostile, hostile, hostile, "javascript:alert(1)"
		d.Amount, d.Decision.Reasons = hostile, slices.Clone(d.Decision.Reasons)
		for i := range d.Decision.Reasons {
			d.Decision.Reasons[i].Code, d.Decision.Reasons[i].Message = hostile, hostile
		}
		if d.Review != nil {
			changed := *d.Review
			changed.Reviewer, changed.Note = hostile, hostile
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

func TestStrangersTextIsTextAlone(t *testing.T) {
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

func TestStrangersTextIsNoLinkInOperatorsTemplates(t *testing.T) {
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
		chat := strings.ReplaceAll(want.chat, "~", "\u200b")
		for _, template := range []string{"{{.Data.OrderName}}", "{{truncate 400 .Data.OrderName}}", "{{truncate 400 (print .Data.OrderName)}}"} {
			assert.Equal(t, chat, inWords(t, alert.Chat, template, n), template)
			assert.Equal(t, want.sms, inWords(t, alert.SMS, template, n), template)
		}
	}
}

func TestWhatACutLeavesOfALinkIsNone(t *testing.T) {
	n := notice(anEvent())
	n.Event.Data.OrderName = "[pay](https://evil.example/pay)"
	assert.Equal(t, "[pay]\u200b(https:\u200b//evil.\u200bex…", inWords(t, alert.Chat, "{{truncate 22 .Data.OrderName}}", n))
	assert.Equal(t, "[pay](https: //evil. ...", inWords(t, alert.SMS, "{{truncate 24 .Data.OrderName}}", n))
}

func TestAddressesMadeHereStayLinksAndTypesStayThemselves(t *testing.T) {
	const address = "https://orders.test/alerts/8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21"
	for _, channel := range []string{alert.Chat, alert.SMS} {
		assert.Equal(t, address+" "+address, inWords(t, channel, "{{.AlertURL}} {{truncate 100 .AlertURL}}", notice(anEvent())))
		assert.Equal(t, "yes", inWords(t, channel, `{{if eq .Type "fraud.detected"}}yes{{else}}{{.Type}}{{end}}`, notice(anEvent())))
		link := anEvent().Data.Link
		assert.Equal(t, link, inWords(t, channel, `{{with .Data.Link}}{{.}}{{else}}-{{end}}`, notice(anEvent())))
	}
}

// Code is shown as it is, and linked nowhere.
func TestStrangersTextStandsInCodeInTheDefaultChat(t *testing.T) {
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

// inWords is a notice by an operator's template.
func inWords(t *testing.T, channel, template string, n alert.Notice) string {
	t.Helper()
	set, err := templates.Parse(channel, templates.Texts{Text: template})
	require.NoError(t, err, template)
	w := writer()
	w.Choose = func(string, alert.Target) *templates.Set { return set }
	return write(t, w, channel, n, "fraud-team").Text
}
