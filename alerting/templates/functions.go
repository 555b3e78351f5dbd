package templates

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"reflect"
	"regexp"
	"strings"
	"time"

	"dummyorders/internal/safetext"
	"dummyorders/internal/timezone"
)

// longestText bounds, in bytes, the text that a function returns, or takes to make a longer one: a text that is doubled
// often enough would fill the memory.
const longestText = 64 << 10

var errLongText = fmt.Errorf("makes a text of more than %d bytes", longestText)

// functions returns the functions that templates can call, besides and, or, not, eq, ne, lt, le, gt, ge, len, index and
// slice. Each reads only its arguments. Code inserted into every template calls step and printed, see budget and printer.
func functions(channel string, step func() (bool, error), printed func(any) string) map[string]any {
	mark := cutMark(channel)
	return map[string]any{
		stepName: step, printName: printed,

		"time":      func(t time.Time) timeText { return timeText(t.UTC().Format(timeLayout)) },
		"shortTime": func(t time.Time) timeText { return timeText(t.UTC().Format("2 Jan 15:04 MST")) },
		"timeIn":    timeIn,
		"money":     func(currency, amount any) string { return fmt.Sprintf("%v %v", currency, amount) },
		"upper":     changed(strings.ToUpper),
		"lower":     changed(strings.ToLower),
		"truncate":  func(most int, text any) (string, error) { return truncate(mark, most, text) },
		"join":      join,
		"first":     first,
		"more":      more,
		"plural":    plural,

		"print":    made(fmt.Sprint),
		"println":  made(fmt.Sprintln),
		"printf":   printf,
		"html":     made(htmltemplate.HTMLEscaper),
		"js":       made(htmltemplate.JSEscaper),
		"urlquery": made(htmltemplate.URLQueryEscaper),
		"call":     func(any) (string, error) { return "", errors.New("there is nothing to call") },
	}
}

func bounded(text string) (string, error) {
	if len(text) > longestText {
		return "", errLongText
	}
	return text, nil
}

func changed(f func(string) string) func(any) (string, error) {
	return func(text any) (string, error) { return bounded(f(fmt.Sprint(text))) }
}

// made bounds the size of a function's values before the call, and of its result after it.
func made(f func(...any) string) func(...any) (string, error) {
	return func(values ...any) (string, error) {
		if err := fit(values); err != nil {
			return "", err
		}
		return bounded(f(values...))
	}
}

func fit(values []any) error {
	size := 0
	for _, v := range values {
		if text, ok := v.(string); ok {
			size += len(text)
		}
	}
	if size > longestText {
		return errLongText
	}
	return nil
}

// longestFormat bounds how often a format can repeat a text.
const longestFormat = 500

// wide matches widths and precisions that would make a long text from a short one.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*([0-9]{4}|\*)`)

func printf(format string, values ...any) (string, error) {
	if wide.MatchString(format) {
		return "", errors.New("a width must have at most three digits, and be written as a number")
	}
	if len(format) > longestFormat {
		return "", fmt.Errorf("a format must not be longer than %d bytes", longestFormat)
	}
	if err := fit(values); err != nil {
		return "", err
	}
	return bounded(fmt.Sprintf(format, values...))
}

// timeIn returns a time in a zone: {{timeIn "Europe/Berlin" .Event.Time}}.
func timeIn(zone string, t time.Time) (timeText, error) {
	place, err := timezone.Load(zone)
	if err != nil {
		return "", fmt.Errorf("%q is not a time zone that is known: write one such as \"Asia/Kolkata\"", zone)
	}
	return timeText(t.In(place).Format(timeLayout)), nil
}

// truncate cuts a value to up to most characters. It leaves a shorter one unchanged, so that a link still works.
func truncate(mark string, most int, value any) (string, error) {
	if most < 1 {
		return "", fmt.Errorf("a text cannot be cut to %d characters", most)
	}
	return bounded(safetext.Cut(fmt.Sprint(value), most, mark))
}

func join(separator string, list any) (string, error) {
	values := reflect.ValueOf(list)
	if values.Kind() != reflect.Slice {
		return "", errors.New("only a list can be joined")
	}
	var all strings.Builder
	for i := range values.Len() {
		if i > 0 {
			all.WriteString(separator)
		}
		fmt.Fprint(&all, values.Index(i).Interface())
		if all.Len() > longestText {
			return "", errLongText
		}
	}
	return all.String(), nil
}

// first returns the beginning of a list.
func first(most int, list any) (any, error) {
	values := reflect.ValueOf(list)
	if values.Kind() != reflect.Slice || most < 0 {
		return nil, errors.New("only a list has first ones, and their number must not be below 0")
	}
	return values.Slice(0, min(most, values.Len())).Interface(), nil
}

// more returns how many elements first leaves out.
func more(most int, list any) (int, error) {
	values := reflect.ValueOf(list)
	if values.Kind() != reflect.Slice {
		return 0, errors.New("only a list has more")
	}
	return max(0, values.Len()-max(0, most)), nil
}
