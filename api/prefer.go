package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How long a caller waits for its answer by default, and at most.
const (
	defaultWait = 10 * time.Second
	maxWait     = 60 * time.Second
)

// preference is what a Prefer header (RFC 7240) asks for, as far as it was understood.
type preference struct {
	wait    time.Duration
	applied string // for Preference-Applied; empty if no preference is applied
}

// joinPrefer joins all Prefer lines into one, which means the same (RFC 7240 §2). huma reads only the first line.
func joinPrefer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lines := r.Header.Values("Prefer"); len(lines) > 1 {
			r.Header.Set("Prefer", strings.Join(lines, ","))
		}
		next.ServeHTTP(w, r)
	})
}

// readPrefer never fails: an invalid preference is not applied, as the RFC says. With respond-async and wait together, the
// answer is waited for that long (RFC 7240 §4.3). respond-async alone does not wait.
func readPrefer(header string) preference {
	wait, hasWait, async := time.Duration(0), false, false
	for token := range strings.SplitSeq(header, ",") {
		token, _, _ = strings.Cut(token, ";")
		name, value, _ := strings.Cut(token, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "respond-async":
			async = true
		case "wait":
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err == nil && !hasWait {
				wait, hasWait = min(time.Duration(seconds)*time.Second, maxWait), true
			}
		}
	}
	switch {
	case hasWait:
		return preference{wait: wait, applied: "wait=" + strconv.Itoa(int(wait.Seconds()))}
	case async:
		return preference{applied: "respond-async"}
	default:
		return preference{wait: defaultWait}
	}
}
