package smtp_test

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"sync"
	"testing"

	server "github.com/emersion/go-smtp"

	"dummyorders/gateways/smtp"
	"dummyorders/internal/channeltest"
)

func TestConformance(t *testing.T) {
	channeltest.Conformance(t, func(t *testing.T) channeltest.Subject {
		f := &far{gone: make(chan struct{}), mailServer: &mailServer{security: smtp.Plain}}
		f.meet = f.decide
		c := channel(t, f.start(t))
		t.Cleanup(func() { close(f.gone) }) // before the server is stopped
		return channeltest.Subject{Channel: c, To: receiver, Far: f, Keyed: true}
	})
}

// far is a mail server that behaves as the test sets it.
type far struct {
	*mailServer
	gone chan struct{} // closed at the end of the test

	state sync.Mutex
	how   channeltest.Behaviour
	asked int
}

var answers = map[channeltest.Behaviour]error{
	channeltest.Takes:         nil,
	channeltest.Refuses:       &server.SMTPError{Code: 554, Message: "unwanted"},
	channeltest.Gone:          &server.SMTPError{Code: 550, Message: "no such mailbox"},
	channeltest.Busy:          &server.SMTPError{Code: 450, Message: "busy"},
	channeltest.Fails:         &server.SMTPError{Code: 451, Message: "local error"},
	channeltest.FailsAtLength: &server.SMTPError{Code: 451, Message: strings.Repeat("a very long story ", 1<<10)},
	channeltest.CutsBefore:    errCut,
	channeltest.CutsAfter:     errCut,
	channeltest.Dawdles:       errCut,
}

// Behave returns false for behaviour that SMTP cannot express, such as a time to wait.
func (f *far) Behave(how channeltest.Behaviour) bool {
	f.state.Lock()
	defer f.state.Unlock()
	f.how = how
	_, known := answers[how]
	return known
}

func (f *far) decide(string) (taken bool, err error) {
	f.state.Lock()
	f.asked++
	how := f.how
	f.state.Unlock()
	if how == channeltest.Dawdles {
		<-f.gone
	}
	return how == channeltest.Takes || how == channeltest.CutsAfter, answers[how]
}

// Asked returns how many messages were offered.
func (f *far) Asked() int {
	f.state.Lock()
	defer f.state.Unlock()
	return f.asked
}

// Taken returns the messages, by their Message-ID.
func (f *far) Taken() []channeltest.Accepted {
	var all []channeltest.Accepted
	for i, raw := range f.received() {
		all = append(all, accepted(i, raw))
	}
	return all
}

func accepted(i int, raw string) channeltest.Accepted {
	a := channeltest.Accepted{Number: i + 1, To: receiver}
	message, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return a
	}
	a.Key = strings.TrimSuffix(strings.TrimPrefix(message.Header.Get("Message-ID"), "<"), "@orders>")
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return a
	}
	part, err := multipart.NewReader(message.Body, params["boundary"]).NextRawPart()
	if err != nil {
		return a
	}
	text, _ := io.ReadAll(quotedprintable.NewReader(part)) // the test notices what is missing
	a.Text = string(text)
	return a
}

// Violations returns none: the tests' server itself rejects what is not a mail.
func (f *far) Violations() []string { return nil }
