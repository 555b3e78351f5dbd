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

// Accepted is a message that a fake has taken, as its provider would have.
type Accepted struct {
	Number  int    // of the messages taken, counted from 1
	Key     string // by which the provider knows a message that was sent twice; empty where its form has none
	ID      string // that the provider gave it, and answered with; empty where it gives none
	To      string // a number, or an endpoint's path
	AlertID string // that the body names, or a link in the text; empty where none does
	Text    string
	Body    []byte
	At      time.Time
	Repeat  bool // the key was taken before
}

// Fake is what the providers have in common. It is safe for use by several at once, and all may be changed while it
// serves.
type Fake struct {
	form form

	mu         sync.Mutex // of all below
	requests   int
	accepted   []Accepted
	keys       map[string]bool
	violations []string
	script     func(n int, r *http.Request) Answer
	onAccepted func(Accepted)
}

// form is what is a provider's own.
type form interface {
	// read makes a message of a request; its error says what breaks the form.
	read(r *http.Request, body []byte) (Accepted, error)
	// busy says whether the provider puts the message off, and how.
	busy(message Accepted, earlier []Accepted) (Answer, bool)
	// id is what the provider calls the n-th message that it takes.
	id(n int) string
	yes(message Accepted) Answer
	no(fault error) Answer
}

// Script decides how the n-th request, counted from 1, is answered; nil, all are as the provider would. Requests that
// break the form do not come so far.
func (f *Fake) Script(script func(n int, r *http.Request) Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = script
}

// OnAccepted is called with each message that was taken, before it is answered. Whoever kills the sender in it has made
// it lose the answer.
func (f *Fake) OnAccepted(call func(Accepted)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onAccepted = call
}

// Accepted are the messages taken, each as often as it was.
func (f *Fake) Accepted() []Accepted {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.accepted)
}

// Requests is how many have come, taken or not.
func (f *Fake) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

// Violations are the requests that were not of the provider's form, each with what was wrong. Tests want none.
func (f *Fake) Violations() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.violations)
}

// maxRequest bounds what is read of a request. A digest of a thousand alerts is less than half a megabyte.
const maxRequest = 8 << 20

// ServeHTTP checks a request, and answers it by the script, else as the provider would.
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

// take keeps a message, unless the provider is busy, and answers.
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
