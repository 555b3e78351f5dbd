package api

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"dummyorders/internal/strictjson"
)

// member is a member of an object in a request's body. The same schema is used to read it, and to describe it in the
// OpenAPI document.
type member[T any] struct {
	name     string
	required bool
	schema   *huma.Schema
	// read adds a value to into. The value has the schema's kind and is within its bounds, except for bounds of numbers:
	// read checks those itself, exactly, and whatever else a schema cannot express.
	read func(v *strictjson.Value, into *T)
}

// object lists what a body, or a part of one, may hold; anything else is refused. Its name is the name of its schema in the
// OpenAPI document.
type object[T any] struct {
	name     string
	optional bool // null counts as absent
	// open is for bodies of other programs: members that are not listed are left, and reading masks what could be a card number.
	open    bool
	members []member[T]
}

// bodyRequest describes for huma an operation that takes a body and no parameters. The body is read by its table.
type bodyRequest struct {
	RawBody []byte `contentType:"application/json"`
}

// answered is an answer with a body alone.
type answered[T any] struct{ Body T }

// answering returns a function that answers with what do returns.
func answering[In, Out any](do func(context.Context, *In) (Out, error)) func(context.Context, *In) (*answered[Out], error) {
	return func(ctx context.Context, in *In) (*answered[Out], error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, err
		}
		return &answered[Out]{out}, nil
	}
}

// readBody returns all faults at once, as a *Problem. what names the thing that cannot be accepted.
func readBody[T any](body []byte, o object[T], what string) (T, error) {
	var read T
	doc, err := strictjson.Parse(body)
	if err != nil {
		return read, problem(http.StatusBadRequest, err.Error())
	}
	if root := doc.Root(); root.Is(strictjson.Object) {
		if !o.open {
			refuseVerificationValues(root)
			refuseAnyCardNumber(root)
		}
		o.read(root, &read)
	}
	if faults := doc.Faults(); len(faults) > 0 {
		return read, invalid(what, faults)
	}
	return read, nil
}

// read reads the members in the table's order. An optional member that is null counts as absent.
func (o object[T]) read(v *strictjson.Value, into *T) {
	for _, m := range o.members {
		value := v.Optional(m.name)
		switch {
		case m.required:
			value = v.Required(m.name)
		case value.Kind() == strictjson.Null:
			continue
		}
		if conforms(value, m.schema) {
			m.read(value, into)
		}
	}
	if !o.open {
		v.RefuseUnknown()
	}
}

// reference returns a schema that refers to the object.
func (o object[T]) reference() *huma.Schema {
	return &huma.Schema{Ref: schemaPrefix + o.name}
}

