package templates_test

import (
	"bytes"
	"fmt"
	"html"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/alerting/templates"
	"dummyorders/domain/alert"
	"dummyorders/domain/review"
	"dummyorders/gateways/posting"
	"dummyorders/internal/goldentest"
)

var addresses = map[string]string{
	alert.Mail: "jo@example.com", alert.SMS: "+4915112345678", alert.Chat: "fraud-team/chat",
	alert.Webhook: "fraud-team/webhook", alert.Console: "-",
}

func writer() *templates.Writer {
	return &templates.Writer{
		Links: alert.NewLinks("https://orders.test", []byte("0123456789abcdef0123456789abcdef")), Subject: "Transaction Fraud Alert",
	}
}

// unsigned has no key for links.
func unsigned() *templates.Writer {
	w := writer()
	w.Links = alert.NewLinks("https://orders.test", nil)
	return w
}

func write(t *testing.T, w *templates.Writer, channel string, n alert.Notice, receiver string) alert.Message {
	t.Helper()
	telling := alert.DeliveryRequest{Notice: n, Receiver: receiver, Target: alert.NewTarget(channel, addresses[channel])}
	m, err := w.Write(telling)
	require.NoError(t, err)
	require.Equal(t, n, m.Notice)
	return m
}

func notice(e alert.Event) alert.Notice { return alert.Notice{ID: e.ID, Event: e} }

func TestDefaultMessages(t *testing.T) {
	for _, channel := range alert.Channels {
		require.Contains(t, addresses, channel)
		text, html := "", ""
		for _, c := range testNotices() {
			m := write(t, writer(), channel, c.notice, c.receiver)
			head := fmt.Sprintf("\n======== %s\n", c.name)
			text += head
			if channel == alert.Mail {
				text += "Subject: " + m.Subject + "\n\n"
				html += "\n<!-- ======== " + c.name + " -->\n" + m.HTML
			}
			text += m.Text
		}
		goldentest.Same(t, "testdata/"+channel+".txt", text)
		if channel == alert.Mail {
			goldentest.Same(t, "testdata/mail.html", html)
		}
	}
}

func TestSamplesCoverEveryType(t *testing.T) {
	for _, eventType := range append([]alert.Type{alert.Test}, alert.Types...) {
		shown := slices.ContainsFunc(testNotices(), func(c testNotice) bool { return c.notice.Event.Type == eventType })
		assert.True(t, shown, "no message about %s was looked at", eventType)
	}
}

// Every mail about one alert of a transaction has a line for it. Scripts find the transaction by this line.
func TestMailTransactionLine(t *testing.T) {
	for _, c := range testNotices() {
		if c.notice.Digest != nil || c.notice.Event.Type == alert.Test || c.notice.Event.Data.Alarm != nil {
			continue
		}
		text := write(t, writer(), alert.Mail, c.notice, c.receiver).Text
		assert.Contains(t, text, "\nTransaction  "+c.notice.Event.Data.TransactionID+"\n", c.name)
	}
}

// Nothing can break out of a command in a message.
func TestCommandIsQuoted(t *testing.T) {
	n := notice(reviewRequested())
	n.Event.Data.TransactionID = "1'; rm -rf / #"
	for _, channel := range []string{alert.Mail, alert.Chat, alert.Console} {
		text := write(t, unsigned(), channel, n, "fraud-team").Text
		assert.Contains(t, text, "'https://orders.test/transactions/1%27%3B%20rm%20-rf%20%2F%20%23/review'", channel)
	}
}

// Without a key an alert is acknowledged at the API.
func TestAskWithoutKey(t *testing.T) {
	n := notice(anEvent())
	n.Ask = &alert.Ask{Until: n.Event.Time}
	for channel := range addresses {
		m := write(t, unsigned(), channel, n, "fraud-team")
		if channel == alert.Webhook {
			continue
		}
		assert.Contains(t, m.Text, "https://orders.test/alerts/"+n.ID+"/acknowledge", channel)
		assert.NotContains(t, m.Text+m.HTML, "signature=", channel)
		if channel != alert.SMS {
			assert.Contains(t, m.Text, `{"by": "your name"}`, channel)
		}
	}
}

