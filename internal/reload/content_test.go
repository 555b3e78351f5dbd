package reload_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"dummyorders/internal/reload"
)

// Content of what is not a file, or too large, is refused.
func TestContentRefuses(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, []byte("12345"), 0o600))
	content, err := reload.Content(reload.Disk{}, file, 5)
	require.NoError(t, err)
	require.Equal(t, "12345", string(content))
	for name, want := range map[string]string{folder: "it is not a regular file", file: "it is larger than 4 bytes", os.DevNull: "it is not a regular file"} {
		_, err := reload.Content(reload.Disk{}, name, 4)
		require.EqualError(t, err, "read "+name+": "+want)
		require.ErrorIs(t, err, reload.UnfitError(want))
	}
	_, err = reload.Content(reload.Disk{}, filepath.Join(folder, "none"), 5)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The state differs with each name and content.
func TestStateDiffers(t *testing.T) {
	states := map[string]string{}
	for name, files := range map[string]fstest.MapFS{
		"none":       {},
		"one":        {"a": {Data: []byte("1")}},
		"longer":     {"a": {Data: []byte("12")}},
		"too large":  {"a": {Data: []byte("1234567890a")}},
		"both":       {"a": {Data: []byte("1")}, "b": {Data: []byte("2")}},
		"other way":  {"a": {Data: []byte("2")}, "b": {Data: []byte("1")}},
		"all in one": {"a": {Data: []byte("12")}, "b": {}},
	} {
		state := reload.State(files, 10, "a", "b")
		require.Equal(t, state, reload.State(files, 10, "a", "b"))
		states[state] = name
	}
	require.Len(t, states, 6, "what is missing and what is too large are both unreadable: %v", states)
}
