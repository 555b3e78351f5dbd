package posting

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Another try is put off for no less and no more than this, whatever the other side wishes: an alert grows old.
const (
	soonest = time.Second
	latest  = time.Hour
)

// RetryAfter reads the header of that name (RFC 9110 §10.2.3), which has seconds or a date. It is given where it could
// be read; it is from a second to an hour then.
func RetryAfter(header string, now time.Time) (after time.Duration, given bool) {
	header = strings.TrimSpace(header)
	seconds, err := strconv.ParseUint(header, 10, 32)
	switch {
	case err == nil:
		after = time.Duration(seconds) * time.Second
	case errors.Is(err, strconv.ErrRange):
		after = latest
	default:
		date, err := http.ParseTime(header)
		if err != nil {
			return 0, false
		}
		after = date.Sub(now)
	}
	return min(max(after, soonest), latest), true
}
