package api

import (
	"net/url"
	"strconv"
	"unicode/utf8"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/internal/safetext"
	"dummyorders/internal/strictjson"
)

// acknowledgements are who takes care of an alert. What could be a card number is masked before it goes anywhere.
var acknowledgements = object[alert.Acknowledgement]{name: "AcknowledgementSchema", members: []member[alert.Acknowledgement]{
	{
		"by", true, requiredText(alert.MaxBy, "Who takes care", "ada"),
		func(v *strictjson.Value, a *alert.Acknowledgement) { a.By = card.Redact(v.Literal()) },
	},
	{"note", false, noteSchema, func(v *strictjson.Value, a *alert.Acknowledgement) { a.Note = card.Redact(clean(v.Literal())) }},
}}

// form is what the page of a link sends, in the fields' own names.
type form struct {
	Name, Note string
	Faults     []string
}

// readForm takes what people type: spaces and line ends of any kind are one space, and an empty field is none.
func readForm(values url.Values) form {
	f := form{Name: card.Redact(safetext.Line(values.Get("name"))), Note: card.Redact(safetext.Line(values.Get("note")))}
	if utf8.RuneCountInString(f.Name) > maxReviewer {
		f.Faults = append(f.Faults, "The name must have at most "+strconv.Itoa(maxReviewer)+" characters.")
	}
	if utf8.RuneCountInString(f.Note) > maxNote {
		f.Faults = append(f.Faults, "The note must have at most "+strconv.Itoa(maxNote)+" characters.")
	}
	return f
}

// by is the address or the receiver that the link was sent to, after the name that was typed: "ada (jo@example.com)". The
// name is cut where there is no room for both, as the link vouches for the other. A telephone number as long as a card's is
// masked like one.
func (f form) by(sentTo string, most int) string {
	by := safetext.Cut(sentTo, most, "…")
	if room := most - utf8.RuneCountInString(by) - len(" ()"); f.Name != "" && room > 0 {
		by = safetext.Cut(f.Name, room, "…") + " (" + by + ")"
	}
	return card.Redact(by)
}
