package templates

import (
	"reflect"
	"strings"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/internal/safetext"
)

// longestLink is longer than any link that was made here: a chat has no room for more.
const longestLink = 1000

// cleaner makes a stranger's text fit for a value in a message: one line, no control characters and none that turn the
// direction of writing, at most so many characters.
func cleaner(channel string, most int) func(string) string {
	cut := cutMark(channel)
	return func(text string) string { return safetext.Cut(safetext.Line(text), most, cut) }
}

// cutMark says that a text was cut. An SMS with the one character for it would need twice the room (GSM 03.38 lacks it).
func cutMark(channel string) string {
	if channel == alert.SMS {
		return "..."
	}
	return "…"
}

// chatLinkEscaper is for addresses, which also end at a bar.
var chatLinkEscaper = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C", " ", "%20", "`", "%60")

func cleanURL(address, channel string) string {
	address = safetext.Line(address)
	if channel == alert.Chat {
		return chatLinkEscaper.Replace(address)
	}
	return address
}

// cleaned is a copy of a value in which every text is clean. What is no data of an alert, such as maps, is left out: a new
// field cannot bring text past this.
func cleaned[T any](v T, text func(string) string) T {
	var out T
	cleanInto(reflect.ValueOf(&out).Elem(), reflect.ValueOf(&v).Elem(), text)
	return out
}

var timeType = reflect.TypeFor[time.Time]()

func cleanInto(to, from reflect.Value, text func(string) string) {
	switch kind := from.Kind(); {
	case kind == reflect.String:
		to.SetString(text(from.String()))
	case kind == reflect.Pointer && !from.IsNil():
		to.Set(reflect.New(from.Type().Elem()))
		cleanInto(to.Elem(), from.Elem(), text)
	case kind == reflect.Slice && !from.IsNil():
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			cleanInto(to.Index(i), from.Index(i), text)
		}
	case from.Type() == timeType || kind == reflect.Bool || from.CanInt() || from.CanFloat():
		to.Set(from)
	case kind == reflect.Struct:
		cleanFields(to, from, text)
	}
}

func cleanFields(to, from reflect.Value, text func(string) string) {
	for i := range from.NumField() {
		if from.Type().Field(i).IsExported() {
			cleanInto(to.Field(i), from.Field(i), text)
		}
	}
}
