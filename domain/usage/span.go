package usage

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

// units are those that a span is written in, the largest first.
var units = []struct {
	letter string
	length time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}}

var span = regexp.MustCompile(`^([1-9][0-9]{0,5})([dhm])$`)

// ParseSpan reads a length of time as rules write it: whole minutes, hours or days, such as "10m", "24h" or "30d".
func ParseSpan(text string) (time.Duration, error) {
	parts := span.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("%q must be whole minutes, hours or days, such as \"10m\", \"24h\" or \"30d\"", text)
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, fmt.Errorf("read %q: %w", text, err)
	}
	for _, unit := range units {
		if unit.letter != parts[2] {
			continue
		}
		if time.Duration(number) > math.MaxInt64/unit.length {
			return 0, fmt.Errorf("%q is longer than can be reckoned with: at most %d%s", text, math.MaxInt64/unit.length, unit.letter)
		}
		return time.Duration(number) * unit.length, nil
	}
	return 0, fmt.Errorf("%q has no unit", text)
}

// FormatSpan writes a length of whole minutes in the largest unit that it is a whole number of: 24h is "1d".
func FormatSpan(d time.Duration) string {
	for _, unit := range units {
		if d%unit.length == 0 {
			return fmt.Sprintf("%d%s", d/unit.length, unit.letter)
		}
	}
	return d.String()
}
