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

// A server that does not greet within dialTimeout is away. One that has begun to take a message may need minutes to
// accept it, and giving up earlier sends the message again and again (RFC 5321 §4.5.3.2.6).
const (
	dialTimeout = 30 * time.Second
	sendTimeout = 10 * time.Minute
)

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

// Channel delivers to one address at a time, so that a mailbox that is refused holds up no other.
type Channel struct {
	server  Server
	client  *mail.Client
	from    string
	subject string
}

// New checks the settings; it connects to nothing yet.
func New(server Server, from, subject string) (*Channel, error) {
	options := []mail.Option{mail.WithPort(server.Port), mail.WithTimeout(sendTimeout), mail.WithoutNoop(), mail.WithoutRset()}
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
	if err := mail.NewMsg().From(from); err != nil {
		return nil, fmt.Errorf("mail from %q: %w", from, err)
	}
	return &Channel{server: server, client: client, from: from, subject: subject}, nil
}

// Deliver returns nil once the server has taken the message. The server's 5xx to the receiver's address or to the
// message is final; whatever goes wrong before it has seen them, a wrong or a missing password among it, is not:
// somebody may mend that.
func (c *Channel) Deliver(ctx context.Context, to string, event alert.Event) error {
	message, err := c.message(to, event)
	if err != nil {
		return err
	}
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	connection, err := c.client.DialToSMTPClientWithContext(dialing)
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
	if errors.As(err, &refusal) && refusal.ErrorCode()/100 == 5 && refusal.Reason != mail.ErrSMTPMailFrom {
		return &alert.RefusedError{By: "mail server " + c.server.Host, Cause: err}
	}
	return fmt.Errorf("hand mail to %s: %w", c.server.Host, err)
}