// A link names its recipient where one is known.
func TestAskLinkNamesRecipient(t *testing.T) {
	n := notice(anEvent())
	n.Ask = &alert.Ask{Until: n.Event.Time}
	for channel, by := range map[string]string{
		alert.Mail: "jo@example.com", alert.SMS: "+4915112345678", alert.Chat: "fraud-team", alert.Console: "fraud-team",
	} {
		link := writer().Links.Acknowledge(n.ID, by, n.Event.Expiry())
		if channel == alert.Chat {
			link = strings.ReplaceAll(link, "&", "&amp;")
		}
		assert.Contains(t, write(t, writer(), channel, n, "fraud-team").Text, link, channel)
	}
}

// A request for a review links to its page until the deadline.
func TestReviewLink(t *testing.T) {
	reminder := reviewRequested()
	reminder.Type = alert.ReviewReminder
	for _, event := range []alert.Event{reviewRequested(), reminder} {
		for channel, by := range map[string]string{
			alert.Mail: "jo@example.com", alert.SMS: "+4915112345678", alert.Chat: "fraud-team", alert.Console: "fraud-team",
		} {
			t.Run(event.Type.RoutingKey()+" by "+channel, func(t *testing.T) {
				link := writer().Links.Review(event.Data.TransactionID, by, event.Data.Review.Deadline)
				m := write(t, writer(), channel, notice(event), "fraud-team")
				if channel == alert.Chat {
					link = strings.ReplaceAll(link, "&", "&amp;")
				}
				assert.Contains(t, m.Text, link)
				assert.NotContains(t, m.Text+m.HTML, "curl")
				if channel == alert.Mail {
					assert.Contains(t, m.HTML, `<a href="`+html.EscapeString(link)+`"`)
				}
				m = write(t, unsigned(), channel, notice(event), "fraud-team")
				assert.NotContains(t, m.Text+m.HTML, "signature=")
				if channel != alert.SMS {
					assert.Contains(t, m.Text, "curl -X POST 'https://orders.test/transactions/"+event.Data.TransactionID+"/review'")
				}
			})
		}
	}
}

// A digest links to the reviews that it has room for.
func TestDigestReviewLinks(t *testing.T) {
	n := digest(1000) // a quarter of them are reviews
	for channel, want := range map[string]struct {
		links int
		rest  string
	}{
		alert.Mail: {100, "To decide the rest (150)"}, alert.Chat: {3, "To decide the rest (247)"}, alert.Console: {20, "To decide the rest (230)"}, alert.SMS: {0, ""},
	} {
		t.Run(channel, func(t *testing.T) {
			m := write(t, writer(), channel, n, "fraud-team")
			assert.Equal(t, want.links, strings.Count(m.Text, "signature="))
			assert.Contains(t, m.Text, want.rest)
			assert.Equal(t, want.links > 0, strings.Contains(m.Text, "/transactions/<transaction>/review'") || strings.Contains(m.Text, "/transactions/&lt;transaction&gt;/review'"))
		})
	}
	for name, c := range map[string]struct {
		digest alert.Notice
		links  int
	}{
		"reviews that are over": {digestOf(expired(review.Decline), expired(review.Approve), declinedByReviewer(), notGivenBack()), 0},
		"one review twice":      {digestOf(reviewRequested(), reminder()), 1},
		"one among others":      {digestOf(unchecked(), notGivenBack()), 1},
	} {
		for _, channel := range []string{alert.Mail, alert.Chat} {
			t.Run(name+" by "+channel, func(t *testing.T) {
				w := writer()
				w.Desk = "https://desk.test"
				m := write(t, w, channel, c.digest, "fraud-team")
				assert.Equal(t, c.links, strings.Count(m.Text, "signature="))
				assert.Equal(t, c.links > 0 && channel == alert.Mail, strings.Contains(m.Text, "https://desk.test/reviews"))
				assert.NotContains(t, m.Text, "the rest", "a review that has no link")
			})
		}
	}
	few := digest(8)
	text := write(t, writer(), alert.Mail, few, "fraud-team").Text
	for _, m := range few.Digest.Members {
		link := writer().Links.Review(m.TransactionID, "jo@example.com", m.Expiry)
		assert.Equal(t, m.Outcome == "review", strings.Contains(text, "order "+m.OrderID+": "+link), m.Outcome)
	}
	assert.NotContains(t, text, "curl", "all have links")
}

