// Package strictjson reads a JSON document so that everything wrong with it can be told at once, each fault with the
// JSON Pointer (RFC 6901) of where it is. It keeps numbers as they were written, and notices duplicate and unknown
// members, which encoding/json passes over in silence.
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

// maxDepth is deeper than any honest document here, and keeps the reader off a hostile one's bottom.
const maxDepth = 32

// maxFaults bounds what a hostile document can make us say about it.
const maxFaults = 100

// Fault is one thing wrong. It never repeats the value it is about.
type Fault struct {
	Pointer string
	Detail  string
}

// Document is a parsed document and the faults found in it so far.
type Document struct {
	root   *Value
	faults []Fault
}

// Parse reads a whole document. It fails when body is not JSON, saying where; faults of content come later.
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

// Root is the document's outermost value.
func (d *Document) Root() *Value {
	return d.root
}

// Faults are all those found so far, in the order they were found.
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

// syntaxError says where the document stops being JSON, in the terms of an editor.
func syntaxError(body []byte, err error) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("the body is empty; a JSON object is expected")
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	before := body[:min(int(syntax.Offset), len(body))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Errorf("the body is not JSON: line %d, column %d: %w", line, column, syntax)
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
