package stack_test

import (
	"errors"
	"net/smtp"
	"os"
	"path/filepath"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

func startMail(t *testing.T, o stack.MailOptions) *stack.Mail {
	t.Helper()
	server, err := stack.StartMail(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop(t.Context()) })
	return server
}

const letter = "Subject: Transaction Fraud Alert\r\n\r\nLook at it.\r\n"

func send(server *stack.Mail, to ...string) error {
	return smtp.SendMail(server.Address(), nil, "orders@example.com", to, []byte(letter))
}

// A mail is kept as a file that holds the envelope.
func TestMailIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	server := startMail(t, stack.MailOptions{Dir: dir})
	require.NoError(t, send(server, "a@example.com", "b@example.com"))
	require.NoError(t, send(server, "c@example.com"))

	messages, err := server.Messages()
	require.NoError(t, err)
	require.Len(t, messages, 2)
	require.Equal(t, []string{"a@example.com", "b@example.com"}, messages[0].To)
	require.Equal(t, []string{"c@example.com"}, messages[1].To)
	require.Equal(t, "orders@example.com", messages[0].From)

	text, err := os.ReadFile(messages[0].File)
	require.NoError(t, err)
	require.Equal(t, "Return-Path: <orders@example.com>\r\nDelivered-To: a@example.com\r\nDelivered-To: b@example.com\r\n"+letter, string(text))
	unfinished, err := filepath.Glob(filepath.Join(dir, "*.part"))
	require.NoError(t, err)
	require.Empty(t, unfinished)
}

func TestMailStaysAfterRestart(t *testing.T) {
	dir := t.TempDir()
	server := startMail(t, stack.MailOptions{Dir: dir})
	require.NoError(t, send(server, "a@example.com"))
	require.NoError(t, server.Stop(t.Context()))
	require.Error(t, send(server, "lost@example.com"))
	require.NoError(t, server.Start())
	require.NoError(t, send(server, "b@example.com"))

	messages, err := server.Messages()
	require.NoError(t, err)
	require.Len(t, messages, 2)
	require.Equal(t, []string{"a@example.com"}, messages[0].To)
	require.Equal(t, []string{"b@example.com"}, messages[1].To)
}

// A mail server's answers can be scripted.
func TestMailAnswers(t *testing.T) {
	busy := &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 7, 1}, Message: "come back later"}
	for name, c := range map[string]struct {
		options stack.MailOptions
		answer  string
	}{
		"a recipient is refused": {stack.MailOptions{OnRecipient: func(to string) error {
			return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "nobody called " + to}
		}}, `550 "5.1.1 nobody called a@example.com"`},
		"a message is put off": {stack.MailOptions{OnData: func(from string, to []string, body []byte) error {
			if from == "orders@example.com" && len(to) == 1 && string(body) == letter {
				return busy
			}
			return errors.New("not what was sent")
		}}, `451 "4.7.1 come back later"`},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Dir = t.TempDir()
			server := startMail(t, c.options)
			require.ErrorContains(t, send(server, "a@example.com"), c.answer)
			messages, err := server.Messages()
			require.NoError(t, err)
			require.Empty(t, messages)
		})
	}
}

// A message is kept before its sender gets the answer.
func TestMailIsKeptBeforeAnswer(t *testing.T) {
	received := make(chan struct{})
	var server *stack.Mail
	server = startMail(t, stack.MailOptions{Dir: t.TempDir(), OnKept: func(m stack.Message) {
		defer close(received)
		messages, err := server.Messages()
		require.NoError(t, err)
		require.Equal(t, []stack.Message{m}, messages)
	}})
	require.NoError(t, send(server, "a@example.com"))
	<-received
}
