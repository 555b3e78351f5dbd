// Package timezone loads time zones from data that is part of the program, so that a zone means the same on every
// machine. Go's time.LoadLocation prefers the machine's own data, which may be years old.
package timezone

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// The data is that of the Go release that the module is built with, and a test holds that it is.
//
//go:generate sh -c "cp \"$(go env GOROOT)/lib/time/zoneinfo.zip\" . && sed -n s/^DATA=//p \"$(go env GOROOT)/lib/time/update.bash\" > version.txt"
var (
	//go:embed zoneinfo.zip
	data []byte
	//go:embed version.txt
	version string
)

// Version returns the release of IANA's time zone database that Load uses, such as 2025c.
func Version() string {
	return strings.TrimSpace(version)
}

// Load returns a time zone by its name in the IANA database, such as Asia/Kolkata. It refuses Local, which differs
// between machines.
func Load(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	zones, err := archive()
	if err != nil {
		return nil, fmt.Errorf("read the time zone database: %w", err)
	}
	file, err := zones.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the time zone %q is not known", name)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("the time zone %q is not known", name) // a folder, such as Asia
	}
	zone, err := time.LoadLocationFromTZData(name, content)
	if err != nil {
		return nil, fmt.Errorf("read the time zone %q: %w", name, err)
	}
	return zone, nil
}

var archive = sync.OnceValues(func() (*zip.Reader, error) {
	return zip.NewReader(bytes.NewReader(data), int64(len(data)))
})
