package smtp

import (
	"net/mail"
	"time"

	gomail "github.com/wneessen/go-mail"

	"dummyorders/domain/alert"
)

// letter is the same for the same message, its Message-ID too: a mail that had to be sent twice is recognized as one by
// mailboxes that look.
func (c *Channel) letter(to *mail.Address, message alert.Message) *gomail.Msg {
	m := gomail.NewMsg()
	m.SetAddrHeaderFromMailAddress(gomail.HeaderFrom, c.from)
	m.SetAddrHeaderFromMailAddress(gomail.HeaderTo, to)
	m.Subject(message.Subject)
	m.SetMessageIDWithValue(message.Key + "@orders")
	m.SetGenHeader("X-Alert-ID", message.Notice.ID)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	m.SetDateWithValue(date(message.Notice))
	m.SetBodyString(gomail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, message.HTML)
	}
	return m
}

// date is when what the mail tells came about; of a digest its end, since its event was told before it.
func date(n alert.Notice) time.Time {
	if n.Digest != nil {
		return n.Digest.Until
	}
	return n.Event.Time
}
