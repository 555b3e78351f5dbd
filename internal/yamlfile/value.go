package yamlfile

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Value is a part of a document. The nil value stands for one that is not there: it reads as nothing and finds no fault,
// so that a reader can go on and find the others.
type Value struct {
	doc     *Document
	node    *yaml.Node
	keys    []*yaml.Node
	members map[string]*Value
	items   []*Value
	read    map[string]bool
	// tagged values have lost text to YAML: they are told of once, and read as if they were not there.
	tagged bool
}

// newValue builds the value of a node, and notes what is allowed in no file: keys that stand twice or are no text,
// aliases and tags.
func newValue(d *Document, node *yaml.Node) *Value {
	v := &Value{doc: d, node: node, members: map[string]*Value{}, read: map[string]bool{}}
	if v.tagged = isTagged(node); v.tagged {
		v.Fault(tagged)
		return v
	}
	if node.Anchor != "" || node.Kind == yaml.AliasNode {
		v.Fault("is an anchor or an alias, which must not stand here: write the value itself")
	}
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			v.add(node.Content[i], node.Content[i+1])
		}
	}
	if node.Kind == yaml.SequenceNode {
		for _, item := range node.Content {
			if made := newValue(d, item); !made.tagged {
				v.items = append(v.items, made)
			}
		}
	}
	return v
}

// tagged is said of what YAML reads otherwise than it looks: of !card.known, it keeps nothing.
const tagged = "begins with !, which YAML takes for a tag: put it in quotes or after |"

func isTagged(node *yaml.Node) bool {
	return node.Style&yaml.TaggedStyle != 0 || node.Tag == "!"
}

func (v *Value) add(key, content *yaml.Node) {
	member := newValue(v.doc, content)
	switch _, twice := v.members[key.Value]; {
	case key.Kind != yaml.ScalarNode:
		v.doc.Fault(key.Line, key.Column, "a key must be a word")
	case isTagged(key):
		v.doc.Fault(key.Line, key.Column, tagged)
	case twice:
		v.doc.Fault(key.Line, key.Column, "%q stands twice in one mapping: leave one out", key.Value)
	default:
		v.keys = append(v.keys, key)
		v.members[key.Value] = member
	}
}

// Key is a mapping's key.
type Key struct {
	Name string

	doc          *Document
	line, column int
}

// Fault notes what is wrong with the key.
func (k Key) Fault(format string, arguments ...any) {
	k.doc.Fault(k.line, k.column, format, arguments...)
}

// Warning is a fault of the key that is not among the document's.
func (k Key) Warning(format string, arguments ...any) Fault {
	return Fault{k.doc.File, k.line, k.column, fmt.Sprintf(format, arguments...)}
}

// Keys are a mapping's, in their order, but those that stand twice or are no words.
func (v *Value) Keys() []Key {
	if v == nil {
		return nil
	}
	keys := make([]Key, len(v.keys))
	for i, key := range v.keys {
		keys[i] = Key{key.Value, v.doc, key.Line, key.Column}
	}
	return keys
}

// Document is the file that the value stands in. The value must be there.
func (v *Value) Document() *Document { return v.doc }

// Line is where the value begins, counted from 1. The value must be there.
func (v *Value) Line() int { return v.node.Line }

// Column is where the value begins, in characters counted from 1. The value must be there.
func (v *Value) Column() int { return v.node.Column }

// Fault notes what is wrong with the value.
func (v *Value) Fault(format string, arguments ...any) {
	if v != nil {
		v.doc.Fault(v.node.Line, v.node.Column, format, arguments...)
	}
}

// Warning is a fault of the value that is not among the document's. The value must be there.
func (v *Value) Warning(format string, arguments ...any) Fault {
	return Fault{v.doc.File, v.node.Line, v.node.Column, fmt.Sprintf(format, arguments...)}
}

// Required is a mapping's member that must be there.
func (v *Value) Required(name string) *Value {
	member := v.Optional(name)
	if member == nil && v.IsMapping() && v.members[name] == nil {
		v.Fault("%q is missing: it must be given", name)
	}
	return member
}

// Optional is a mapping's member, or nil.
func (v *Value) Optional(name string) *Value {
	if v == nil {
		return nil
	}
	v.read[name] = true
	if member := v.members[name]; member != nil && !member.tagged {
		return member
	}
	return nil
}

// RefuseUnknown notes every key that nobody has asked for.
func (v *Value) RefuseUnknown() {
	if v == nil {
		return
	}
	known := make([]string, 0, len(v.read))
	for name := range v.read {
		known = append(known, name)
	}
	slices.Sort(known)
	for _, key := range v.keys {
		if !v.read[key.Value] {
			v.doc.Fault(key.Line, key.Column, "%q is no key that is known here: %s", key.Value, OneOf(key.Value, known))
		}
	}
}

// IsMapping says whether the value is there and is one.
func (v *Value) IsMapping() bool {
	return v != nil && v.node.Kind == yaml.MappingNode
}

// Mapping says whether the value is one; if it is there and is not, that is a fault.
func (v *Value) Mapping() bool {
	if v != nil && !v.IsMapping() {
		v.Fault("must be a mapping of keys and values")
	}
	return v.IsMapping()
}

// IsEmpty says whether nothing was written after the key: all of it may be commented out.
func (v *Value) IsEmpty() bool {
	return v == nil || v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null"
}

// List is a sequence's values.
func (v *Value) List() []*Value {
	if v.IsEmpty() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.Fault("must be a list")
	}
	return v.items
}

// OneOrMore is a sequence's values, or the one value that stands in its place. An empty sequence is a fault.
func (v *Value) OneOrMore() []*Value {
	if v.IsScalar() && !v.IsEmpty() {
		return []*Value{v}
	}
	items := v.List()
	if v != nil && len(items) == 0 {
		v.Fault("must name one at least: leave the key out where there is none")
	}
	return items
}
