// Package stack starts and stops the real servers that the service stands on, and the service's own processes: for
// the dev stack, and for tests. Everything it starts listens on the loopback interface only, runs without root, keeps
// its data under one folder, and leaves nothing running.
package stack

import (
	"errors"
	"os"
	"path/filepath"
)

// Root is the project's folder: the nearest one above the working directory that holds a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the project's folder: no go.mod in the working directory or above it")
		}
		dir = parent
	}
}
