package strictjson_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/strictjson"
)

func parse(t testing.TB, text string) *strictjson.Document {
	t.Helper()
	doc, err := strictjson.Parse([]byte(text))
	require.NoError(t, err)
	return doc
}

func TestNumbersStayAsWritten(t *testing.T) {
	doc := parse(t, `{"a": 123.00, "b": 1234567890123456789, "c": 1e2}`)
	for name, want := range map[string]string{"a": "123.00", "b": "1234567890123456789", "c": "1e2"} {
		assert.Equal(t, want, doc.Root().Required(name).Literal(), name)
	}
}

// Every fault is found with its pointer.
func TestFaults(t *testing.T) {
	doc := parse(t, `{"a": 1, "a": 2, "list": [{"x": 1}, 7], "odd/~": 1}`)
	root := doc.Root()
	root.Required("a").Is(strictjson.String, strictjson.Object)
	root.Required("missing")
	for _, element := range root.Optional("list").Elements() {
		element.Is(strictjson.Object)
		element.RefuseUnknown()
	}
	root.RefuseUnknown()
	want := []strictjson.Fault{
		{"/a", "appears more than once"},
		{"/a", "must be a string or an object"},
		{"/missing", "is required"},
		{"/list/0/x", "is not a known field"},
		{"/list/1", "must be an object"},
		{"/odd~1~0", "is not a known field"},
	}
	assert.Empty(t, cmp.Diff(want, doc.Faults()))
}

// An absent value reads as nothing and is not a fault.
func TestAbsentValue(t *testing.T) {
	doc := parse(t, `{}`)
	absent := doc.Root().Optional("a").Required("b").Optional("c")
	if absent != nil || absent.Is(strictjson.String) || absent.Literal() != "" || absent.Kind() != "" || len(absent.Elements()) > 0 || len(absent.Names()) > 0 {
		t.Errorf("%+v", absent)
	}
	absent.Fault("nothing")
	absent.RefuseUnknown()
	assert.Empty(t, doc.Faults())
}

// The faults reported for a hostile document are bounded.
func TestFaultsAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range 500 {
		text.WriteString(`,"` + strconv.Itoa(i) + strings.Repeat("x", 1000) + `":1`)
	}
	doc := parse(t, "{"+text.String()[1:]+"}")
	doc.Root().RefuseUnknown()
	assert.Len(t, doc.Faults(), 100)
}

// FuzzParse checks for any input that Parse never panics, and accepts exactly what encoding/json accepts, except for
// invalid UTF-8 and deep nesting.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,{"b":null}],"a":true}`, `"\ud800"`, `[[[[`, `{"a":1}}`, ` `, `-0.0e+1`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := strictjson.Parse([]byte(text))
		if err == nil && !json.Valid([]byte(text)) {
			t.Fatalf("took %q", text)
		}
		if err != nil && json.Valid([]byte(text)) && !strings.Contains(err.Error(), "UTF-8") && !strings.Contains(err.Error(), "deep") {
			t.Fatalf("refused %q: %v", text, err)
		}
		if err == nil {
			doc.Root().RefuseUnknown()
			doc.Root().Walk(func(string, *strictjson.Value) {})
		}
	})
}
