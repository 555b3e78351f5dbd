package smtp

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	texttemplate "text/template"
	"time"

	"github.com/wneessen/go-mail"

	"dummyorders/domain/alert"
)

//go:embed templates
var files embed.FS

// timeLayout is how times are written to people, in UTC.
const timeLayout = "2006-01-02 15:04:05 MST"

var (
	functions = map[string]any{"time": func(t time.Time) string { return t.UTC().Format(timeLayout) }}
	textBody  = texttemplate.Must(texttemplate.New("alert.txt").Funcs(functions).ParseFS(files, "templates/alert.txt"))
	htmlBody  = htmltemplate.Must(htmltemplate.New("alert.html").Funcs(functions).ParseFS(files, "templates/alert.html"))
)

// placeholderHost stands for the API's address, which alertman does not know: people put theirs in.
const placeholderHost = "https://orders.example.com"

// page is what the templates see.
type page struct {
	alert.Event
	words

	URL string // of the transaction in the API
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
	said := say(event)
	m.Subject(c.subject + ": " + said.subject)
	m.SetMessageIDWithValue(event.ID + "@orders")
	m.SetGenHeader("X-Alert-ID", event.ID)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	m.SetDateWithValue(event.Time)
	text, html, err := bodies(event, said)
	if err != nil {
		return nil, err
	}
	m.SetBodyString(mail.TypeTextPlain, text)
	m.AddAlternativeString(mail.TypeTextHTML, html)
	return m, nil
}

func bodies(event alert.Event, said words) (text, html string, err error) {
	p := page{Event: event, words: said, URL: placeholderHost + path(event.Data.TransactionID)}
	var textOut, htmlOut bytes.Buffer
	if err := textBody.Execute(&textOut, p); err != nil {
		return "", "", fmt.Errorf("write mail for alert %s: %w", event.ID, err)
	}
	if err := htmlBody.Execute(&htmlOut, p); err != nil {
		return "", "", fmt.Errorf("write mail for alert %s: %w", event.ID, err)
	}
	return textOut.String(), htmlOut.String(), nil
}