// takesBody has an operation read a body of at most so many bytes, before the last of its middlewares, or soon, takes a place for the
// request. The body is checked by readBody, not by huma.
func takesBody(most int64, operation huma.Operation) huma.Operation {
	operation.SkipValidateBody = true
	operation.MaxBodyBytes = 2 * most // limitTo has refused larger ones already
	operation.Middlewares = slices.Insert(operation.Middlewares, max(0, len(operation.Middlewares)-1), before(limitTo(most)))
	operation.Errors = append(operation.Errors, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	return operation
}

const schemaPrefix = "#/components/schemas/"

// describe adds the object to the document's schemas.
func (o object[T]) describe(document *huma.OpenAPI) *huma.Schema {
	s := &huma.Schema{
		Type: huma.TypeObject, Nullable: o.optional, AdditionalProperties: o.open, Properties: map[string]*huma.Schema{},
	}
	for _, m := range o.members {
		s.Properties[m.name] = m.schema
		if m.required {
			s.Required = append(s.Required, m.name)
		}
	}
	document.Components.Schemas.Map()[o.name] = s
	return s
}

// conforms reports whether the value exists and matches the schema, apart from the bounds of numbers. If it exists and does
// not match, that is a fault.
func conforms(v *strictjson.Value, s *huma.Schema) bool {
	if !v.Is(kindsOf(s)...) {
		return false
	}
	fault := ""
	switch {
	case v.Kind() == strictjson.String:
		fault = textFault(v.Literal(), s)
	case s.MaxItems != nil && len(v.Elements()) > *s.MaxItems:
		fault = "must hold at most " + strconv.Itoa(*s.MaxItems) + " items"
	case s.MaxProperties != nil && len(v.Names()) > *s.MaxProperties:
		fault = "must hold at most " + strconv.Itoa(*s.MaxProperties) + " entries"
	}
	if fault != "" {
		v.Fault(fault)
	}
	return fault == ""
}

var kindOf = map[string]strictjson.Kind{
	huma.TypeString: strictjson.String, huma.TypeNumber: strictjson.Number, huma.TypeInteger: strictjson.Number,
	huma.TypeBoolean: strictjson.Bool, huma.TypeArray: strictjson.Array, huma.TypeObject: strictjson.Object,
}

func kindsOf(s *huma.Schema) []strictjson.Kind {
	if s.Ref != "" {
		return []strictjson.Kind{strictjson.Object}
	}
	if len(s.AnyOf) == 0 {
		return []strictjson.Kind{kindOf[s.Type]}
	}
	var kinds []strictjson.Kind
	for _, branch := range s.AnyOf {
		kinds = append(kinds, kindOf[branch.Type])
	}
	return kinds
}

// textFault returns what is wrong with a text by the schema, or nothing if it is right.
func textFault(text string, s *huma.Schema) string {
	for _, branch := range s.AnyOf {
		if branch.Type == huma.TypeString {
			s = branch
		}
	}
	switch {
	case s.MinLength != nil && strings.Trim(text, " \u00a0") == "":
		return "must not be empty"
	case s.MaxLength != nil && utf8.RuneCountInString(text) > *s.MaxLength:
		return "must have at most " + strconv.Itoa(*s.MaxLength) + " characters"
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, any(text)):
		return "must be " + oneOf(s.Enum)
	case s.Pattern != "" && !patterns[s.Pattern].form.MatchString(text):
		return patterns[s.Pattern].fault
	}
	return ""
}

// wholeNumber is for a whole number, which readInteger reads.
func wholeNumber(least, most int, doc string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64(least)), Maximum: new(float64(most)), Examples: []any{least}, Description: doc}
}

func readInteger(v *strictjson.Value, least, most int) int {
	number, err := strconv.Atoi(v.Literal())
	if err != nil || number < least || number > most {
		v.Fault(fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
	return number
}

// oneOf writes choices as people do: a, b or c.
func oneOf(choices []any) string {
	words := make([]string, len(choices))
	for i, choice := range choices {
		words[i], _ = choice.(string)
	}
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// patterns holds the schemas' patterns, with the fault for a text that does not match.
var patterns = map[string]struct {
	form  *regexp.Regexp
	fault string
}{}

// pattern registers the form of a text, and returns it. Go and ECMA 262, which schemas use, must read it alike.
func pattern(form, fault string) string {
	patterns[form] = struct {
		form  *regexp.Regexp
		fault string
	}{regexp.MustCompile(form), fault}
	return form
}

// The schemas of bodies' members.

// requiredText is for a text that is taken as it is: it must hold something visible, and no control characters.
func requiredText(limit int, doc, example string) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, MinLength: new(1), MaxLength: &limit, Pattern: textPattern, Description: doc, Examples: []any{example},
	}
}

var textPattern = pattern(`^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$`, "must not hold control characters")

// optionalText is for a text that is cleaned (see clean). An empty one counts as absent.
func optionalText(limit int, doc string, examples ...any) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true, MaxLength: &limit, Description: doc, Examples: examples}
}

// signal is for an optional text in any form: one that cannot be read is left out.
func signal(doc, example string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true, Description: doc, Examples: []any{example}}
}

func choice(doc string, words ...any) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: words, Description: doc}
}
