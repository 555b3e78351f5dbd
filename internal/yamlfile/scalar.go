package yamlfile

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"dummyorders/internal/duration"
)

// Is says whether the value is the word.
func (v *Value) Is(word string) bool {
	return v.IsScalar() && v.node.Value == word
}

// IsScalar says whether the value is there, and neither a mapping nor a list.
func (v *Value) IsScalar() bool {
	return v != nil && v.node.Kind == yaml.ScalarNode
}

// Text is a scalar as it was written, numbers too: nobody should have to put quotes around an order's id.
func (v *Value) Text() string {
	if v == nil {
		return ""
	}
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() == "!!null" {
		v.Fault("must be text")
		return ""
	}
	return v.node.Value
}

// Words is text that must not be empty or blank.
func (v *Value) Words() string {
	text := v.Text()
	if v != nil && v.node.Kind == yaml.ScalarNode && strings.TrimSpace(text) == "" && v.node.ShortTag() != "!!null" {
		v.Fault("must not be empty")
	}
	return text
}

// Whole is a whole number from least to most; outside of them, or absent, it is least or 0, whichever is greater.
func (v *Value) Whole(least, most int) int {
	if v == nil {
		return max(0, least)
	}
	number, err := strconv.Atoi(v.node.Value)
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!int" || err != nil || number < least || number > most {
		v.Fault("must be a whole number from %d to %d", least, most)
		return max(0, least)
	}
	return number
}

// Truth is true or false.
func (v *Value) Truth() bool {
	if v == nil {
		return false
	}
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!bool" {
		v.Fault("must be true or false")
	}
	return strings.EqualFold(v.node.Value, "true")
}

// Choice is one of the words.
func (v *Value) Choice(words ...string) string {
	text := v.Text()
	if v == nil || slices.Contains(words, text) {
		return text
	}
	if v.node.Kind == yaml.ScalarNode {
		v.Fault("%q is not known here: %s", text, OneOf(text, words))
	}
	return ""
}

// Number is a plain number.
func (v *Value) Number() float64 {
	var number float64
	if v == nil {
		return 0
	}
	if v.node.Decode(&number) != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		v.Fault("must be a number")
		return 0
	}
	return number
}

// Duration is a length of time as Go writes it, from least to most; outside of them, or absent, it is least.
func (v *Value) Duration(least, most time.Duration) time.Duration {
	if v == nil {
		return least
	}
	length, err := time.ParseDuration(v.node.Value)
	if !v.IsScalar() || err != nil || length < least || length > most {
		v.Fault("must be a duration from %s to %s, such as 90s, 15m or 2h", duration.Short(least), duration.Short(most))
		return least
	}
	return length
}

// Moment is a time of RFC 3339.
func (v *Value) Moment() time.Time {
	at, err := time.Parse(time.RFC3339, v.Text())
	if err != nil {
		v.Fault("%q must be a time of RFC 3339, such as 2026-03-04T12:00:00Z", v.Text())
	}
	return at
}
