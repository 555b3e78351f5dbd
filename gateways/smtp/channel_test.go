package smtp_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	server "github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/smtp"
)

const receiver = "fraud-team@example.com"

func channel(t *testing.T, s smtp.Server) *smtp.Channel {
	t.Helper()
	c, err := smtp.New(s, "orders@example.com")
	require.NoError(t, err)
	return c
}

func TestDeliverWithEachSecurity(t *testing.T) {
	for _, security := range []smtp.Security{smtp.Plain, smtp.StartTLS, smtp.Implicit} {
		t.Run(string(security), func(t *testing.T) {
			m := &mailServer{security: security}
			delivered(t, channel(t, m.start(t)))
			require.Len(t, m.received(), 1)
		})
	}
}

// A refusal is final and everything else is not.
func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		server  *mailServer
		refused bool
	}{
		"the mailbox does not exist":      {&mailServer{rcpt: &server.SMTPError{Code: 550, Message: "no such mailbox"}}, true},
		"the sender must log in first":    {&mailServer{from: &server.SMTPError{Code: 530, Message: "authentication required"}}, false},
		"the mailbox is busy":             {&mailServer{rcpt: &server.SMTPError{Code: 450, Message: "busy"}}, false},
		"the message is unwanted":         {&mailServer{data: &server.SMTPError{Code: 554, Message: "spam"}}, true},
		"the server has no room just now": {&mailServer{data: &server.SMTPError{Code: 452, Message: "no room"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			test.server.security = smtp.Plain
			_, err := channel(t, test.server.start(t)).Deliver(t.Context(), receiver, aMessage())
			require.Error(t, err)
			assert.Equal(t, test.refused, alert.IsRefused(err))
		})
	}
	t.Run("the server is away", func(t *testing.T) {
		s := (&mailServer{security: smtp.Plain}).start(t)
		s.Port = 1
		_, err := channel(t, s).Deliver(t.Context(), receiver, aMessage())
		require.Error(t, err)
		assert.False(t, alert.IsRefused(err))
	})
	for _, security := range []smtp.Security{smtp.StartTLS, smtp.Implicit} {
		t.Run("the password is wrong, "+string(security), func(t *testing.T) {
			s := (&mailServer{security: security, user: "orders", password: "right"}).start(t)
			s.Username, s.Password = "orders", "wrong"
			_, err := channel(t, s).Deliver(t.Context(), receiver, aMessage())
			require.Error(t, err)
			assert.False(t, alert.IsRefused(err))
			assert.NotContains(t, err.Error(), "wrong")
			s.Password = "right"
			delivered(t, channel(t, s))
		})
	}
}

// A message that was taken is delivered, however the connection ends.
func TestServerHangsUpAfterTaking(t *testing.T) {
	m := &mailServer{security: smtp.Plain, hangUp: true}
	delivered(t, channel(t, m.start(t)))
}

// Where STARTTLS is demanded and not offered, nothing is sent.
func TestStartTLSNotOffered(t *testing.T) {
	m := &mailServer{security: smtp.Plain}
	s := m.start(t)
	s.Security = smtp.StartTLS
	_, err := channel(t, s).Deliver(t.Context(), receiver, aMessage())
	require.Error(t, err)
	assert.False(t, alert.IsRefused(err))
	assert.Empty(t, m.received(), "sent in clear")
}

func TestNewRefusesWrongSettings(t *testing.T) {
	for name, channel := range map[string]func() (*smtp.Channel, error){
		"address": func() (*smtp.Channel, error) {
			return smtp.New(smtp.Server{Host: "localhost", Port: 25, Security: smtp.Plain}, "nobody")
		},
		"greeting": func() (*smtp.Channel, error) {
			return smtp.New(smtp.Server{Host: "localhost", Port: 25, Security: smtp.Plain, Greeting: "3f2a1b0c9d8e"}, "orders@example.com")
		},
		"security": func() (*smtp.Channel, error) {
			return smtp.New(smtp.Server{Host: "localhost", Port: 25, Security: "on"}, "orders@example.com")
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := channel()
			assert.Error(t, err, "accepted")
		})
	}
}

// The envelope is in ASCII as far as it can be.
func TestEnvelopeInASCII(t *testing.T) {
	const from = "MAIL orders@xn--lden-loa.example"
	for name, test := range map[string]struct {
		to      string
		utf8    bool // the server's offer
		heard   []string
		refused string
	}{
		"a domain":                            {"ada@BÜCHER.example", false, []string{from, "RCPT ada@xn--bcher-kva.example"}, ""},
		"a domain, where SMTPUTF8 is offered": {"ada@bücher.example", true, []string{from, "RCPT ada@xn--bcher-kva.example"}, ""},
		"ASCII, where SMTPUTF8 is offered":    {receiver, true, []string{from, "RCPT " + receiver}, ""},
		"a local part":                        {"zoë@bücher.example", true, []string{from, "SMTPUTF8", "RCPT zoë@xn--bcher-kva.example"}, ""},
		"a local part, without SMTPUTF8":      {"zoë@bücher.example", false, nil, "the server does not offer SMTPUTF8"},
		"a domain that is none":               {"ada@-ü.example", true, nil, `domain "-ü.example" has no ASCII form`},
	} {
		t.Run(name, func(t *testing.T) {
			m := &mailServer{security: smtp.Plain, utf8: test.utf8}
			s := m.start(t)
			s.Greeting = "Mail.example.com"
			c, err := smtp.New(s, "Zoë <orders@läden.example>")
			require.NoError(t, err)
			_, err = c.Deliver(t.Context(), test.to, aMessage())
			if test.refused != "" {
				assert.True(t, alert.IsRefused(err))
				require.ErrorContains(t, err, test.refused)
			} else {
				require.NoError(t, err)
				test.heard = append([]string{"EHLO mail.example.com"}, test.heard...)
			}
			assert.Empty(t, cmp.Diff(test.heard, m.commands()))
			for _, message := range m.received() {
				assert.Contains(t, message, "To: <"+strings.TrimPrefix(test.heard[len(test.heard)-1], "RCPT ")+">")
				assert.Contains(t, message, "From: =?utf-8?q?Zo=C3=AB?= <orders@xn--lden-loa.example>")
			}
		})
	}
	t.Run("a sender's local part, without SMTPUTF8", func(t *testing.T) {
		m := &mailServer{security: smtp.Plain}
		c, err := smtp.New(m.start(t), "zoë@example.com")
		require.NoError(t, err)
		_, err = c.Deliver(t.Context(), receiver, aMessage())
		require.Error(t, err)
		assert.False(t, alert.IsRefused(err))
		assert.ErrorContains(t, err, "sender's address zoë@example.com")
	})
}

