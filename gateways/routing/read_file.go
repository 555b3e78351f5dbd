package routing

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"dummyorders/internal/yamlfile"
)

// How large files may be, in bytes.
const (
	maxFile   = 1 << 20
	maxSecret = 64 << 10
)

// opener reads a file that has at most some bytes.
type opener func(file string, most int) ([]byte, error)

func contentOf(file string, most int) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", file)
	}
	opened, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(io.LimitReader(opened, int64(most)+1))
	if err == nil && len(content) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, most)
	}
	return content, err
}

// digested counts a file in. Its length goes before it, so that no two readings are the same bytes.
func (r *reader) digested(file string, content []byte) {
	r.files = append(r.files, file)
	_, _ = fmt.Fprintf(r.digest, "%d %s %d ", len(file), filepath.Base(file), len(content))
	_, _ = r.digest.Write(content)
}

// named is the content of a file that a value names; where it cannot be read, that is a fault.
func (r *reader) named(v *yamlfile.Value, most int) (string, bool) {
	name := v.Words()
	if name == "" {
		return "", false
	}
	file := filepath.FromSlash(name)
	if !filepath.IsAbs(file) {
		file = filepath.Join(r.folder, file)
	}
	content, err := r.open(file, most)
	r.digested(file, content)
	if err != nil {
		v.Fault("the file %s cannot be read: %v", file, cause(err))
		return "", false
	}
	return string(content), true
}

// cause is an error without the file's name, which is told anyway.
func cause(err error) error {
	if of, is := errors.AsType[*fs.PathError](err); is {
		return of.Err
	}
	return err
}