// Default messages have room for all that an alert may hold.
func TestDefaultMessagesFit(t *testing.T) {
	long := strings.Repeat("<&\"𝄞>` ", 80)
	n := notice(expired("approve"))
	n.Digest = nil
	d := &n.Event.Data
	d.OrderID, d.OrderName, d.PaymentMethod, d.Card, d.Currency, d.Problem, d.Link, d.TransactionID =
		long, long, long, long, long, long, "https://x.test/"+long, long
	for range 100 {
		d.Decision.Reasons = append(d.Decision.Reasons, anEvent().Data.Decision.Reasons[0])
		n.Unanswered = append(n.Unanswered, long)
	}
	for i := range d.Decision.Reasons {
		d.Decision.Reasons[i].Code, d.Decision.Reasons[i].Message = long, long
	}
	d.Review.Recheck.Reasons = d.Decision.Reasons
	n.Ask = &alert.Ask{Until: n.Event.Time, Next: long}
	many := digest(1010)
	for i := range many.Digest.Members {
		m := &many.Digest.Members[i]
		m.OrderID, m.Outcome, m.Reason, m.TransactionID = long, long, long, long
	}
	many.Event = n.Event
	fires := alert.Notice{ID: n.ID, Event: alarm(alert.AlarmFiring), Ask: n.Ask, Unanswered: n.Unanswered}
	fires.Event.Data.Alarm = &alert.Alarm{
		Name: long, Severity: long, Summary: long, Description: long, Runbook: "https://x.test/" + long, Source: "https://x.test/" + long,
		Labels: slices.Repeat([]alert.AlarmLabel{{Name: long, Value: long}}, 100),
	}
	for channel := range addresses {
		for _, n := range []alert.Notice{n, many, fires} {
			m := write(t, writer(), channel, n, long)
			within(t, channel, n, m)
		}
	}
}

func within(t *testing.T, channel string, n alert.Notice, m alert.Message) {
	t.Helper()
	most := 64 << 10
	if n.Digest != nil {
		most = 512 << 10
	}
	assert.LessOrEqual(t, len(m.Text)+len(m.HTML), most, channel)
	assert.LessOrEqual(t, utf8.RuneCountInString(m.Subject), 200)
	if bound, short := map[string]int{alert.Chat: 3500, alert.SMS: 1600}[channel]; short {
		assert.LessOrEqual(t, posting.Length(m.Text), bound, channel)
	}
}

// A mail lists every alert of a digest.
func TestDigestMail(t *testing.T) {
	n := digest(1000)
	m := write(t, writer(), alert.Mail, n, "fraud-team")
	for _, member := range n.Digest.Members {
		require.Contains(t, m.Text, member.TransactionID)
		require.Contains(t, m.HTML, member.TransactionID)
	}
	assert.NotContains(t, m.Text, "more, for which")
	within(t, alert.Mail, n, m)
}

// What a digest has no room for is counted.
func TestDigestCountsRest(t *testing.T) {
	for channel, want := range map[string]string{
		alert.Mail:    "and 2000 more, not shown here: GET https://orders.test/alerts/d1d1d1d1-0000-5000-8000-000000000001",
		alert.Chat:    "and 2980 more, not shown here: `GET https://orders.test/alerts/d1d1d1d1-0000-5000-8000-000000000001`",
		alert.Console: "and 2980 more, not shown here",
		alert.SMS:     "3000 more alerts, EUR 7875.00 and INR 562500000.00 in all",
	} {
		assert.Contains(t, write(t, writer(), channel, digest(3000), "fraud-team").Text, want)
	}
}

func TestSMSIsShort(t *testing.T) {
	gsm := "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	for _, c := range testNotices() {
		m := write(t, writer(), alert.SMS, c.notice, c.receiver)
		assert.LessOrEqual(t, len(m.Text), 320, m.Text)
		assert.LessOrEqual(t, strings.Count(m.Text, "http"), 1, m.Text)
		assert.Empty(t, strings.Trim(m.Text, gsm), m.Text)
		assert.NotContains(t, m.Text, "\n")
	}
}

