// Package textfile reads text as the editors and shells of any system write it.
package textfile

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ErrNotUTF8 means that a file is not readable text.
var ErrNotUTF8 = errors.New("is not UTF-8")

// Text returns a file's content in UTF-8 with \n at the end of each line. It skips a byte order mark. If the mark says
// that the content is UTF-16, as Windows PowerShell writes it, Text decodes that.
func Text(content []byte) (string, error) {
	decoded, _, err := transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), content)
	if err != nil || !utf8.Valid(decoded) {
		return "", ErrNotUTF8
	}
	return strings.ReplaceAll(string(decoded), "\r\n", "\n"), nil
}
