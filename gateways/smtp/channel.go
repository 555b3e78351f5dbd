// Package smtp delivers alerts as mail.
package smtp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"dummyorders/domain/alert"
	"dummyorders/internal/mailaddress"
	"dummyorders/internal/safetext"
)

// A server that does not greet within dialTimeout is away. One that has begun to take a message may need minutes to
// accept it, and giving up earlier sends the message again and again (RFC 5321 §4.5.3.2.6). Its farewell changes nothing.
const (
	dialTimeout = 30 * time.Second
	sendTimeout = 10 * time.Minute
	quitTimeout = 3 * time.Second
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
	// Greeting is the name by which it is greeted, see mailaddress.Host. Empty, it is this machine's where that is a full
	// name, and else this machine's address on the way to the server, in brackets.
	Greeting string
}

// Channel delivers to one address at a time, so that a mailbox that is refused holds up no other.
type Channel struct {
	server Server
	from   *mail.Address
}

// New checks the settings; it connects to nothing yet.
func New(server Server, from string) (*Channel, error) {
	sender, err := mailaddress.Parse(from)
	if err != nil {
		return nil, fmt.Errorf("mail from %q: %w", from, err)
	}
	if server.Host, err = mailaddress.Domain(server.Host); err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	if server.Greeting == "" {
		server.Greeting = ownName(os.Hostname())
	} else if name, ok := mailaddress.Host(server.Greeting); ok {
		server.Greeting = name
	} else {
		return nil, fmt.Errorf("mail greeting %q: must be a full name or an address in brackets", server.Greeting)
	}
	if _, err := client(server, server.Greeting); err != nil {
		return nil, err
	}
	return &Channel{server: server, from: sender}, nil
}

// ownName is a machine's name where it can be a greeting, and else empty: a container's name has no domain, and servers may
// refuse one that is not full (Postfix by reject_non_fqdn_helo_hostname).
func ownName(hostname string, err error) string {
	name, _ := mailaddress.Host(hostname)
	if err != nil || strings.HasPrefix(name, "[") {
		return ""
	}
	return name
}

func client(server Server, greeting string) (*gomail.Client, error) {
	options := []gomail.Option{gomail.WithPort(server.Port), gomail.WithTimeout(dialTimeout)}
	if greeting != "" {
		options = append(options, gomail.WithHELO(greeting))
	}
	switch server.Security {
	case Implicit:
		options = append(options, gomail.WithSSL())
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, fmt.Errorf("mail security %q: must be none, starttls or implicit", server.Security)
	}
	if server.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(server.Username), gomail.WithPassword(server.Password))
	}
	made, err := gomail.NewClient(server.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: %w", server.Host, err)
	}
	return made, nil
}

// Deliver hands a message to the server, and returns the server's words when it took it. The server's 5xx to the
// receiver's address or to the message is final; whatever goes wrong before it has seen them, a wrong or a missing
// password among it, is not: somebody may mend that.
func (c *Channel) Deliver(ctx context.Context, to string, message alert.Message) (string, error) {
	receiver, err := mailaddress.Parse(to)
	if err != nil {
		return "", &alert.RefusedError{By: "the mail channel", Cause: fmt.Errorf("mail to %q: %w", to, err)}
	}
	connection, err := c.connect(ctx)
	if err != nil {
		return "", c.failure(ctx, "reach", err)
	}
	defer func() { _ = connection.Text.Close() }()
	hangUp := context.AfterFunc(ctx, func() { _ = connection.Text.Close() }) // the library waits for answers without an eye on ctx
	defer hangUp()
	_ = connection.UpdateDeadline(sendTimeout) // where it cannot be set the connection is gone, and the next command says so
	answer, err := c.hand(connection, receiver, c.letter(receiver, message))
	// Nothing that goes wrong with the farewell makes a message untaken: to call that a failure would send the mail twice.
	_ = connection.UpdateDeadline(quitTimeout)
	_ = connection.Quit()
	switch {
	case err == nil:
		return answer, nil
	case alert.IsRefused(err):
		return "", err
	}
	return "", c.failure(ctx, "hand the message to", err)
}

