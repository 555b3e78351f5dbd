package rules

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"dummyorders/domain/usage"
)

// subject is a part of the transaction that rules know by a name: the card, say. Its type in CEL has the same name.
type subject struct {
	name, doc string
	fields    []field
	// by is the dimension that features of it are counted by; empty, it has none.
	by usage.Dimension
	// keyed subjects are asked for with a key, metadata("device"), and counted by it.
	keyed   bool
	celType *cel.Type
}

// field is a value that rules see.
type field struct {
	name    string
	celType *cel.Type
	doc     string
	example string
	// longest is how many characters a text has at most, by the API's bounds: the cost of a rule is estimated from it.
	longest uint64
	of      func(*thing) ref.Val
	// span is what a number can be; nil, it is not known.
	span *span
	// never says why a text is never another one, or never has it as a part; empty, it may. It may be nil.
	never func(text string, part bool) string
}

func (f field) within(s span) field {
	f.span = &s
	return f
}

func (f field) unlike(never func(text string, part bool) string) field {
	f.never = never
	return f
}

func (s *subject) field(name string) (*field, bool) {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i], true
		}
	}
	return nil, false
}

func (s *subject) fieldNames() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

// thing is a subject of one transaction, as CEL sees it. key is that of a keyed subject.
type thing struct {
	*subject
	seen *view
	key  string
}

var _ ref.Val = (*thing)(nil)

// ConvertToNative is for programs that take values out of CEL, and nothing takes a thing out.
func (t *thing) ConvertToNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s is no %s", t.name, to)
}

// ConvertToType knows the type itself and no other.
func (t *thing) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return t.celType
	}
	return types.NewErr("%s is no %s", t.name, to)
}

// Equal holds for the same part of the same transaction.
func (t *thing) Equal(other ref.Val) ref.Val {
	o, ok := other.(*thing)
	return types.Bool(ok && *o == *t)
}

// Type is the subject's.
func (t *thing) Type() ref.Type { return t.celType }

// Value is what fields are read from.
func (t *thing) Value() any { return t }

// provider tells CEL what fields the subjects have. No rule can make a subject of its own.
type provider struct {
	types.Provider
}

// FindStructType finds the subjects' types.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if s, ok := subjectNamed[name]; ok {
		return types.NewTypeTypeWithParam(s.celType), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames finds the subjects' fields.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	if s, ok := subjectNamed[name]; ok {
		return s.fieldNames(), true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType finds a field of a subject, and how it is read. has(card.brand) holds unless the text is empty.
func (p provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	s, ok := subjectNamed[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, fieldName)
	}
	f, ok := s.field(fieldName)
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:    f.celType,
		IsSet:   func(target any) bool { return isSet(f, target) },
		GetFrom: func(target any) (any, error) { return read(f, target) },
	}, true
}

func isSet(f *field, target any) bool {
	t, ok := target.(*thing)
	return ok && f.of(t) != types.String("")
}

func read(f *field, target any) (any, error) {
	t, ok := target.(*thing)
	if !ok {
		return nil, fmt.Errorf("%s cannot be read from a %T", f.name, target)
	}
	return f.of(t), nil
}

// NewValue makes no subjects: rules see those of the transaction, and no others.
func (p provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ok := subjectNamed[name]; ok {
		return types.NewErr("%s cannot be made by a rule", name)
	}
	return p.Provider.NewValue(name, fields)
}
