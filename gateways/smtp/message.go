package smtp

import (
	"fmt"
	"time"

	"github.com/wneessen/go-mail"

	"dummyorders/domain/alert"
)

// letter is the same for the same message, its Message-ID too: a mail that had to be sent twice is recognized as one by
// mailboxes that look.
func (c *Channel) letter(to string, message alert.Message) (*mail.Msg, error) {
	m := mail.NewMsg()
	if err := m.From(c.from); err != nil {
		return nil, fmt.Errorf("mail from %q: %w", c.from, err)
	}
	if err := m.To(to); err != nil {
		return nil, &alert.RefusedError{By: "the mail channel", Cause: fmt.Errorf("mail to %q: %w", to, err)}
	}
	m.Subject(message.Subject)
	m.SetMessageIDWithValue(message.Key + "@orders")
	m.SetGenHeader("X-Alert-ID", message.Notice.ID)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	m.SetDateWithValue(date(message.Notice))
	m.SetBodyString(mail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		m.AddAlternativeString(mail.TypeTextHTML, message.HTML)
	}
	return m, nil
}

// date is when what the mail tells came about; of a digest its end, since its event was told before it.
func date(n alert.Notice) time.Time {
	if n.Digest != nil {
		return n.Digest.Until
	}
	return n.Event.Time
}
