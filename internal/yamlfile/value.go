package yamlfile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"

	"dummyorders/internal/duration"
)

// Value is a part of a document. The nil value stands for a value that is absent: it reads as empty and records no
// faults, so that the caller can go on and find other faults.
type Value struct {
	doc     *Document
	node    *yaml.Node
	keys    []*yaml.Node
	members map[string]*Value
	items   []*Value
	read    map[string]bool
	// tagged values have lost text to YAML. They are reported once, and then read as if they were absent.
	tagged bool
}

// newValue builds the value of a node. It records faults for what no file may contain: duplicate keys, keys that are
// not text, aliases and tags.
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

// tagged is the fault of values that YAML reads differently than they look: of !card.known it keeps nothing.
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

// Key is a key of a mapping.
type Key struct {
	Name string

	doc          *Document
	line, column int
}

// Fault records what is wrong with the key.
func (k Key) Fault(format string, arguments ...any) {
	k.doc.Fault(k.line, k.column, format, arguments...)
}

// Warning returns a fault of the key without adding it to the document's faults.
func (k Key) Warning(format string, arguments ...any) Fault {
	return Fault{k.doc.File, k.line, k.column, fmt.Sprintf(format, arguments...)}
}

// Keys returns a mapping's keys in order, without those that are duplicate or not text.
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

// Document returns the document that contains the value. The value must be present.
func (v *Value) Document() *Document { return v.doc }

// Line returns the line where the value begins, counted from 1. The value must be present.
func (v *Value) Line() int { return v.node.Line }

// Column returns the column where the value begins, in characters counted from 1. The value must be present.
func (v *Value) Column() int { return v.node.Column }

// Fault records what is wrong with the value.
func (v *Value) Fault(format string, arguments ...any) {
	if v != nil {
		v.doc.Fault(v.node.Line, v.node.Column, format, arguments...)
	}
}

// Warning returns a fault of the value without adding it to the document's faults. The value must be present.
func (v *Value) Warning(format string, arguments ...any) Fault {
	return Fault{v.doc.File, v.node.Line, v.node.Column, fmt.Sprintf(format, arguments...)}
}

// Required returns a mapping's member. If it is absent, that is a fault.
func (v *Value) Required(name string) *Value {
	member := v.Optional(name)
	if member == nil && v.IsMapping() && v.members[name] == nil {
		v.Fault("%q is missing: it must be given", name)
	}
	return member
}

// Optional returns a mapping's member, or nil.
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

// RefuseUnknown records a fault for every key that has not been read.
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
			v.doc.Fault(key.Line, key.Column, "the key %q is not known here: %s", key.Value, OneOf(key.Value, known))
		}
	}
}

// IsMapping reports whether the value is present and a mapping.
func (v *Value) IsMapping() bool {
	return v != nil && v.node.Kind == yaml.MappingNode
}

// Mapping reports whether the value is present and a mapping. If it is present but not a mapping, it records a fault.
func (v *Value) Mapping() bool {
	if v != nil && !v.IsMapping() {
		v.Fault("must be a mapping of keys and values")
	}
	return v.IsMapping()
}

// IsEmpty reports whether nothing is written after the key: all of it may be commented out.
func (v *Value) IsEmpty() bool {
	return v == nil || v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null"
}

// List returns a sequence's values.
func (v *Value) List() []*Value {
	if v.IsEmpty() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.Fault("must be a list")
	}
	return v.items
}

// OneOrMore returns a sequence's values, or the one value that is written in place of a sequence. An empty sequence is
// a fault.
func (v *Value) OneOrMore() []*Value {
	if v.IsScalar() && !v.IsEmpty() {
		return []*Value{v}
	}
	items := v.List()
	if v != nil && len(items) == 0 {
		v.Fault("must name at least one: leave the key out if there is none")
	}
	return items
}

// Is reports whether the value is the given word.
func (v *Value) Is(word string) bool {
	return v.IsScalar() && v.node.Value == word
}

// IsScalar reports whether the value is present and neither a mapping nor a list.
func (v *Value) IsScalar() bool {
	return v != nil && v.node.Kind == yaml.ScalarNode
}

// Text returns a scalar as it was written. Numbers count as text too, so that an order's id needs no quotes.
func (v *Value) Text() string {
	if v == nil {
		return ""
	}
	if !v.isText() {
		v.Fault("must be text")
		return ""
	}
	return v.node.Value
}

// Words returns text that must not be blank, or "" if the value is absent or faulty.
func (v *Value) Words() string {
	text := v.Text()
	if strings.TrimSpace(text) != "" {
		return text
	}
	if v.isText() {
		v.Fault("must not be empty")
	}
	return ""
}

// isText reports whether the value is present and what Text takes.
func (v *Value) isText() bool { return v.IsScalar() && !v.IsEmpty() }

