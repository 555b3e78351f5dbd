package deploy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// variables returns the names in the tags of cmd/orders' environment, which cannot be imported.
func variables(t *testing.T) []string {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), root+"/cmd/orders/environment.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var names []string
	ast.Inspect(source, func(node ast.Node) bool {
		if field, ok := node.(*ast.Field); ok && field.Tag != nil {
			tag, err := strconv.Unquote(field.Tag.Value)
			require.NoError(t, err)
			name, _, _ := strings.Cut(reflect.StructTag(tag).Get("env"), ",")
			require.NotEmpty(t, name, tag)
			names = append(names, name)
		}
		return true
	})
	require.NotEmpty(t, names)
	return names
}
