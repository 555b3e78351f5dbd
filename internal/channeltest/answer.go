package channeltest

import (
	"io"
	"maps"
	"net/http"
	"time"
)

// Answer is how a fake answers a request. The zero Answer is that it takes the message and says so, as its provider does.
type Answer struct {
	// Status other than 0 is said instead; the message is taken if it is one of 2xx.
	Status int
	Header http.Header
	Body   string
	// Raw is written instead of an answer of HTTP, and the connection cut. Nothing is taken.
	Raw string
	// Delay goes before all else. If the sender is gone by then, nothing is taken.
	Delay time.Duration
	Cut   Cut
}

// Cut is whether the connection breaks instead of an answer.
type Cut int

// The ways. The sender cannot tell CutBefore, by which nothing is taken, from CutAfter, by which the message is.
const (
	NotCut Cut = iota
	CutBefore
	CutAfter
)

func (a Answer) takes() bool {
	return a.Raw == "" && a.Cut != CutBefore && (a.Status == 0 || a.Status/100 == 2)
}

// wait says whether the sender is still there after the delay.
func (a Answer) wait(r *http.Request) bool {
	if a.Delay == 0 {
		return true
	}
	select {
	case <-time.After(a.Delay):
		return true
	case <-r.Context().Done():
		return false
	}
}

func (a Answer) write(w http.ResponseWriter) {
	if a.Cut != NotCut {
		panic(http.ErrAbortHandler)
	}
	if a.Raw != "" {
		writeRaw(w, a.Raw)
		return
	}
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // whoever is gone has no use for it
}

func writeRaw(w http.ResponseWriter, text string) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(connection, text)
	_ = connection.Close()
}

// says makes an answer with a body of the media type.
func says(status int, mediaType, body string) Answer {
	return Answer{Status: status, Header: http.Header{"Content-Type": {mediaType}}, Body: body}
}
