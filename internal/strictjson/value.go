package strictjson

import (
	"slices"
	"strings"
)

// Kind is what a value is.
type Kind string

// The kinds, in the words that faults use.
const (
	Object Kind = "an object"
	Array  Kind = "an array"
	String Kind = "a string"
	Number Kind = "a number"
	Bool   Kind = "a boolean"
	Null   Kind = "null"
)

// Value is a part of a document. The nil Value stands for one that is not there: it reads as nothing and finds no
// fault, so that a reader can go on and find the others.
type Value struct {
	doc      *Document
	pointer  string
	kind     Kind
	text     string
	names    []string
	members  map[string]*Value
	elements []*Value
	read     map[string]bool
}

// Fault notes that something is wrong with the value. detail says what would be right.
func (v *Value) Fault(detail string) {
	if v != nil {
		v.doc.fault(v.pointer, detail)
	}
}

// Faulty reports whether a fault was noted about the value or anything in it.
func (v *Value) Faulty() bool {
	return v != nil && slices.ContainsFunc(v.doc.faults, func(f Fault) bool {
		return f.Pointer == v.pointer || strings.HasPrefix(f.Pointer, v.pointer+"/")
	})
}

// Is says whether the value is there and of one of the kinds; if it is there and is not, that is a fault.
func (v *Value) Is(kinds ...Kind) bool {
	if v == nil {
		return false
	}
	if slices.Contains(kinds, v.kind) {
		return true
	}
	detail := "must be " + string(kinds[0])
	for _, kind := range kinds[1:] {
		detail += " or " + string(kind)
	}
	v.Fault(detail)
	return false
}

// Kind is what the value is; the nil Value is of none.
func (v *Value) Kind() Kind {
	if v == nil {
		return ""
	}
	return v.kind
}

// Literal is a string's content, a number as it was written, or true or false.
func (v *Value) Literal() string {
	if v == nil {
		return ""
	}
	return v.text
}

// Required is an object's member, which must be there.
func (v *Value) Required(name string) *Value {
	member := v.Optional(name)
	if member == nil && v != nil && v.kind == Object {
		v.doc.fault(v.pointer+"/"+escape(name), "is required")
	}
	return member
}

// Optional is an object's member, or nil.
func (v *Value) Optional(name string) *Value {
	if v == nil || v.kind != Object {
		return nil
	}
	if v.read == nil {
		v.read = map[string]bool{}
	}
	v.read[name] = true
	return v.members[name]
}

// RefuseUnknown notes every member that nobody has asked for.
func (v *Value) RefuseUnknown() {
	if v == nil {
		return
	}
	for _, name := range v.names {
		if !v.read[name] {
			v.members[name].Fault("is not a known field")
		}
	}
}

// Names are an object's member names, in the order they stand in.
func (v *Value) Names() []string {
	if v == nil {
		return nil
	}
	return v.names
}

// Elements are an array's values.
func (v *Value) Elements() []*Value {
	if v == nil {
		return nil
	}
	return v.elements
}

// Refuse notes a fault about a member by its name, and counts it as read: nothing else is said about it.
func (v *Value) Refuse(name, detail string) {
	if member := v.Optional(name); member != nil {
		member.Fault(detail)
	}
}

// Peek is an object's member, or nil, without counting as having been asked for.
func (v *Value) Peek(name string) *Value {
	if v == nil {
		return nil
	}
	return v.members[name]
}

// Walk visits every value below this one, with the name of the member that it is; elements have none.
func (v *Value) Walk(visit func(name string, v *Value)) {
	if v == nil {
		return
	}
	for _, name := range v.names {
		visit(name, v.members[name])
		v.members[name].Walk(visit)
	}
	for _, element := range v.elements {
		visit("", element)
		element.Walk(visit)
	}
}
