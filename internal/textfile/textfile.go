// Package textfile reads what editors and shells of any system write as text.
package textfile

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ErrNotUTF8 means that a file is no text that can be read.
var ErrNotUTF8 = errors.New("is not UTF-8")

// Text is a file's content in UTF-8 and with \n at the end of a line. A byte order mark is passed over; where it says that the
// content is UTF-16, as Windows PowerShell writes it, that is decoded.
func Text(content []byte) (string, error) {
	decoded, _, err := transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), content)
	if err != nil || !utf8.Valid(decoded) {
		return "", ErrNotUTF8
	}
	return strings.ReplaceAll(string(decoded), "\r\n", "\n"), nil
}
