package card_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
)

const (
	canary       = "4929186730458126"
	maskedCanary = "492918******8126"
)

// verbs lists the verbs that fmt knows, and y, which it does not. fmt handles %T and %p itself, and calls no method for
// them.
const verbs = "vTtbcdoOqxXUeEfFgGspy"

var flags = []string{"", "+", "#", "-", " ", "0", "+#", "# ", "20", ".3", "40.20"}

// traces lists the forms in which the hidden digits of the canary would appear in a text, whatever printed them: as they
// are, and as a list of their bytes in each base.
var traces = func() []string {
	hidden := canary[5:13]
	all := []string{hidden}
	for _, verb := range []string{"%b", "%d", "%o", "%x", "%U"} {
		var bytesOf strings.Builder
		for _, b := range []byte(hidden) {
			fmt.Fprintf(&bytesOf, verb, b)
		}
		all = append(all, bytesOf.String())
	}
	return all
}()

func shows(text string) bool {
	text = strings.NewReplacer(" ", "", "-", "", ",", "", "0x", "", "0X", "", "0b", "", "0o", "", "'", "").Replace(text)
	for _, trace := range traces {
		if strings.Contains(text, trace) {
			return true
		}
	}
	return false
}

type exported struct{ Number card.Number }

type unexported struct{ number card.Number }

type pointers struct {
	Exported   *card.Number
	unexported *card.Number
}

type collections struct {
	Slice   []card.Number
	slice   []card.Number
	array   [1]card.Number
	values  map[string]card.Number
	keys    map[card.Number]string
	nested  []map[string]*unexported
	dynamic any
	err     error
}

type embedded struct {
	card.Number

	Name string
}

type numberError struct{ number card.Number }

func (e numberError) Error() string {
	return fmt.Sprintf("charge %v: declined", e.number)
}

func carriers(n card.Number) map[string]any {
	return map[string]any{
		"number":            n,
		"pointer":           &n,
		"exported field":    exported{n},
		"unexported field":  unexported{n},
		"pointer to struct": &unexported{n},
		"pointers":          pointers{&n, &n},
		"embedded":          embedded{Number: n, Name: "Ada"},
		"slice":             []card.Number{n},
		"slice of pointers": []*card.Number{&n},
		"slice of any":      []any{n, &n, unexported{n}},
		"array":             [2]card.Number{n, n},
		"map":               map[string]card.Number{"card": n},
		"map key":           map[card.Number]int{n: 1},
		"map of structs":    map[string]unexported{"card": {n}},
		"error":             numberError{n},
		"wrapped error":     fmt.Errorf("pay with %s: %w", n, errors.Join(numberError{n}, errors.New("again"))),
		"collections": collections{
			Slice: []card.Number{n}, slice: []card.Number{n}, array: [1]card.Number{n},
			values: map[string]card.Number{"card": n}, keys: map[card.Number]string{n: "card"},
			nested: []map[string]*unexported{{"card": {n}}}, dynamic: n, err: numberError{n},
		},
	}
}

// Without this test, a check that never finds anything would make every other test here pass.
func TestCheckSeesPlainDigits(t *testing.T) {
	type plain struct{ digits string }
	for name, v := range map[string]any{
		"string": canary, "bytes": []byte(canary), "field": plain{canary}, "slice": []string{canary},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "% x", "%# x"} {
			text := fmt.Sprintf(verb, v)
			assert.True(t, shows(text), "a plain %s printed with %s is not seen in %q", name, verb, text)
		}
	}
}

func TestNoVerbShowsDigits(t *testing.T) {
	for name, v := range carriers(parse(t, canary)) {
		for _, verb := range verbs {
			for _, flag := range flags {
				format := "%" + flag + string(verb)
				if text := fmt.Sprintf(format, v); shows(text) {
					t.Errorf("%s printed with %s: %s", name, format, text)
					break // the other flags would show the same
				}
			}
		}
	}
}

func TestNumberPrintsMask(t *testing.T) {
	number := parse(t, "4929 1867 3045 8126")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%20s", "%.3s"} {
		assert.Equal(t, maskedCanary, fmt.Sprintf(format, number), format)
	}
	assert.Empty(t, fmt.Sprint(card.Number{}), "a number that was never parsed")
}

func TestNoEncoderWritesDigits(t *testing.T) {
	for name, v := range carriers(parse(t, canary)) {
		var text bytes.Buffer
		// An encoder may refuse what it cannot write; its error must not show the digits either.
		encoded, err := json.Marshal(v)
		fmt.Fprintln(&text, string(encoded), err)
		encoded, err = xml.Marshal(v)
		fmt.Fprintln(&text, string(encoded), err)
		fmt.Fprintln(&text, gob.NewEncoder(&text).Encode(v))
		fmt.Fprintln(&text, template.Must(template.New("").Parse(`{{.}} {{printf "%d" .}}`)).Execute(&text, v))
		assert.False(t, shows(text.String()), "%s is written as %q", name, &text)
	}
}

// A number is its mask in JSON.
func TestNumberJSON(t *testing.T) {
	number := parse(t, canary)
	for _, c := range []struct {
		value any
		want  string
	}{
		{number, `"492918******8126"`},
		{&number, `"492918******8126"`},
		{exported{number}, `{"Number":"492918******8126"}`},
		{unexported{number}, `{}`},
		{map[card.Number]int{number: 1}, `{"492918******8126":1}`},
		{card.Number{}, `""`},
	} {
		got, err := json.Marshal(c.value)
		require.NoError(t, err, "%T", c.value)
		assert.Equal(t, c.want, string(got), "%T", c.value)
	}
}

func TestNoLogShowsDigits(t *testing.T) {
	number := parse(t, canary)
	for handler, newHandler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		for name, v := range carriers(number) {
			var log bytes.Buffer
			logger := slog.New(newHandler(&log))
			logger.With("before", v).WithGroup("group").Info("charge", "value", v, slog.Group("more", "value", v))
			logger.Error(fmt.Sprint("charge ", v))
			assert.False(t, shows(log.String()), "%s logged as %s: %s", name, handler, &log)
		}
		var log bytes.Buffer
		slog.New(newHandler(&log)).Info("charge", "card", number)
		assert.Contains(t, log.String(), maskedCanary, "a number logged as %s is not its mask: %s", handler, &log)
	}
}

func TestPanicHidesDigits(t *testing.T) {
	defer func() {
		text := fmt.Sprint(recover())
		assert.False(t, shows(text), "the panic says %s", text)
	}()
	panic(unexported{parse(t, canary)})
}
