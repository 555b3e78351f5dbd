package smtp_test

import (
	"strings"
	"testing"

	server "github.com/emersion/go-smtp"

	"dummyorders/domain/alert"
	"dummyorders/gateways/smtp"
)

const receiver = "fraud-team@example.com"

func channel(t *testing.T, s smtp.Server) *smtp.Channel {
	t.Helper()
	c, err := smtp.New(s, "orders@example.com")
	must(t, err)
	return c
}

func TestAMailIsDeliveredHoweverTheConnectionIsProtected(t *testing.T) {
	for _, security := range []smtp.Security{smtp.Plain, smtp.StartTLS, smtp.Implicit} {
		t.Run(string(security), func(t *testing.T) {
			m := &mailServer{security: security}
			delivered(t, channel(t, m.start(t)))
			if got := len(m.received()); got != 1 {
				t.Fatalf("%d messages, want 1", got)
			}
		})
	}
}

func TestARefusalIsFinalAndEverythingElseIsNot(t *testing.T) {
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
			if err == nil || alert.IsRefused(err) != test.refused {
				t.Errorf("refused is %v, want %v: %v", alert.IsRefused(err), test.refused, err)
			}
		})
	}
	t.Run("the server is away", func(t *testing.T) {
		s := (&mailServer{security: smtp.Plain}).start(t)
		s.Port = 1
		if _, err := channel(t, s).Deliver(t.Context(), receiver, aMessage()); err == nil || alert.IsRefused(err) {
			t.Error(err)
		}
	})
	t.Run("the password is wrong", func(t *testing.T) {
		s := (&mailServer{security: smtp.StartTLS, user: "orders", password: "right"}).start(t)
		s.Username, s.Password = "orders", "wrong"
		_, err := channel(t, s).Deliver(t.Context(), receiver, aMessage())
		if err == nil || alert.IsRefused(err) || strings.Contains(err.Error(), "wrong") {
			t.Error(err)
		}
		s.Password = "right"
		delivered(t, channel(t, s))
	})
}

func TestAMessageThatWasTakenIsNotCalledAFailureForABadFarewell(t *testing.T) {
	m := &mailServer{security: smtp.Plain, hangUp: true}
	delivered(t, channel(t, m.start(t)))
}

func TestNothingIsSentInClearWhereSTARTTLSIsDemandedAndNotOffered(t *testing.T) {
	m := &mailServer{security: smtp.Plain}
	s := m.start(t)
	s.Security = smtp.StartTLS
	if _, err := channel(t, s).Deliver(t.Context(), receiver, aMessage()); err == nil || alert.IsRefused(err) {
		t.Error(err)
	}
	if got := m.received(); len(got) > 0 {
		t.Errorf("sent in clear: %s", got)
	}
}

func TestWrongSettingsAreRefusedBeforeAnythingIsSent(t *testing.T) {
	for name, channel := range map[string]func() (*smtp.Channel, error){
		"address": func() (*smtp.Channel, error) {
			return smtp.New(smtp.Server{Host: "localhost", Port: 25, Security: smtp.Plain}, "nobody")
		},
		"security": func() (*smtp.Channel, error) {
			return smtp.New(smtp.Server{Host: "localhost", Port: 25, Security: "on"}, "orders@example.com")
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := channel(); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func delivered(t *testing.T, c *smtp.Channel) {
	t.Helper()
	answer, err := c.Deliver(t.Context(), receiver, aMessage())
	must(t, err)
	if !strings.HasPrefix(answer, "2.0.0 OK") {
		t.Errorf("the answer is %q, want the server's words", answer)
	}
}