// connect goes as far as a login.
func (c *Channel) connect(ctx context.Context) (*smtp.Client, error) {
	greeting := c.server.Greeting
	if greeting == "" {
		var err error
		if greeting, err = c.ownAddress(ctx); err != nil {
			return nil, err
		}
	}
	greeter, err := client(c.server, greeting)
	if err != nil {
		return nil, err
	}
	return greeter.DialToSMTPClientWithContext(ctx)
}

// ownAddress is this machine's on the way to the server, in brackets. To dial UDP sends nothing.
func (c *Channel) ownAddress(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	way, err := (&net.Dialer{}).DialContext(ctx, "udp", net.JoinHostPort(c.server.Host, strconv.Itoa(c.server.Port)))
	if err != nil {
		return "", err
	}
	defer func() { _ = way.Close() }()
	own, is := way.LocalAddr().(*net.UDPAddr)
	if !is {
		return "", fmt.Errorf("find out this machine's address: %s is none", way.LocalAddr())
	}
	return mailaddress.Literal(own.AddrPort().Addr()), nil
}

// hand asks for SMTPUTF8 where an address needs it, and never else: the message could not be handed on to a server that
// lacks it (RFC 6531 §3.4). Its error is an alert.RefusedError where the server's no is final.
func (c *Channel) hand(connection *smtp.Client, to *mail.Address, letter *gomail.Msg) (answer string, err error) {
	needed := !mailaddress.ASCII(c.from.Address) || !mailaddress.ASCII(to.Address)
	connection.SkipSMTPUTF8(!needed)
	if offered, _ := connection.Extension("SMTPUTF8"); needed && !offered {
		return "", c.withoutUTF8(to)
	}
	if err := connection.Mail(bare(c.from)); err != nil {
		return "", fmt.Errorf("MAIL FROM: %w", err)
	}
	if err := connection.Rcpt(bare(to)); err != nil {
		return "", c.classify("RCPT TO", err)
	}
	body, err := connection.Data()
	if err != nil {
		return "", c.classify("DATA", err)
	}
	if _, err := letter.WriteTo(body); err != nil {
		_ = connection.Text.Close() // any further command would end the message, and the server would take the half of it
		return "", fmt.Errorf("write the message: %w", err)
	}
	if err := body.Close(); err != nil {
		return "", c.classify("message", err)
	}
	if said, is := body.(*smtp.DataCloser); is {
		answer = oneLine(said.ServerResponse())
	}
	return cmp.Or(answer, "accepted by "+c.server.Host), nil
}

// withoutUTF8 is final for the receiver's address, and not for the sender's, which is a setting.
func (c *Channel) withoutUTF8(to *mail.Address) error {
	const why = "address %s has characters before the @ that are not ASCII, and the server does not offer SMTPUTF8 (RFC 6531), which they need"
	if !mailaddress.ASCII(c.from.Address) {
		return fmt.Errorf("sender's "+why, c.from.Address)
	}
	return &alert.RefusedError{By: "mail server " + c.server.Host, Cause: fmt.Errorf(why, to.Address)}
}

// bare is an address without a name, as it stands in the envelope.
func bare(address *mail.Address) string {
	return (&mail.Address{Address: address.Address}).String()
}

// classify tells the server's final no to the receiver's address or to the message from what may pass.
func (c *Channel) classify(said string, err error) error {
	if answer, is := errors.AsType[*textproto.Error](err); is && answer.Code/100 == 5 {
		return &alert.RefusedError{By: "mail server " + c.server.Host, Cause: errors.New(oneLine(said + ": " + err.Error()))}
	}
	return fmt.Errorf("%s: %w", said, err)
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
	return safetext.Cut(safetext.Line(text), longestWords, "…")
}
