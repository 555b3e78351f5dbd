package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// runFolder holds everything that a dev stack keeps: databases, mail, logs. Removing it while none runs starts anew.
const runFolder = ".run"

// lock makes sure that one dev stack at a time uses a folder. The kernel opens the lock when its holder ends.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make a folder for the dev stack's data: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("another dev stack uses %s: stop it first", dir)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// The keys in the folder. With another fingerprint key, yesterday's cards would be strangers; with another link key, the
// links in yesterday's mail would be none.
const (
	fingerprintKey = "card-fingerprint-key"
	linkKey        = "alert-link-key"
)

// keptKey is a key in the folder, made on the first run.
func keptKey(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the %s: %w", name, err)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	key := hex.EncodeToString(secret)
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	return key, nil
}
