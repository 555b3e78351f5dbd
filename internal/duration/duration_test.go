package duration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dummyorders/internal/duration"
)

// The text leaves zeros out.
func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "24h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s", 20 * time.Second: "20s",
		time.Hour + time.Second: "1h0m1s", 0: "0s", 10 * time.Hour: "10h",
	} {
		assert.Equal(t, want, duration.Short(d), "%v", d)
	}
}
