// Package stack starts and stops the real servers that the service depends on, and the service's own processes. The dev
// stack and tests use it. Everything it starts listens on the loopback interface only, runs without root, keeps its
// data under one folder, and leaves no process behind.
package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// oldestServer is the minor version of Temporal's server (1.N) that this was written with. Older servers support
// update-with-start only behind a setting.
const oldestServer = 29

// debianRabbitMQ is the path of the server's own script on Debian. The one in /usr/sbin wraps it and insists on running
// as the user rabbitmq.
const debianRabbitMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// debianPostgres matches the folders with the programs of each PostgreSQL version on Debian. Most of them are not on
// PATH.
const debianPostgres = "/usr/lib/postgresql/*/bin"

// The packages that internal/tools/npm lists are installed in .run, which Go and Docker ignore.
const (
	npmSource = "internal/tools/npm"
	npmFolder = ".run/npm"
	npmLock   = "package-lock.json"
)

// FindNPM returns the folder of the packages that internal/tools/npm lists. The error is os.ErrNotExist if they were
// never installed.
func FindNPM(root string) (string, error) {
	modules := filepath.Join(root, npmFolder, "node_modules")
	// npm ci writes this file last.
	if _, err := os.Stat(filepath.Join(modules, "."+npmLock)); err != nil {
		return "", fmt.Errorf("find what %s lists: %w; make lint installs it", npmSource, err)
	}
	wanted, err := os.ReadFile(filepath.Join(root, npmSource, npmLock))
	if err != nil {
		return "", err
	}
	installed, err := os.ReadFile(filepath.Join(root, npmFolder, npmLock))
	if err != nil {
		return "", err
	}
	if !bytes.Equal(wanted, installed) {
		return "", fmt.Errorf("find what %s lists: other versions are installed; make lint installs these", npmSource)
	}
	return modules, nil
}

// FindTemporal returns the path of a temporal CLI that can run our dev server: the project's own, else the one on PATH.
func FindTemporal(ctx context.Context, root string) (string, error) {
	own := filepath.Join(root, "bin", "temporal")
	err := temporalServes(ctx, own)
	if err == nil {
		return own, nil
	}
	onPath, lookErr := exec.LookPath("temporal")
	if lookErr != nil {
		return "", fmt.Errorf("find a temporal CLI: %w, and none is on PATH; make build brings one", err)
	}
	if pathErr := temporalServes(ctx, onPath); pathErr != nil {
		return "", fmt.Errorf("find a temporal CLI: %w; %w; make build brings one", err, pathErr)
	}
	return filepath.Abs(onPath)
}

var serverVersion = regexp.MustCompile(`Server 1\.(\d+)\.`)

// temporalServes returns why the program cannot run our dev server, or nil if it can.
func temporalServes(ctx context.Context, path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s does not exist", path)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	printed, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", path, err)
	}
	version := serverVersion.FindSubmatch(printed)
	if version == nil {
		return fmt.Errorf("%s --version names no Temporal server: %.80q", path, printed)
	}
	if minor, err := strconv.Atoi(string(version[1])); err != nil || minor < oldestServer {
		return fmt.Errorf("%s has Temporal server 1.%s, and 1.%d or later is needed", path, version[1], oldestServer)
	}
	if err := exec.CommandContext(ctx, path, "server", "start-dev", "--help").Run(); err != nil {
		return fmt.Errorf("%s has no dev server: %w", path, err)
	}
	return nil
}

// findRabbitMQ returns the path of rabbitmq-server.
func findRabbitMQ() (string, error) {
	if _, err := os.Stat(debianRabbitMQ); err == nil {
		return debianRabbitMQ, nil
	}
	onPath, err := exec.LookPath("rabbitmq-server")
	if err != nil {
		return "", errors.New("find RabbitMQ: it is not installed; make run installs it")
	}
	return filepath.EvalSymlinks(onPath)
}

// findPostgres returns the folder of PostgreSQL's programs: those of Debian's newest version, else those on PATH.
func findPostgres() (string, error) {
	folders, err := filepath.Glob(debianPostgres)
	if err != nil {
		return "", err
	}
	version := func(folder string) int {
		number, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder))) // a folder that is not a number sorts as the oldest
		return number
	}
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	if onPath, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(onPath))
	}
	for _, folder := range folders { // the client's package creates a folder without a server
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("find PostgreSQL: it is not installed; make test installs it")
}

// Root returns the project's folder: the nearest one above the working directory that holds a go.mod.
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
