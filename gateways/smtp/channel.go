// Package smtp delivers alerts as mail.
package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
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

// A server that does not greet within dialTimeout counts as unavailable. One that has begun to take a message may need
// minutes to accept it; giving up earlier would send the message again and again (RFC 5321 §4.5.3.2.6). Its answer to QUIT
// does not matter.
const (
	dialTimeout = 30 * time.Second
	sendTimeout = 10 * time.Minute
	quitTimeout = 3 * time.Second
)

// Security is how the connection is protected.
type Security string

// The values of SMTP_USE_TLS.
const (
	Plain    Security = "none"
	StartTLS Security = "starttls" // required, never optional: an attacker could remove the server's offer
	Implicit Security = "implicit"
)

// Server is the mail server to hand messages to.
type Server struct {
	Host               string
	Port               int
	Security           Security
	Username, Password string // empty for no authentication
	// Greeting is the name with which to greet the server, see mailaddress.Host. If it is empty, the machine's own name is
	// used if that is a full name, and else the machine's address on the route to the server, in brackets.
	Greeting string
}

// Channel delivers to one address at a time, so that a rejected mailbox does not delay others.
type Channel struct {
	server Server
	from   *mail.Address
}

// New checks the settings, and returns a Channel. It does not connect yet.
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

// ownName returns a machine's name if it can be a greeting, and else "": a container's name has no domain, and servers may
// reject a name that is not full (Postfix with reject_non_fqdn_helo_hostname).
func ownName(hostname string, err error) string {
	name, _ := mailaddress.Host(hostname)
	if err != nil || strings.HasPrefix(name, "[") {
		return ""
	}
	return name
}

func client(server Server, greeting string, options ...gomail.Option) (*gomail.Client, error) {
	options = append(options, gomail.WithPort(server.Port), gomail.WithTimeout(dialTimeout))
	if greeting != "" {
		options = append(options, gomail.WithHELO(greeting))
	}
	auth := gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover)
	switch server.Security {
	case Implicit:
		// dial makes the connection secure. The library does not see that, and would not log in with PLAIN or LOGIN of itself.
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
		auth = gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1PLUS,
			gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthNTLM, gomail.SMTPAuthCramMD5, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin)
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, fmt.Errorf("mail security %q: must be none, starttls or implicit", server.Security)
	}
	if server.Username != "" {
		options = append(options, auth, gomail.WithUsername(server.Username), gomail.WithPassword(server.Password))
	}
	made, err := gomail.NewClient(server.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: %w", server.Host, err)
	}
	return made, nil
}

// Deliver sends a message to the server, and returns the server's words if it took it. A 5xx to the receiver's address or
// to the message is final. A failure before the server has seen them, such as a wrong or missing password, is not: an
// operator may fix it.
func (c *Channel) Deliver(ctx context.Context, to string, message alert.Message) (string, error) {
	receiver, err := mailaddress.Parse(to)
	if err != nil {
		return "", &alert.RefusedError{By: "the mail channel", Cause: fmt.Errorf("mail to %q: %w", to, err)}
	}
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	connection, err := c.connect(ctx)
	if err != nil {
		return "", c.failure(ctx, "reach", err)
	}
	_ = connection.UpdateDeadline(sendTimeout) // if this fails the connection is lost, and the next command fails too
	answer, err := c.send(connection, receiver, c.letter(receiver, message))
	// The server keeps the message even if QUIT fails: to report that as a failure would send the mail twice.
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

// connect connects to the server, greets it, and logs in. The connection closes when ctx ends: the library heeds ctx only while it
// dials, and leaves a connection open on which the greeting or the login fails.
func (c *Channel) connect(ctx context.Context) (*smtp.Client, error) {
	greeting := c.server.Greeting
	if greeting == "" {
		var err error
		if greeting, err = c.ownAddress(ctx); err != nil {
			return nil, err
		}
	}
	greeter, err := client(c.server, greeting, gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
		connection, err := c.server.dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = connection.Close() })
		}
		return connection, err
	}))
	if err != nil {
		return nil, err
	}
	return greeter.DialToSMTPClientWithContext(ctx)
}

func (s Server) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.Security == Implicit {
		return (&tls.Dialer{}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// ownAddress returns this machine's address on the route to the server, in brackets. Dialing UDP sends nothing.
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

// send sends the message over a connection. It requests SMTPUTF8 only if an address needs it: the server could not relay
// the message to one that lacks it (RFC 6531 §3.4). Its error is an alert.RefusedError if the server's rejection is final.
func (c *Channel) send(connection *smtp.Client, to *mail.Address, letter *gomail.Msg) (answer string, err error) {
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
		_ = connection.Text.Close() // any further command would end the message, and the server would take half of it
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

// withoutUTF8 returns the error for an address that needs SMTPUTF8. It is final for the receiver's address, but not for the
// sender's, which is a setting.
func (c *Channel) withoutUTF8(to *mail.Address) error {
	const why = "address %s has characters before the @ that are not ASCII, and the server does not offer SMTPUTF8 (RFC 6531), which they need"
	if !mailaddress.ASCII(c.from.Address) {
		return fmt.Errorf("sender's "+why, c.from.Address)
	}
	return &alert.RefusedError{By: "mail server " + c.server.Host, Cause: fmt.Errorf(why, to.Address)}
}

// bare returns an address without a name, in the envelope's form.
func bare(address *mail.Address) string {
	return (&mail.Address{Address: address.Address}).String()
}

// classify returns an alert.RefusedError if the server rejected the receiver's address or the message for good, and else an
// error that may be temporary.
func (c *Channel) classify(said string, err error) error {
	if answer, is := errors.AsType[*textproto.Error](err); is && answer.Code/100 == 5 {
		return &alert.RefusedError{By: "mail server " + c.server.Host, Cause: errors.New(oneLine(said + ": " + err.Error()))}
	}
	return fmt.Errorf("%s: %w", said, err)
}

// failure returns an error with the server's words cut short, because a workflow's history records them.
func (c *Channel) failure(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s mail server %s:%d: %w", doing, c.server.Host, c.server.Port, ctx.Err())
	}
	return fmt.Errorf("%s mail server %s:%d: %s", doing, c.server.Host, c.server.Port, oneLine(err.Error()))
}

// longestWords is how many characters of a server's words are kept.
const longestWords = 300

func oneLine(text string) string {
	return safetext.Cut(safetext.Line(text), longestWords, "…")
}
