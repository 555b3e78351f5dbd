// Package duration writes spans of time for people.
package duration

import (
	"strings"
	"time"
)

// Short is a duration as people write it, without the zeros that its own String ends in: 24h, not 24h0m0s.
func Short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-len("0s")]
		}
	}
	return text
}