// A machine without a full name greets by its address.
func TestGreeting(t *testing.T) {
	for hostname, want := range map[string]string{
		"3f2a1b0c9d8e": "", "localhost": "", "192.0.2.5": "", "my_host.example": "", "[192.0.2.5]": "", "": "",
		"app-1.example.com": "app-1.example.com", "App-1.Example.com.": "app-1.example.com",
	} {
		assert.Equal(t, want, smtp.OwnName(hostname, nil), hostname)
	}
	m := &mailServer{security: smtp.Plain}
	c := channel(t, m.start(t))
	c.Unnamed()
	delivered(t, c)
	if heard := m.commands()[0]; heard != "EHLO [127.0.0.1]" && heard != "EHLO [IPv6:::1]" {
		t.Error(heard)
	}
}

// script starts a server that takes one connection. It greets and answers commands as answers says, and no others. hungUp is
// closed when the other side has hung up.
func script(t *testing.T, answers map[string]string) (s smtp.Server, hungUp <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served, over := make(chan struct{}), t.Context()
	go func() {
		defer close(served)
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		context.AfterFunc(over, func() { _ = connection.Close() })
		_, _ = io.WriteString(connection, answers["greeting"])
		for lines := bufio.NewScanner(connection); lines.Scan(); {
			word, _, _ := strings.Cut(lines.Text(), " ")
			_, _ = io.WriteString(connection, answers[word])
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-served })
	return smtp.Server{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Security: smtp.Plain}, served
}

// A server that does not answer QUIT delays the record of the delivery no longer than a moment.
func TestServerNeverAnswersQuit(t *testing.T) {
	s, _ := script(t, map[string]string{
		"greeting": "220 ready\r\n", "EHLO": "250 hello\r\n", "MAIL": "250 ok\r\n", "RCPT": "250 ok\r\n", "DATA": "354 go\r\n", ".": "250 2.0.0 OK\r\n",
	})
	begun := time.Now()
	delivered(t, channel(t, s))
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it was recorded after %s", took)
	}
}

// A server that stops answering before it is handed a message delays its caller no longer than the caller waits, and the connection
// closes, also if the server does not offer what is needed.
func TestConnectingEnds(t *testing.T) {
	const (
		greeted, hello = "220 ready\r\n", "250 hello\r\n"
		auth, startTLS = "250-hello\r\n250 AUTH CRAM-MD5\r\n", "250-hello\r\n250 STARTTLS\r\n"
	)
	for name, test := range map[string]struct {
		security smtp.Security
		answers  map[string]string
		stalls   bool
	}{
		"no greeting":           {smtp.Plain, nil, true},
		"no greeting, implicit": {smtp.Implicit, nil, true},
		"no answer to EHLO":     {smtp.Plain, map[string]string{"greeting": greeted}, true},
		"no answer to STARTTLS": {smtp.StartTLS, map[string]string{"greeting": greeted, "EHLO": startTLS}, true},
		"no handshake":          {smtp.StartTLS, map[string]string{"greeting": greeted, "EHLO": startTLS, "STARTTLS": "220 go\r\n"}, true},
		"no answer to AUTH":     {smtp.Plain, map[string]string{"greeting": greeted, "EHLO": auth}, true},
		"no answer to MAIL":     {smtp.Plain, map[string]string{"greeting": greeted, "EHLO": auth, "AUTH": "235 ok\r\n"}, true},
		"EHLO is refused":       {smtp.Plain, map[string]string{"greeting": greeted, "EHLO": "554 no\r\n", "HELO": "554 no\r\n"}, false},
		"no STARTTLS":           {smtp.StartTLS, map[string]string{"greeting": greeted, "EHLO": hello}, false},
		"no AUTH":               {smtp.Plain, map[string]string{"greeting": greeted, "EHLO": hello}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, hungUp := script(t, test.answers)
			s.Security, s.Username, s.Password = test.security, "orders", "secret"
			ctx := t.Context()
			if test.stalls {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
			}
			begun := time.Now()
			_, err := channel(t, s).Deliver(ctx, receiver, aMessage())
			require.Error(t, err)
			assert.False(t, alert.IsRefused(err))
			assert.Equal(t, test.stalls, errors.Is(err, context.DeadlineExceeded), err)
			select {
			case <-hungUp:
			case <-time.After(15 * time.Second):
				t.Error("the connection is still open")
			}
			assert.Less(t, time.Since(begun), 20*time.Second)
		})
	}
}

func delivered(t *testing.T, c *smtp.Channel) {
	t.Helper()
	answer, err := c.Deliver(t.Context(), receiver, aMessage())
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(answer, "2.0.0 OK"), "the answer is %q, want the server's words", answer)
}
