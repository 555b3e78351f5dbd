package desk

import (
	"cmp"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dummyorders/domain/alert"
)

// when shows a time in UTC; desk.js adds the reader's own zone.
func when(at time.Time) template.HTML {
	if at.IsZero() {
		return ""
	}
	at = at.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s UTC</time>`, at.Format(time.RFC3339), at.Format("2006-01-02 15:04:05"))) //nolint:gosec // no part of it comes from outside
}

// writtenTime is a time in a text, as RFC 3339 has it.
var writtenTime = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)`)

// inText shows a text, and the times in it as when does.
func inText(text string) template.HTML {
	return template.HTML(writtenTime.ReplaceAllStringFunc(template.HTMLEscapeString(text), func(written string) string { //nolint:gosec // it is escaped
		at, err := time.Parse(time.RFC3339, written)
		if err != nil {
			return written
		}
		return string(when(at))
	}))
}

// inWords writes a span of time: "1.5 s", "3 h 20 min".
func inWords(span time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case span < time.Millisecond:
		return fmt.Sprintf("%d µs", max(span.Microseconds(), 0))
	case span < time.Second:
		return fmt.Sprintf("%d ms", span.Milliseconds())
	case span < time.Minute:
		return strconv.FormatFloat(span.Truncate(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	case span < time.Hour:
		return inUnits(span, time.Minute, "min", time.Second, "s")
	case span < 2*day:
		return inUnits(span, time.Hour, "h", time.Minute, "min")
	case span < 14*day:
		return inUnits(span, day, "days", time.Hour, "h")
	}
	return fmt.Sprintf("%d days", span/day)
}

// inUnits writes a span in two units, or in the first if nothing is left for the second.
func inUnits(span, unit time.Duration, name string, small time.Duration, smallName string) string {
	text := fmt.Sprintf("%d %s", span/unit, name)
	if rest := span % unit / small; rest > 0 {
		text += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return text
}

// leftInWords writes how long it is until a deadline, in whole minutes.
func leftInWords(left time.Duration) string {
	switch {
	case left <= 0:
		return "over"
	case left < time.Minute:
		return "less than a minute"
	}
	return inWords(left.Truncate(time.Minute))
}

// laterInWords writes how long after the one before an event was.
func laterInWords(span time.Duration) string {
	if span < time.Millisecond {
		return "at once"
	}
	return inWords(span) + " later"
}

// alertWords say in short what events report.
var alertWords = map[alert.Type]string{
	alert.FraudDetected:      "Fraud stopped",
	alert.ReviewRequested:    "Review requested",
	alert.ReviewReminder:     "Review reminder",
	alert.ReviewExpired:      "Review expired",
	alert.CompensationFailed: "Money not given back",
	alert.AlarmFiring:        "Alarm fires",
	alert.AlarmResolved:      "Alarm over",
	alert.Test:               "Test",
}

// alertInWords says what an event of a type reports. A type that this version does not know stays as it is.
func alertInWords(of alert.Type) string { return cmp.Or(alertWords[of], string(of)) }

// plainly writes a value of an enumeration of the API for people: "early fraud warning".
func plainly(value any) string { return strings.ReplaceAll(fmt.Sprint(value), "_", " ") }

// statusInWords writes a transaction's status in small letters.
func statusInWords(name string) string {
	return strings.ToLower(plainly(strings.TrimPrefix(name, "TRANSACTION_")))
}
