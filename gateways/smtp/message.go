package smtp

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	texttemplate "text/template"

	"github.com/wneessen/go-mail"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
)

//go:embed templates
var files embed.FS

var (
	textBody = texttemplate.Must(texttemplate.ParseFS(files, "templates/alert.txt"))
	htmlBody = htmltemplate.Must(htmltemplate.ParseFS(files, "templates/alert.html"))
)

// page is what the templates see.
type page struct {
	alert.Event

	Headline string
	Advice   string
}

// message is the same for the same event and address, its Message-ID too: a mail that had to be sent twice is
// recognized as one by mailboxes that look.
func (c *Channel) message(to string, event alert.Event) (*mail.Msg, error) {
	m := mail.NewMsg()
	if err := m.From(c.from); err != nil {
		return nil, fmt.Errorf("mail from %q: %w", c.from, err)
	}
	if err := m.To(to); err != nil {
		return nil, &alert.RefusedError{By: "the mail channel", Cause: fmt.Errorf("mail to %q: %w", to, err)}
	}
	m.Subject(fmt.Sprintf("%s: order %s, %s %s", c.subject, event.Subject, event.Data.Currency, event.Data.Amount))
	m.SetMessageIDWithValue(event.ID + "@orders")
	m.SetGenHeader("X-Alert-ID", event.ID)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	m.SetDateWithValue(event.Time)
	text, html, err := bodies(event)
	if err != nil {
		return nil, err
	}
	m.SetBodyString(mail.TypeTextPlain, text)
	m.AddAlternativeString(mail.TypeTextHTML, html)
	return m, nil
}

func bodies(event alert.Event) (text, html string, err error) {
	p := page{Event: event}
	p.Headline, p.Advice = words(event.Data.Decision.Outcome)
	var textOut, htmlOut bytes.Buffer
	if err := textBody.Execute(&textOut, p); err != nil {
		return "", "", fmt.Errorf("write mail for alert %s: %w", event.ID, err)
	}
	if err := htmlBody.Execute(&htmlOut, p); err != nil {
		return "", "", fmt.Errorf("write mail for alert %s: %w", event.ID, err)
	}
	return textOut.String(), htmlOut.String(), nil
}

func words(outcome fraud.Outcome) (headline, advice string) {
	switch outcome {
	case fraud.Decline:
		return "A transaction was declined as fraudulent.",
			"No money was taken. Look at the transaction, and tell the customer if it was a mistake."
	case fraud.Review:
		return "A transaction needs a person's eye.",
			"It was stopped, and no money was taken. If it is good, ask the customer to order again."
	case fraud.NotEvaluated, fraud.Approve:
	}
	return "A transaction could not be checked for fraud.",
		"No verdict came in time, so it was stopped; no money was taken. See that fraud_police is running."
}
