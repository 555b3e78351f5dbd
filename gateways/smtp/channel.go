// Package smtp delivers alerts as mail.
package smtp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wneessen/go-mail"

	"dummyorders/domain/alert"
)

// timeout bounds each step of the conversation with the mail server. The whole should fit a delivery's half minute.
const timeout = 10 * time.Second

// Security is how the connection is protected.
type Security string

// The ways, in the words of SMTP_USE_TLS.
const (
	Plain    Security = "none"
	StartTLS Security = "starttls" // demanded, never optional: an attacker could strip the offer
	Implicit Security = "implicit"
)

// Server is the mail server to hand messages to.
type Server struct {
	Host               string
	Port               int
	Security           Security
	Username, Password string // none: no authentication
}

// Channel delivers to one address, so that a mailbox that is refused holds up no other.
type Channel struct {
	server  Server
	client  *mail.Client
	from    string
	to      string
	subject string
}

// New checks the addresses and the server's settings; it connects to nothing yet.
func New(server Server, from, to, subject string) (*Channel, error) {
	options := []mail.Option{mail.WithPort(server.Port), mail.WithTimeout(timeout), mail.WithoutNoop(), mail.WithoutRset()}
	switch server.Security {
	case Implicit:
		options = append(options, mail.WithSSL())
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("mail security %q: must be none, starttls or implicit", server.Security)
	}
	if server.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(server.Username), mail.WithPassword(server.Password))
	}
	client, err := mail.NewClient(server.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: %w", server.Host, err)
	}
	c := &Channel{server: server, client: client, from: from, to: to, subject: subject}
	if _, err := c.message(alert.Event{}); err != nil {
		return nil, err
	}
	return c, nil
}

// Deliver returns nil once the server has taken the message. The server's 5xx to a message or an address is final;
// whatever goes wrong before it has seen them, a wrong password among it, is not: somebody may mend that.
func (c *Channel) Deliver(ctx context.Context, event alert.Event) error {
	message, err := c.message(event)
	if err != nil {
		return err
	}
	connection, err := c.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("reach mail server %s:%d: %w", c.server.Host, c.server.Port, err)
	}
	err = c.client.SendWithSMTPClient(connection, message)
	// Once the server has taken the message, nothing that goes wrong with the farewell makes it untaken: to call that
	// a failure would send the mail twice.
	_ = c.client.CloseWithSMTPClient(connection)
	if err == nil || message.IsDelivered() {
		return nil
	}
	return c.classify(err)
}

func (c *Channel) classify(err error) error {
	var refusal *mail.SendError
	if errors.As(err, &refusal) && refusal.ErrorCode()/100 == 5 {
		return &alert.RefusedError{By: "mail server " + c.server.Host, Cause: err}
	}
	return fmt.Errorf("hand mail to %s: %w", c.server.Host, err)
}
