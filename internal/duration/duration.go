// Package duration formats durations for people.
package duration

import (
	"strings"
	"time"
)

// Short formats a duration without the trailing zeros of its String: 24h, not 24h0m0s.
func Short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-len("0s")]
		}
	}
	return text
}
