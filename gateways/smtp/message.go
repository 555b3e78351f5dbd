package smtp

import (
	"net/mail"

	gomail "github.com/wneessen/go-mail"

	"dummyorders/domain/alert"
)

// letter returns the mail for a message, dated now. Its Message-ID is the same for the same message: mailboxes can recognize a
// mail that had to be sent twice.
func (c *Channel) letter(to *mail.Address, message alert.Message) *gomail.Msg {
	m := gomail.NewMsg()
	m.SetAddrHeaderFromMailAddress(gomail.HeaderFrom, c.from)
	m.SetAddrHeaderFromMailAddress(gomail.HeaderTo, to)
	m.Subject(message.Subject)
	m.SetMessageIDWithValue(message.Key + "@orders")
	m.SetGenHeader("X-Alert-ID", message.Notice.ID)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	m.SetDate()
	m.SetBodyString(gomail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, message.HTML)
	}
	return m
}
