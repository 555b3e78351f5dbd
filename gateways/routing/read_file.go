package routing

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dummyorders/internal/textfile"
	"dummyorders/internal/yamlfile"
)

// maxFile is how large a file may be, in bytes.
const maxFile = 1 << 20

// holding is what a file is named for.
type holding struct {
	most   int // bytes
	secret bool
}

var (
	holdsText   = holding{most: maxFile}
	holdsSecret = holding{most: 64 << 10, secret: true}
)

// opener reads a file that has at most some bytes. Its errors are of fs.PathError: what it wraps does not name the file.
type opener func(file string, most int) ([]byte, error)

func contentOf(file string, most int) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: file, Err: errors.New("it is no regular file")}
	}
	opened, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(io.LimitReader(opened, int64(most)+1))
	if err == nil && len(content) > most {
		return nil, &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("it is larger than %d bytes", most)}
	}
	return content, err
}

// digested counts a file in. Its length goes before it, so that no two readings are the same bytes.
func (r *reader) digested(file string, content []byte) {
	r.files = append(r.files, file)
	_, _ = fmt.Fprintf(r.digest, "%d %s %d ", len(file), filepath.Base(file), len(content))
	_, _ = r.digest.Write(content)
}

// named is the content of a file that a value names. That it cannot be read, or is blank, is a fault; where it holds a
// secret, one without its name: somebody may have written the secret itself there, and line and column say which is meant.
func (r *reader) named(v *yamlfile.Value, it holding) (string, bool) {
	name := v.Words()
	if name == "" {
		return "", false
	}
	file := filepath.FromSlash(name)
	if !filepath.IsAbs(file) {
		file = filepath.Join(r.folder, file)
	}
	called := "the file " + file
	if it.secret {
		called = "the file named here"
	}
	content, err := r.open(file, it.most)
	r.digested(file, content)
	if err != nil {
		v.Fault("%s cannot be read: %v", called, cause(err))
		return "", false
	}
	text, err := textfile.Text(content)
	switch {
	case err != nil:
		v.Fault("%s %v: it must be text in UTF-8", called, err)
		return "", false
	case strings.TrimSpace(text) == "":
		v.Fault("%s is empty", called)
		return "", false
	}
	return text, true
}

// cause is an error without the file's name.
func cause(err error) error {
	if of, is := errors.AsType[*fs.PathError](err); is {
		return of.Err
	}
	return errors.New("something is wrong with it")
}
