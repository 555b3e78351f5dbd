package rules

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// value is a part of a document. The nil value stands for one that is not there: it reads as nothing and finds no fault,
// so that a reader can go on and find the others.
type value struct {
	doc     *document
	node    *yaml.Node
	keys    []*yaml.Node
	members map[string]*value
	items   []*value
	read    map[string]bool
	// tagged values have lost text to YAML: they are told of once, and read as if they were not there.
	tagged bool
}

// newValue builds the value of a node, and notes what is allowed in no file: keys that stand twice or are no text,
// aliases and tags.
func newValue(d *document, node *yaml.Node) *value {
	v := &value{doc: d, node: node, members: map[string]*value{}, read: map[string]bool{}}
	if v.tagged = isTagged(node); v.tagged {
		v.fault(tagged)
		return v
	}
	if node.Anchor != "" || node.Kind == yaml.AliasNode {
		v.fault("is an anchor or an alias, which a ruleset must not have: write the value itself")
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

func (v *value) add(key, content *yaml.Node) {
	member := newValue(v.doc, content)
	switch _, twice := v.members[key.Value]; {
	case key.Kind != yaml.ScalarNode:
		v.doc.fault(key.Line, key.Column, "a key must be a word")
	case isTagged(key):
		v.doc.fault(key.Line, key.Column, tagged)
	case twice:
		v.doc.fault(key.Line, key.Column, "%q stands twice in one mapping: leave one out", key.Value)
	default:
		v.keys = append(v.keys, key)
		v.members[key.Value] = member
	}
}

func (v *value) fault(format string, arguments ...any) {
	if v != nil {
		v.doc.fault(v.node.Line, v.node.Column, format, arguments...)
	}
}

// warning is a fault that does not keep the ruleset from deciding.
func (v *value) warning(format string, arguments ...any) Fault {
	var d document
	d.file = v.doc.file
	d.fault(v.node.Line, v.node.Column, format, arguments...)
	return d.faults[0]
}

// required is a mapping's member that must be there.
func (v *value) required(name string) *value {
	member := v.optional(name)
	if member == nil && v.isMapping() && v.members[name] == nil {
		v.fault("%q is missing: it must be given", name)
	}
	return member
}

// optional is a mapping's member, or nil.
func (v *value) optional(name string) *value {
	if v == nil {
		return nil
	}
	v.read[name] = true
	if member := v.members[name]; member != nil && !member.tagged {
		return member
	}
	return nil
}

// refuseUnknown notes every key that nobody has asked for.
func (v *value) refuseUnknown() {
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
			v.doc.fault(key.Line, key.Column, "%q is no key that is known here: %s", key.Value, oneOf(key.Value, known))
		}
	}
}

func (v *value) isMapping() bool {
	return v != nil && v.node.Kind == yaml.MappingNode
}

// mapping says whether the value is one; if it is there and is not, that is a fault.
func (v *value) mapping() bool {
	if v != nil && !v.isMapping() {
		v.fault("must be a mapping of keys and values")
	}
	return v.isMapping()
}

// isEmpty says whether nothing was written after the key: all of it may be commented out.
func (v *value) isEmpty() bool {
	return v == nil || v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null"
}

// list is a sequence's values.
func (v *value) list() []*value {
	if v.isEmpty() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.fault("must be a list")
	}
	return v.items
}

// isNone says whether the value is the word none, which takes a part out of a case's transaction.
func (v *value) isNone() bool {
	return v != nil && v.node.Kind == yaml.ScalarNode && v.node.Value == "none"
}

// text is a scalar as it was written, numbers too: nobody should have to put quotes around an order's id.
func (v *value) text() string {
	if v == nil {
		return ""
	}
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() == "!!null" {
		v.fault("must be text")
		return ""
	}
	return v.node.Value
}

// words is text that must not be empty or blank.
func (v *value) words() string {
	text := v.text()
	if v != nil && v.node.Kind == yaml.ScalarNode && strings.TrimSpace(text) == "" && v.node.ShortTag() != "!!null" {
		v.fault("must not be empty")
	}
	return text
}

// whole is a whole number from least to most; outside of them, or absent, it is least or 0, whichever is greater.
func (v *value) whole(least, most int) int {
	if v == nil {
		return max(0, least)
	}
	number, err := strconv.Atoi(v.node.Value)
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!int" || err != nil || number < least || number > most {
		v.fault("must be a whole number from %d to %d", least, most)
		return max(0, least)
	}
	return number
}

// truth is true or false.
func (v *value) truth() bool {
	if v == nil {
		return false
	}
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!bool" {
		v.fault("must be true or false")
	}
	return strings.EqualFold(v.node.Value, "true")
}

// choice is one of the words.
func (v *value) choice(words ...string) string {
	text := v.text()
	if v == nil || slices.Contains(words, text) {
		return text
	}
	if v.node.Kind == yaml.ScalarNode {
		v.fault("%q is not known here: %s", text, oneOf(text, words))
	}
	return ""
}
