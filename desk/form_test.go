package desk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A form that is too large is refused before anything is done.
func TestLargeForm(t *testing.T) {
	w := newWorld(t)
	w.signIn("ada", "analyst")
	before := len(w.api.asked)
	for _, path := range []string{"/transactions/1/labels", "/rules/try", "/rules/workbench", "/people/keys"} {
		status, page := w.post(path, url.Values{"page": {"/you"}, "body": {strings.Repeat("x", 1<<20)}})
		assert.Equal(t, http.StatusRequestEntityTooLarge, status, path)
		assert.Contains(t, page, "has more than 1 MiB", path)
	}
	assert.Len(t, w.api.asked, before)
}
