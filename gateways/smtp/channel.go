// Package smtp delivers alerts as mail.
package smtp

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	greeter *mail.Client // as far as a login; its library bounds all of a connection by one time
	sender  *mail.Client
	from    string
}

// New checks the settings; it connects to nothing yet.
func New(server Server, from string) (*Channel, error) {
	greeter, err := client(server, dialTimeout)
	if err != nil {
		return nil, err
	}
	sender, err := client(server, sendTimeout)
	if err != nil {
		return nil, err
	}
	if err := mail.NewMsg().From(from); err != nil {
		return nil, fmt.Errorf("mail from %q: %w", from, err)
	}
	return &Channel{server: server, greeter: greeter, sender: sender, from: from}, nil
}

func client(server Server, timeout time.Duration) (*mail.Client, error) {
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
	made, err := mail.NewClient(server.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: %w", server.Host, err)
	}
	return made, nil
}

// Deliver hands a message to the server, and returns the server's words when it took it. The server's 5xx to the
// receiver's address or to the message is final; whatever goes wrong before it has seen them, a wrong or a missing
// password among it, is not: somebody may mend that.
func (c *Channel) Deliver(ctx context.Context, to string, message alert.Message) (string, error) {
	letter, err := c.letter(to, message)
	if err != nil {
		return "", err
	}
	connection, err := c.greeter.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return "", c.failure(ctx, "reach", err)
	}
	hangUp := context.AfterFunc(ctx, func() { _ = connection.Text.Close() }) // the library waits for answers without an eye on ctx
	defer hangUp()
	err = c.sender.SendWithSMTPClient(connection, letter)
	// Once the server has taken the message, nothing that goes wrong with the farewell makes it untaken: to call that
	// a failure would send the mail twice.
	_ = c.sender.CloseWithSMTPClient(connection)
	if err == nil || letter.IsDelivered() {
		return c.answer(letter), nil
	}
	return "", c.classify(ctx, err)
}

func (c *Channel) answer(letter *mail.Msg) string {
	if words := oneLine(letter.ServerResponse()); words != "" {
		return words
	}
	return "accepted by " + c.server.Host
}

func (c *Channel) classify(ctx context.Context, err error) error {
	var refusal *mail.SendError
	if errors.As(err, &refusal) && refusal.ErrorCode()/100 == 5 && refusal.Reason != mail.ErrSMTPMailFrom {
		return &alert.RefusedError{By: "mail server " + c.server.Host, Cause: errors.New(oneLine(err.Error()))}
	}
	return c.failure(ctx, "hand the message to", err)
}

// failure keeps a server's words short: they stand in a history.
func (c *Channel) failure(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s mail server %s:%d: %w", doing, c.server.Host, c.server.Port, ctx.Err())
	}
	return fmt.Errorf("%s mail server %s:%d: %s", doing, c.server.Host, c.server.Port, oneLine(err.Error()))
}

// longestWords is the most characters that are kept of what a server says.
const longestWords = 300

func oneLine(text string) string {
	words := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " "))
	return string(words[:min(len(words), longestWords)])
}
