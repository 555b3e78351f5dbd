package channeltest

import (
	"io"
	"maps"
	"net/http"
	"time"
)

// Answer is how a fake answers a request. The zero Answer accepts the message and says so, as the provider does.
type Answer struct {
	// Status, unless 0, is the status of the answer. The message is accepted if it is a 2xx.
	Status int
	Header http.Header
	Body   string
	// Raw is written in place of an HTTP answer, and the connection is cut. The message is not accepted.
	Raw string
	// Delay comes before everything else. If the sender is gone by then, the message is not accepted.
	Delay time.Duration
	Cut   Cut
}

// Cut says whether the connection breaks instead of an answer.
type Cut int

// These are the ways. The sender cannot tell CutBefore, in which the message is not accepted, from CutAfter, in which
// it is.
const (
	NotCut Cut = iota
	CutBefore
	CutAfter
)

func (a Answer) takes() bool {
	return a.Raw == "" && a.Cut != CutBefore && (a.Status == 0 || a.Status/100 == 2)
}

// wait waits for the delay and reports whether the sender is still there after it.
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
	_, _ = io.WriteString(w, a.Body) // the sender may be gone, and then needs no answer
}

func writeRaw(w http.ResponseWriter, text string) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(connection, text)
	_ = connection.Close()
}

// says returns an answer with a body of the media type.
func says(status int, mediaType, body string) Answer {
	return Answer{Status: status, Header: http.Header{"Content-Type": {mediaType}}, Body: body}
}
