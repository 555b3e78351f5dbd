package channeltest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Accepted is a message that a fake has accepted, as its provider would have.
type Accepted struct {
	Number  int    // of the accepted messages, counted from 1
	Key     string // by which the provider recognizes a repeated message; empty if its form has no key
	ID      string // given and returned by the provider; empty if it gives none
	To      string // a number, or an endpoint's path
	AlertID string // named in the body or by a link in the text; empty if there is none
	Text    string
	Body    []byte
	At      time.Time
	Repeat  bool // the key was accepted before
}

// Fake is what all fake providers have in common. It is safe for concurrent use, and may be changed while it serves.
type Fake struct {
	form form

	mu         sync.Mutex // guards all fields below
	requests   int
	accepted   []Accepted
	keys       map[string]bool
	violations []string
	script     func(n int, r *http.Request) Answer
	onAccepted func(Accepted)
}

// form holds what differs between providers.
type form interface {
	// read parses a request into a message. Its error says what breaks the form.
	read(r *http.Request, body []byte) (Accepted, error)
	// busy reports whether the provider postpones the message, and with which answer.
	busy(message Accepted, earlier []Accepted) (Answer, bool)
	// id returns the provider's id of the n-th message that it accepts.
	id(n int) string
	yes(message Accepted) Answer
	no(fault error) Answer
}

// Script sets the function that decides how the n-th request, counted from 1, is answered. If it is nil, the fake
// answers all as the provider would. Requests that break the form are rejected before.
func (f *Fake) Script(script func(n int, r *http.Request) Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = script
}

// OnAccepted sets a function that is called with each accepted message before it is answered. By killing the sender in
// it, a test makes the sender lose the answer.
func (f *Fake) OnAccepted(call func(Accepted)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onAccepted = call
}

// Accepted returns the accepted messages, each as often as it was accepted.
func (f *Fake) Accepted() []Accepted {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.accepted)
}

// Requests returns the number of requests, accepted or not.
func (f *Fake) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

// Violations returns the requests that broke the provider's form, each with what was wrong. Tests expect none.
func (f *Fake) Violations() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.violations)
}

// maxRequest bounds how much of a request is read. A digest of a thousand alerts has less than half a megabyte.
const maxRequest = 8 << 20

// ServeHTTP checks a request and answers it as the script decides, or else as the provider would.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, script := f.arrive()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return // the sender is gone
	}
	message, err := f.form.read(r, body)
	if err != nil {
		f.violated(fmt.Sprintf("request %d: %s %s: %v", number, r.Method, r.URL.Path, err))
		f.form.no(err).write(w)
		return
	}
	message.Body = body
	answer := Answer{}
	if script != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer = script(number, r)
	}
	if !answer.wait(r) || !answer.takes() {
		answer.write(w)
		return
	}
	f.take(w, message, answer)
}

func (f *Fake) arrive() (number int, script func(int, *http.Request) Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	return f.requests, f.script
}

func (f *Fake) violated(fault string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.violations = append(f.violations, fault)
}

// take stores a message, unless the provider is busy, and answers.
func (f *Fake) take(w http.ResponseWriter, message Accepted, answer Answer) {
	message, busy, onAccepted := f.keep(message)
	if busy != nil {
		busy.write(w)
		return
	}
	if onAccepted != nil {
		onAccepted(message)
	}
	if answer.Cut == NotCut && answer.Status == 0 {
		answer = f.form.yes(message)
	}
	answer.write(w)
}

func (f *Fake) keep(message Accepted) (kept Accepted, busy *Answer, onAccepted func(Accepted)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if answer, busy := f.form.busy(message, f.accepted); busy {
		return message, &answer, nil
	}
	message.Number, message.At = len(f.accepted)+1, time.Now()
	message.ID = f.form.id(message.Number)
	if message.Key != "" {
		message.Repeat = f.keys[message.Key]
		f.keys[message.Key] = true
	}
	f.accepted = append(f.accepted, message)
	return message, nil, f.onAccepted
}
