package strictjson_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/strictjson"
)

func canonical(t *testing.T, text string) string {
	t.Helper()
	doc, err := strictjson.Parse([]byte(text))
	require.NoError(t, err)
	return string(doc.Root().Canonical())
}

// Documents that say the same have the same canonical text.
func TestCanonical(t *testing.T) {
	const want = `{"a":[1,true,null,"é/"],"b":{"x":{},"y":[]}}`
	for _, text := range []string{
		want,
		` { "b" : {"y":[ ], "x":{ }},` + "\n\t" + `"a" : [ 1, true, null, "\u00e9\/" ] } `,
		`{"\u0061":[1,true,null,"é/"],"b":{"y":[],"x":{}}}`,
	} {
		if got := canonical(t, text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// Documents that say different things have different canonical texts.
func TestCanonicalDiffers(t *testing.T) {
	forms := map[string]string{}
	for _, text := range []string{
		`{}`, `[]`, `null`, `""`, `"null"`, `true`, `false`, `"true"`, `0`, `0.0`, `0e0`, `"0"`, `[0]`, `[[0]]`, `[0,0]`,
		`{"a":0}`, `{"a":"0"}`, `{"a":null}`, `{"a":0,"b":0}`, `{"a":{"b":0}}`, `["a","b"]`, `["b","a"]`, `["a,b"]`,
		`["a\",\"b"]`, `{"a\":0,\"b":0}`,
	} {
		got := canonical(t, text)
		other, twice := forms[got]
		assert.False(t, twice, "%s and %s are both %s", text, other, got)
		forms[got] = text
	}
}
