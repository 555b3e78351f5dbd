package templates

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"dummyorders/domain/alert"
	"dummyorders/internal/yamlfile"
)

var (
	// place is where in a template an error is, in front of what is wrong.
	place = regexp.MustCompile(`^(?:html/)?template: ?(\w*):([0-9]+)(?::[0-9]+)?: `)
	// executing is how an execution's error goes on.
	executing     = regexp.MustCompile(`^executing ".*?" at <(.*?)>: `)
	noFunction    = regexp.MustCompile(`^function "(\w+)" not defined`)
	noField       = regexp.MustCompile(`can't evaluate field (\w+) in type ([\w.*]+)`)
	emptyPointer  = regexp.MustCompile(`nil pointer evaluating \*?[\w.]+\.(\w+)`)
	errorCalling  = regexp.MustCompile(`^error calling (\w+): `)
	namelessPlace = regexp.MustCompile(`^(?:html/)?template: ?\w*: ?`)
)

// complain says what is wrong with a part in words: "html:3: …".
func complain(part string, err error) error {
	text, at := err.Error(), part
	if found := place.FindStringSubmatch(text); found != nil {
		at, text = part+":"+found[2], text[len(found[0]):]
	}
	text = namelessPlace.ReplaceAllString(text, "")
	expression := ""
	if found := executing.FindStringSubmatch(text); found != nil {
		expression, text = found[1], text[len(found[0]):]
	}
	for _, bound := range []error{errTooLong, errTooManySteps} {
		if errors.Is(err, bound) {
			return fmt.Errorf("%s: %w", at, bound)
		}
	}
	return fmt.Errorf("%s: %s", at, inWords(text, expression))
}

func inWords(text, expression string) string {
	if found := noFunction.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf("there is no function %s: %s", found[1], yamlfile.OneOf(found[1], functionNames()))
	}
	if found := noField.FindStringSubmatch(text); found != nil {
		known := fieldsOf[strings.TrimLeft(found[2], "*")]
		if len(known) == 0 {
			return fmt.Sprintf("%s: there is no %s in it", expression, found[1])
		}
		return fmt.Sprintf("%s: there is no %s here: %s", expression, found[1], yamlfile.OneOf(found[1], known))
	}
	if found := emptyPointer.FindStringSubmatch(text); found != nil {
		whole := strings.TrimSuffix(expression, "."+found[1])
		return fmt.Sprintf("%s: %s is not there for every alert: ask with {{with %s}} first", expression, whole, whole)
	}
	if found := errorCalling.FindString(text); found != "" {
		return fmt.Sprintf("%s: %s", expression, text[len(found):])
	}
	if expression != "" {
		return expression + ": " + text
	}
	return text
}

// functionNames are those that complaints offer.
func functionNames() []string {
	own := functions(alert.Mail, nil, nil)
	delete(own, stepName)
	delete(own, printName)
	delete(own, "call")
	return slices.Sorted(maps.Keys(own))
}

// fieldsOf are the fields of what a template can see, by the names of their types.
var fieldsOf = seen(reflect.TypeFor[View](), map[string][]string{})

func seen(t reflect.Type, types map[string][]string) map[string][]string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, done := types[t.String()]; done || t == timeType || t.Kind() != reflect.Struct {
		return types
	}
	types[t.String()] = nil
	for f := range t.Fields() {
		if f.IsExported() {
			types[t.String()] = append(types[t.String()], f.Name)
			seen(f.Type, types)
		}
	}
	return types
}
