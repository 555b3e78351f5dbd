package textfile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/textfile"
)

// A text is the same whatever editor wrote it.
func TestEncodings(t *testing.T) {
	for name, content := range map[string]string{
		"as it is":           "a ü\nb\n",
		"CRLF":               "a ü\r\nb\r\n",
		"a mark":             "\xef\xbb\xbfa ü\nb\n",
		"a mark and CRLF":    "\xef\xbb\xbfa ü\r\nb\r\n",
		"UTF-16, as Windows": "\xff\xfea\x00 \x00\xfc\x00\r\x00\n\x00b\x00\r\x00\n\x00",
		"UTF-16, big first":  "\xfe\xff\x00a\x00 \x00\xfc\x00\n\x00b\x00\n",
	} {
		text, err := textfile.Text([]byte(content))
		require.NoError(t, err, name)
		assert.Equal(t, "a ü\nb\n", text, name)
	}
	text, err := textfile.Text(nil)
	require.NoError(t, err)
	assert.Empty(t, text)
	_, err = textfile.Text([]byte("a \xfc"))
	require.ErrorIs(t, err, textfile.ErrNotUTF8)
}
