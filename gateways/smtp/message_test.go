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

	"github.com/google/go-cmp/cmp"

	"dummyorders/domain/alert"
	"dummyorders/gateways/smtp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAMailSaysWhatHappenedInTextAndInHTML(t *testing.T) {
	for name, c := range said() {
		t.Run(name, func(t *testing.T) {
			message := mailed(t, c.event)
			subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
			must(t, err)
			if want := "Transaction Fraud Alert: " + c.subject; subject != want {
				t.Errorf("subject %q, want %q", subject, want)
			}
			if got, want := message.Header.Get("Message-ID"), "<"+c.event.ID+"@orders>"; got != want {
				t.Errorf("Message-ID %q, want %q: a mail sent twice must be known as one", got, want)
			}
			for kind, text := range parts(t, message) {
				golden(t, name+map[string]string{"text/plain": ".txt", "text/html": ".html"}[kind], text)
			}
		})
	}
}

func TestThereAreWordsForEveryType(t *testing.T) {
	told := map[alert.Type]bool{}
	for _, c := range said() {
		told[c.event.Type] = true
	}
	for _, eventType := range alert.Types {
		if !told[eventType] {
			t.Errorf("no mail about %s was looked at", eventType)
		}
	}
}

// Scripts find the transaction by this line.
func TestEveryMailHasALineForItsTransaction(t *testing.T) {
	for name, c := range said() {
		text := parts(t, mailed(t, c.event))["text/plain"]
		if line := "\nTransaction  " + c.event.Data.TransactionID + "\n"; !strings.Contains(text, line) {
			t.Errorf("%s: the line %q is missing: %s", name, line, text)
		}
	}
}

func TestACommandInAMailCannotBeBrokenOutOf(t *testing.T) {
	event := reviewRequested()
	event.Data.TransactionID = "1'; rm -rf / #"
	text := parts(t, mailed(t, event))["text/plain"]
	if want := "'https://orders.example.com/transactions/1%27%3B%20rm%20-rf%20%2F%20%23/review'"; !strings.Contains(text, want) {
		t.Errorf("the command is not %s: %s", want, text)
	}
}

// mailed is the message that a mail server gets for an event.
func mailed(t *testing.T, event alert.Event) *mail.Message {
	t.Helper()
	m := &mailServer{security: smtp.Plain}
	must(t, channel(t, m.start(t)).Deliver(t.Context(), receiver, event))
	message, err := mail.ReadMessage(strings.NewReader(m.received()[0]))
	must(t, err)
	return message
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