// Whole returns a whole number from least to most. If the value is absent or faulty, it returns least or 0, whichever
// is greater.
func (v *Value) Whole(least, most int) int {
	if v == nil {
		return max(0, least)
	}
	number, err := strconv.Atoi(v.node.Value)
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!int" || err != nil || number < least || number > most {
		v.Fault("must be a whole number from %d to %d", least, most)
		return max(0, least)
	}
	return number
}

// Truth returns a value that must be true or false.
func (v *Value) Truth() bool {
	if v == nil {
		return false
	}
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!bool" {
		v.Fault("must be true or false")
	}
	return strings.EqualFold(v.node.Value, "true")
}

// Choice returns text that must be one of the words.
func (v *Value) Choice(words ...string) string {
	text := v.Text()
	if v == nil || slices.Contains(words, text) {
		return text
	}
	if v.isText() {
		v.Fault("%q is not known here: %s", text, OneOf(text, words))
	}
	return ""
}

// Number returns a plain number.
func (v *Value) Number() float64 {
	var number float64
	if v == nil {
		return 0
	}
	if v.node.Decode(&number) != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		v.Fault("must be a number")
		return 0
	}
	return number
}

// Duration returns a duration in Go's notation, from least to most. If the value is absent or faulty, it returns least.
func (v *Value) Duration(least, most time.Duration) time.Duration {
	if v == nil {
		return least
	}
	length, err := time.ParseDuration(v.node.Value)
	if !v.IsScalar() || err != nil || length < least || length > most {
		v.Fault("must be a duration from %s to %s, such as 90s, 15m or 2h", duration.Short(least), duration.Short(most))
		return least
	}
	return length
}

// Moment returns a time in the format of RFC 3339.
func (v *Value) Moment() time.Time {
	text := v.Text()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil && v.isText() {
		v.Fault("%q must be a time of RFC 3339, such as 2026-03-04T12:00:00Z", text)
	}
	return at
}

// Place returns where a character of a scalar's text is in the file. line and column count from 1, in the text. It
// follows the text through the file and skips the indents, quotes and escapes that are not part of the text.
func (v *Value) Place(line, column int) (int, int) {
	f := follower{lines: v.doc.lines, quote: quote(v.node.Style)}
	if v.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		f.begin(v.node.Line, 0)
	} else {
		f.begin(v.node.Line-1, v.node.Column-1)
	}
	textLine, textColumn := 1, 1
	for _, r := range v.node.Value {
		if textLine > line || textLine == line && textColumn >= column {
			f.skip()
			break
		}
		if r == '\n' {
			textLine, textColumn = textLine+1, 1
		} else {
			textColumn++
		}
		if !unicode.IsSpace(r) {
			f.past(r)
		}
	}
	return f.line + 1, f.column + 1
}

func quote(style yaml.Style) rune {
	switch {
	case style&yaml.DoubleQuotedStyle != 0:
		return '"'
	case style&yaml.SingleQuotedStyle != 0:
		return '\''
	}
	return 0
}

// follower is a place in a file. It ignores white space: YAML folds lines, so the caller's places must not depend on
// white space either.
type follower struct {
	lines        []string
	line, column int
	here         []rune // the current line
	quote        rune
}

// begin goes to a line.
func (f *follower) begin(line, column int) {
	f.line, f.column, f.here = line, column, nil
	if line < len(f.lines) {
		f.here = []rune(f.lines[line])
	}
}

// now returns the character at the place: a line break at the end of a line, 0 at the end of the file.
func (f *follower) now() rune {
	switch {
	case f.column < len(f.here):
		return f.here[f.column]
	case f.line < len(f.lines):
		return '\n'
	}
	return 0
}

func (f *follower) step() {
	if f.now() == '\n' {
		f.begin(f.line+1, 0)
		return
	}
	f.column++
}

// skip goes to the next character that may be part of the text.
func (f *follower) skip() {
	for r := f.now(); r != 0 && (unicode.IsSpace(r) || r == f.quote || f.quote == '"' && r == '\\'); r = f.now() {
		if r == '\'' && f.next() == '\'' {
			f.step() // an escape of two characters, which stand for one of the text
			return
		}
		if r == '\\' {
			f.step()
			if strings.ContainsRune(`"\/`, f.now()) {
				return
			}
		}
		f.step()
	}
}

// next returns the character after the place, on the same line.
func (f *follower) next() rune {
	if f.column+1 < len(f.here) {
		return f.here[f.column+1]
	}
	return '\n'
}

// past goes to just after a character of the text.
func (f *follower) past(r rune) {
	for f.skip(); f.now() != 0 && f.now() != r; f.skip() {
		f.step()
	}
	f.step()
}
