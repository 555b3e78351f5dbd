package posting

import (
	"fmt"
	"net/http"
	"time"

	"dummyorders/domain/alert"
)

// Answer is what the other side said.
type Answer struct {
	Status int
	Body   []byte // the beginning of it

	by         string
	retryAfter string
	secrets    []string
}

// String is the answer in a few words on one line: "410 Gone: channel_is_archived".
func (a Answer) String() string {
	status := fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
	if words := a.Quote(string(a.Body)); words != "" {
		return status + ": " + words
	}
	return status
}

// Taken says whether the other side took the message.
func (a Answer) Taken() bool {
	return a.Status/100 == 2
}

// Failure is what an answer means by which the message was not taken: an alert.RefusedError, an alert.LaterError, or
// another error where it may be tried again soon. words are the answer's, as String and Quote have them.
func (a Answer) Failure(words string) error {
	switch {
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly:
		return a.Again(words)
	case a.Status == http.StatusTooManyRequests, a.Status >= http.StatusInternalServerError:
		return a.later(words)
	case a.Status == http.StatusGone:
		return a.Refused(words + "; the endpoint is gone: remove it from the configuration")
	case a.Status/100 == 3:
		return a.Refused(words + "; redirects are not followed: set the address that this one leads to")
	case a.Status/100 == 4:
		return a.Refused(words)
	default:
		return a.Again(words)
	}
}

// Refused is the other side's final no.
func (a Answer) Refused(words string) error {
	return &alert.RefusedError{By: a.by, Cause: said(words)}
}

// Again is that the message was not taken, and may be another time.
func (a Answer) Again(words string) error {
	return fmt.Errorf("%s answered: %w", a.by, said(words))
}

func (a Answer) later(words string) error {
	if after, given := RetryAfter(a.retryAfter, time.Now()); given {
		return &alert.LaterError{By: a.by, After: after, Cause: said(words)}
	}
	return a.Again(words)
}

// said are the other side's words as an error.
type said string

// Error is what was said.
func (s said) Error() string { return string(s) }
