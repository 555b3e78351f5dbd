package smtp_test

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/gateways/smtp"
)

func aMessage() alert.Message {
	const id = "8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21"
	at := time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC)
	return alert.Message{
		Key: id + ".0123456789abcdef", Notice: alert.Notice{ID: id, Event: alert.Sample(alert.FraudDetected, "other", at)},
		Subject: "Alert: order 1234 declined, ₹ 123", Text: "Order 1234 of Zoë\ndeclined\n", HTML: "<p>Order 1234 of Zoë</p>\n",
	}
}

// A mail is the message in text and in HTML.
func TestMail(t *testing.T) {
	message := mailed(t, aMessage())
	header := map[string]string{
		"Message-ID": "<8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21.0123456789abcdef@orders>",
		"X-Alert-Id": "8d1c0a52-5f2e-5c0b-9a6e-0d8b7a3f4c21", "Auto-Submitted": "auto-generated",
		"To": "<fraud-team@example.com>", "From": "<orders@example.com>",
	}
	for name, want := range header {
		assert.Equal(t, want, message.Header.Get(name), name)
	}
	sent, err := message.Header.Date()
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), sent, time.Minute, "it is dated when it is sent, not when the event was")
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	require.NoError(t, err)
	assert.Equal(t, aMessage().Subject, subject)
	want := map[string]string{"text/plain": aMessage().Text, "text/html": aMessage().HTML}
	assert.Empty(t, cmp.Diff(want, parts(t, message)))
}

func TestMailWithoutHTML(t *testing.T) {
	plain := aMessage()
	plain.HTML = ""
	message := mailed(t, plain)
	kind := message.Header.Get("Content-Type")
	assert.True(t, strings.HasPrefix(kind, "text/plain"), "type %s", kind)
	text, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	require.NoError(t, err)
	assert.Equal(t, plain.Text, strings.ReplaceAll(string(text), "\r\n", "\n"))
}

func TestNoHeaderInjection(t *testing.T) {
	evil := aMessage()
	evil.Subject, evil.Key, evil.Notice.ID = "a\r\nBcc: x@example.com", "b\r\nBcc: x@example.com", "c\r\nBcc: x@example.com"
	assert.Empty(t, mailed(t, evil).Header.Get("Bcc"))
}

// mailed returns the message that a mail server receives.
func mailed(t *testing.T, message alert.Message) *mail.Message {
	t.Helper()
	m := &mailServer{security: smtp.Plain}
	_, err := channel(t, m.start(t)).Deliver(t.Context(), receiver, message)
	require.NoError(t, err)
	got, err := mail.ReadMessage(strings.NewReader(m.received()[0]))
	require.NoError(t, err)
	return got
}

// parts returns the alternatives of a message, by type.
func parts(t *testing.T, message *mail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	found, reader := map[string]string{}, multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return found
		}
		require.NoError(t, err)
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		require.NoError(t, err)
		found[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}
