package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The fingerprint key is made once, and only its owner can read it.
func TestKeptKey(t *testing.T) {
	dir := t.TempDir()
	key, err := keptKey(dir, fingerprintKey)
	require.NoError(t, err)
	require.Len(t, key, 64)
	again, err := keptKey(dir, fingerprintKey)
	require.NoError(t, err)
	require.Equal(t, key, again)
	info, err := os.Stat(filepath.Join(dir, "card-fingerprint-key"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	other, err := keptKey(t.TempDir(), fingerprintKey)
	require.NoError(t, err)
	require.NotEqual(t, key, other)
}

// One dev stack at a time uses a folder.
func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	held, err := lock(dir)
	require.NoError(t, err)
	_, err = lock(dir)
	require.EqualError(t, err, "another dev stack uses "+dir+": stop it first")
	require.NoError(t, held.Close())
	held, err = lock(dir)
	require.NoError(t, err)
	require.NoError(t, held.Close())
}
