package posting

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Another try is put off for no less and no more than this, whatever the other side wishes: an alert grows old.
const (
	soonest = time.Second
	latest  = time.Hour
)

// decimal is a number of seconds. RFC 9110 has whole ones alone, and some servers send fractions.
var decimal = regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)$`)

// RetryAfter reads the header of that name (RFC 9110 §10.2.3), which has seconds or a date. A fraction is rounded up: who
// asks sooner is counted against. It is given where it could be read; it is from a second to an hour then.
func RetryAfter(header string, now time.Time) (after time.Duration, given bool) {
	header = strings.TrimSpace(header)
	if decimal.MatchString(header) {
		seconds, _ := strconv.ParseFloat(header, 64) // of a number that is too large it is infinite
		after = time.Duration(math.Ceil(min(seconds, latest.Seconds()))) * time.Second
	} else if date, ok := readDate(header); ok {
		after = date.Sub(now)
	} else {
		return 0, false
	}
	return min(max(after, soonest), latest), true
}

// readDate takes the forms of RFC 9110 §5.6.7, and two others that are sent in their place.
func readDate(text string) (time.Time, bool) {
	if date, err := http.ParseTime(text); err == nil {
		return date, true
	}
	for _, form := range []string{time.RFC1123Z, time.RFC3339} {
		if date, err := time.Parse(form, text); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}
