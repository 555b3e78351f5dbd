package strictjson

import (
	"encoding/json"
	"slices"
)

// Canonical returns the value as JSON in one fixed form, so that documents with the same content are the same text:
// members sorted by name, no white space, one spelling of each string. Numbers stay as they were written: 1.0 differs
// from 1.00 here.
func (v *Value) Canonical() []byte {
	return v.appendTo(nil)
}

func (v *Value) appendTo(text []byte) []byte {
	switch v.Kind() {
	case Object:
		return v.appendMembers(text)
	case Array:
		return v.appendElements(text)
	case String:
		return append(text, quote(v.text)...)
	case Number, Bool:
		return append(text, v.text...)
	case Null:
	}
	return append(text, "null"...)
}

func (v *Value) appendMembers(text []byte) []byte {
	text = append(text, '{')
	for i, name := range slices.Sorted(slices.Values(v.names)) {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(text, quote(name)...), ':')
		text = v.members[name].appendTo(text)
	}
	return append(text, '}')
}

func (v *Value) appendElements(text []byte) []byte {
	text = append(text, '[')
	for i, element := range v.elements {
		if i > 0 {
			text = append(text, ',')
		}
		text = element.appendTo(text)
	}
	return append(text, ']')
}

func quote(s string) []byte {
	quoted, _ := json.Marshal(s) // encoding a string never fails
	return quoted
}
