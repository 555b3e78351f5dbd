package strictjson

import (
	"slices"
	"strings"
)

// Kind is the JSON type of a value.
type Kind string

// These are the kinds, in the words that faults use.
const (
	Object Kind = "an object"
	Array  Kind = "an array"
	String Kind = "a string"
	Number Kind = "a number"
	Bool   Kind = "a boolean"
	Null   Kind = "null"
)

// Value is a part of a document. The nil Value stands for a value that is absent: it reads as empty and records no
// faults, so that the caller can go on and find other faults.
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

// Fault records that something is wrong with the value. detail says what would be right.
func (v *Value) Fault(detail string) {
	if v != nil {
		v.doc.fault(v.pointer, detail)
	}
}

// Faulty reports whether a fault was recorded for the value or anything in it.
func (v *Value) Faulty() bool {
	return v != nil && slices.ContainsFunc(v.doc.faults, func(f Fault) bool {
		return f.Pointer == v.pointer || strings.HasPrefix(f.Pointer, v.pointer+"/")
	})
}

// Is reports whether the value is present and of one of the kinds. If it is present but of another kind, Is records a
// fault.
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

// Kind returns the value's kind. The nil Value has none.
func (v *Value) Kind() Kind {
	if v == nil {
		return ""
	}
	return v.kind
}

// Literal returns a string's content, a number as it was written, or true or false.
func (v *Value) Literal() string {
	if v == nil {
		return ""
	}
	return v.text
}

// Required returns an object's member. If it is absent, that is a fault.
func (v *Value) Required(name string) *Value {
	member := v.Optional(name)
	if member == nil && v != nil && v.kind == Object {
		v.doc.fault(v.pointer+"/"+escape(name), "is required")
	}
	return member
}

// Optional returns an object's member, or nil.
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

// RefuseUnknown records a fault for every member that has not been read.
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

// Names returns the names of an object's members in the order of the document.
func (v *Value) Names() []string {
	if v == nil {
		return nil
	}
	return v.names
}

// Elements returns an array's values.
func (v *Value) Elements() []*Value {
	if v == nil {
		return nil
	}
	return v.elements
}

// Refuse records a fault for a member, if it is present, and marks it as read, so that RefuseUnknown does not report it
// too.
func (v *Value) Refuse(name, detail string) {
	if member := v.Optional(name); member != nil {
		member.Fault(detail)
	}
}

// Peek returns an object's member, or nil, without marking it as read.
func (v *Value) Peek(name string) *Value {
	if v == nil {
		return nil
	}
	return v.members[name]
}

// Walk visits every value below this one, with its member name. Elements of arrays have no name.
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
