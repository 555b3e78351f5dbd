package smtp_test

import (
	"bytes"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	server "github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/gateways/smtp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const receiver = "fraud-team@example.com"

func anEvent() alert.Event {
	return alert.Event{
		ID: "8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21", Type: alert.FraudDetected, Subject: "1234",
		Time: time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC),
		Data: alert.Data{
			TransactionID: "0199c0de-0000-7000-8000-000000000001", OrderID: "1234", OrderName: "avengers 4 <spoilers> & more",
			PaymentMethod: "amazonpay", Card: "123456******4321", Amount: "250000.00", Currency: "INR",
			Decision: fraud.Decision{
				Outcome: fraud.Decline, Score: 90, RiskLevel: fraud.HighestRisk,
				Reasons: []fraud.Reason{{Code: "AMOUNT_OVER_LIMIT", Message: "INR 250000.00 is above the limit of INR 200000.00"}},
			},
			Link: "http://localhost:8233/namespaces/default/workflows/transaction-0199c0de-0000-7000-8000-000000000001",
		},
	}
}

func channel(t *testing.T, s smtp.Server) *smtp.Channel {
	t.Helper()
	c, err := smtp.New(s, "orders@example.com", "Transaction Fraud Alert")
	must(t, err)
	return c
}

func TestAMailIsDeliveredHoweverTheConnectionIsProtected(t *testing.T) {
	for _, security := range []smtp.Security{smtp.Plain, smtp.StartTLS, smtp.Implicit} {
		t.Run(string(security), func(t *testing.T) {
			m := &mailServer{security: security}
			must(t, channel(t, m.start(t)).Deliver(t.Context(), receiver, anEvent()))
			if got := len(m.received()); got != 1 {
				t.Fatalf("%d messages, want 1", got)
			}
		})
	}
}

func TestAMailSaysWhatHappenedInTextAndInHTML(t *testing.T) {
	for name, outcome := range map[string]fraud.Outcome{"declined": fraud.Decline, "for-review": fraud.Review, "not-evaluated": fraud.NotEvaluated} {
		t.Run(name, func(t *testing.T) {
			m, event := &mailServer{security: smtp.Plain}, anEvent()
			event.Data.Decision.Outcome = outcome
			must(t, channel(t, m.start(t)).Deliver(t.Context(), receiver, event))
			message, err := mail.ReadMessage(strings.NewReader(m.received()[0]))
			must(t, err)
			if got, want := message.Header.Get("Subject"), "Transaction Fraud Alert: order 1234, INR 250000.00"; got != want {
				t.Errorf("subject %q, want %q", got, want)
			}
			if got, want := message.Header.Get("Message-ID"), "<"+event.ID+"@orders>"; got != want {
				t.Errorf("Message-ID %q, want %q: a mail sent twice must be known as one", got, want)
			}
			for kind, text := range parts(t, message) {
				golden(t, name+map[string]string{"text/plain": ".txt", "text/html": ".html"}[kind], text)
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
			err := channel(t, test.server.start(t)).Deliver(t.Context(), receiver, anEvent())
			if err == nil || alert.IsRefused(err) != test.refused {
				t.Errorf("refused is %v, want %v: %v", alert.IsRefused(err), test.refused, err)
			}
		})
	}
	t.Run("the server is away", func(t *testing.T) {
		s := (&mailServer{security: smtp.Plain}).start(t)
		s.Port = 1
		if err := channel(t, s).Deliver(t.Context(), receiver, anEvent()); err == nil || alert.IsRefused(err) {
			t.Error(err)
		}
	})
	t.Run("the password is wrong", func(t *testing.T) {
		s := (&mailServer{security: smtp.StartTLS, user: "orders", password: "right"}).start(t)
		s.Username, s.Password = "orders", "wrong"
		err := channel(t, s).Deliver(t.Context(), receiver, anEvent())
		if err == nil || alert.IsRefused(err) || strings.Contains(err.Error(), "wrong") {
			t.Error(err)
		}
		s.Password = "right"
		must(t, channel(t, s).Deliver(t.Context(), receiver, anEvent()))
	})
}

func TestAMessageThatWasTakenIsNotCalledAFailureForABadFarewell(t *testing.T) {
	m := &mailServer{security: smtp.Plain, hangUp: true}
	must(t, channel(t, m.start(t)).Deliver(t.Context(), receiver, anEvent()))
}

func TestNothingIsSentInClearWhereSTARTTLSIsDemandedAndNotOffered(t *testing.T) {
	m := &mailServer{security: smtp.Plain}
	s := m.start(t)
	s.Security = smtp.StartTLS
	if err := channel(t, s).Deliver(t.Context(), receiver, anEvent()); err == nil || alert.IsRefused(err) {
		t.Error(err)
	}
	if got := m.received(); len(got) > 0 {
		t.Errorf("sent in clear: %s", got)
	}
}

func TestWrongSettingsAreRefusedBeforeAnythingIsSent(t *testing.T) {
	for name, channel := range map[string]func() (*smtp.Channel, error){
		"address": func() (*smtp.Channel, error) {
			return smtp.New(smtp.Server{Host: "localhost", Port: 25, Security: smtp.Plain}, "nobody", "s")
		},
		"security": func() (*smtp.Channel, error) {
			return smtp.New(smtp.Server{Host: "localhost", Port: 25, Security: "on"}, "orders@example.com", "s")
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := channel(); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// parts are the alternatives of a message, by type.
func parts(t *testing.T, message *mail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("type %s: %v", kind, err)
	}
	found, reader := map[string]string{}, multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return found
		}
		must(t, err)
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		must(t, err)
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		must(t, err)
		found[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o750))
		must(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if diff := cmp.Diff(string(bytes.TrimSpace(want)), strings.TrimSpace(got)); diff != "" {
		t.Errorf("%s: %s", file, diff)
	}
}
