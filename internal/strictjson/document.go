// Package strictjson reads a JSON document and reports everything wrong with it at once, each fault with the JSON
// Pointer (RFC 6901) of its place. It keeps numbers as they were written, and finds duplicate and unknown members,
// which encoding/json silently ignores.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds nesting, so that a hostile document cannot exhaust the stack. Honest documents here are less deep.
const maxDepth = 32

// maxFaults bounds the number of faults that a hostile document can produce.
const maxFaults = 100

// Fault is one thing wrong with a document. It never repeats the faulty value.
type Fault struct {
	Pointer string
	Detail  string
}

// Document is a parsed document and the faults found in it so far.
type Document struct {
	root   *Value
	faults []Fault
}

// Parse parses a whole document. It returns an error only if body is not JSON, saying where. Faults in the content are
// found when the values are read.
func Parse(body []byte) (*Document, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not valid UTF-8")
	}
	if err := json.Unmarshal(body, new(json.RawMessage)); err != nil {
		return nil, syntaxError(body, err)
	}
	d := &Document{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	root, err := d.read(decoder, "", 0)
	if err != nil {
		return nil, err
	}
	d.root = root
	return d, nil
}

// Root returns the document's outermost value.
func (d *Document) Root() *Value {
	return d.root
}

// Faults returns the faults found so far, in the order in which they were found.
func (d *Document) Faults() []Fault {
	return d.faults
}

func (d *Document) fault(pointer, detail string) {
	if len(d.faults) < maxFaults {
		d.faults = append(d.faults, Fault{Pointer: pointer, Detail: detail})
	}
}

func (d *Document) read(decoder *json.Decoder, pointer string, depth int) (*Value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the body is nested more than %d levels deep", maxDepth)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	v := &Value{doc: d, pointer: pointer}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return v, d.readMembers(decoder, v, depth)
		}
		return v, d.readElements(decoder, v, depth)
	case string:
		v.kind, v.text = String, t
	case json.Number:
		v.kind, v.text = Number, t.String()
	case bool:
		v.kind, v.text = Bool, strconv.FormatBool(t)
	default:
		v.kind = Null
	}
	return v, nil
}

func (d *Document) readMembers(decoder *json.Decoder, v *Value, depth int) error {
	v.kind, v.members = Object, map[string]*Value{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("the body is not JSON: %w", err)
		}
		name, _ := token.(string)
		pointer := v.pointer + "/" + escape(name)
		member, err := d.read(decoder, pointer, depth+1)
		if err != nil {
			return err
		}
		if _, twice := v.members[name]; twice {
			d.fault(pointer, "appears more than once")
			continue
		}
		v.members[name] = member
		v.names = append(v.names, name)
	}
	_, err := decoder.Token()
	return err
}

func (d *Document) readElements(decoder *json.Decoder, v *Value, depth int) error {
	v.kind = Array
	for decoder.More() {
		element, err := d.read(decoder, v.pointer+"/"+strconv.Itoa(len(v.elements)), depth+1)
		if err != nil {
			return err
		}
		v.elements = append(v.elements, element)
	}
	_, err := decoder.Token()
	return err
}

// syntaxError says where the document stops being valid JSON, by line and column as editors count them.
func syntaxError(body []byte, err error) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("the body is empty; a JSON object is expected")
	}
	syntax, is := errors.AsType[*json.SyntaxError](err)
	if !is {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	before := body[:min(int(syntax.Offset), len(body))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Errorf("the body is not JSON: line %d, column %d: %w", line, column, syntax)
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

func escape(name string) string { return escaper.Replace(name) }
