// Package yamlfile strictly reads YAML files that people write. It reports every fault with its line and column, and
// says what would be right.
package yamlfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"dummyorders/internal/textfile"
)

// Document holds a YAML file and the faults found in it so far.
type Document struct {
	File string
	// Root is nil if the file is not valid YAML.
	Root   *Value
	Faults []Fault

	lines []string
}

// Parse parses a file that must hold one mapping. If the file is not YAML, the document has a fault and a nil Root. If
// it is YAML but not a mapping, Root.Mapping finds that fault.
func Parse(file string, content []byte) *Document {
	d := &Document{File: file}
	text, err := textfile.Text(content)
	if err != nil {
		d.Fault(0, 0, "%v: it must be a YAML file in UTF-8", err)
		return d
	}
	d.lines = strings.Split(text, "\n")
	var node yaml.Node
	if err := yaml.Load([]byte(text), &node); err != nil {
		d.notYAML(err)
		return d
	}
	if len(node.Content) == 1 {
		d.Root = newValue(d, node.Content[0])
	}
	return d
}

func (d *Document) notYAML(err error) {
	at, is := errors.AsType[*yaml.LoadError](err)
	if !is || at.Mark.Line == 0 {
		d.Fault(0, 0, "is not one YAML document: %s", reason(err))
		return
	}
	if column := d.tagBefore(at.Mark.Line); column > 0 {
		d.Fault(at.Mark.Line, column, tagged)
		return
	}
	d.Fault(at.Mark.Line, at.Mark.Column, "is not YAML here: %s", at.Message)
}

// tag matches the part of a line up to a value that begins with !.
var tag = regexp.MustCompile(`^[^"'#]*?[:-] +!`)

// tagBefore returns the column of a tag on a line that YAML could not read, or 0.
func (d *Document) tagBefore(line int) int {
	if line > len(d.lines) {
		return 0
	}
	return utf8.RuneCountInString(tag.FindString(d.lines[line-1]))
}

// reason returns the YAML library's message about a whole file.
func reason(err error) string {
	if at, is := errors.AsType[*yaml.LoadError](err); is {
		return strings.TrimPrefix(at.Message, "yaml: ")
	}
	return err.Error()
}

// Fault records a fault at a place. Line 0 means the whole file.
func (d *Document) Fault(line, column int, format string, arguments ...any) {
	d.Faults = append(d.Faults, Fault{d.File, line, column, fmt.Sprintf(format, arguments...)})
}