// A failing template loses no alert.
func TestFailingTemplate(t *testing.T) {
	set, err := templates.Parse(alert.SMS, templates.Texts{Text: `{{with .Data.Review}}{{.By}} {{slice .Note 0 1}}{{else}}fine{{end}}`})
	require.ErrorContains(t, err, "text:1: ")
	require.Nil(t, set, "what fails on a sample is no set")
	set, err = templates.Parse(alert.SMS, templates.Texts{Text: `ours {{if eq .Data.Currency "EUR"}}{{slice .Data.OrderName 0 10}}{{end}}`})
	require.NoError(t, err)
	var log bytes.Buffer
	w := writer()
	w.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.Choose = func(receiver string, target alert.Target) *templates.Set {
		assert.Equal(t, "fraud-team", receiver)
		assert.Equal(t, alert.Target("sms +4915112345678"), target)
		return set
	}
	n := notice(anEvent())
	assert.Equal(t, "ours", write(t, w, alert.SMS, n, "fraud-team").Text)
	assert.Empty(t, log.String())
	n.Event.Data.Currency, n.Event.Data.OrderName = "EUR", "tea"
	assert.Equal(t, write(t, writer(), alert.SMS, n, "fraud-team"), write(t, w, alert.SMS, n, "fraud-team"))
	assert.Contains(t, log.String(), "level=ERROR")
	assert.Contains(t, log.String(), "out of range")
}

// Templates can name the merchant, and the built-in words name all but the default one: orders of two may have one number.
func TestMerchantInMessage(t *testing.T) {
	set, err := templates.Parse(alert.SMS, templates.Texts{Text: `for {{.Data.Merchant}}`})
	require.NoError(t, err)
	for merchant, want := range map[string]string{"": "for default", "default": "for default", "acme": "for acme"} {
		n, w := notice(anEvent()), writer()
		n.Event.Data.Merchant = merchant
		subject := write(t, w, alert.Mail, n, "fraud-team").Subject
		assert.Equal(t, merchant == "acme", strings.Contains(subject, "order 1234 of acme "), subject)
		w.Choose = func(string, alert.Target) *templates.Set { return set }
		assert.Equal(t, want, write(t, w, alert.SMS, n, "fraud-team").Text)
	}
}

// A test alert says that it is one, whatever the templates are.
func TestTestAlertSaysSo(t *testing.T) {
	set, err := templates.Parse(alert.Mail, templates.Texts{Subject: "{{.Data.OrderID}}", Text: "declined", HTML: "<p>declined</p>"})
	require.NoError(t, err)
	w := writer()
	w.Choose = func(string, alert.Target) *templates.Set { return set }
	m := write(t, w, alert.Mail, notice(alert.Sample(alert.Test, "1", anEvent().Time)), "fraud-team")
	assert.Equal(t, "Test: 1234", m.Subject)
	for _, text := range []string{m.Text, m.HTML} {
		assert.Contains(t, text, "This is a test alert")
		assert.Contains(t, text, "declined")
	}
}

// With a desk, mails about reviews lead there too; others do not.
func TestDeskLink(t *testing.T) {
	w := writer()
	w.Desk = "https://desk.test"
	n := notice(reviewRequested())
	page := "https://desk.test/reviews/" + n.Event.Data.TransactionID
	m := write(t, w, alert.Mail, n, "fraud-team")
	assert.Contains(t, m.Text, "\nThose who can sign in decide on the desk:\n"+page+"\n\n")
	assert.Contains(t, m.HTML, `<a href="`+page+`">on the desk</a>`)
	assert.Contains(t, m.Text, "https://orders.test/", "the signed link stays")
	assert.NotContains(t, write(t, w, alert.Mail, notice(anEvent()), "fraud-team").Text, "desk.test")
	assert.NotContains(t, write(t, writer(), alert.Mail, n, "fraud-team").Text, "desk")
}

// A template of before there were alarms is checked and used for transactions only; one that names alarms is used for both.
func TestTemplatesForAlarms(t *testing.T) {
	for text, want := range map[string]string{
		"order {{index .Data.OrderID 0}}": "Alert: alarm PaymentsFail fires, page. More than a tenth of the payments fail. https://example.com/runbooks/payments-fail",
		"{{with .Data.Alarm}}{{.Name}} in {{range .Labels}}{{if eq .Name \"job\"}}{{.Value}}{{end}}{{end}}{{else}}order{{end}}": "PaymentsFail in worker",
	} {
		set, err := templates.Parse(alert.SMS, templates.Texts{Text: text})
		require.NoError(t, err)
		w := writer()
		w.Choose = func(string, alert.Target) *templates.Set { return set }
		assert.Equal(t, want, write(t, w, alert.SMS, notice(alarm(alert.AlarmFiring)), "fraud-team").Text)
	}
	_, err := templates.Parse(alert.SMS, templates.Texts{Text: "{{.Data.Alarm.Name}}"})
	require.ErrorContains(t, err, "ask with {{with")
}
