package routing

import (
	"context"
	"io/fs"
	"time"
)

// Look looks at the files once, as Run does every two seconds.
func (s *Source) Look(ctx context.Context, now time.Time) { s.look(ctx, now) }

// Read reads a file that names others.
func Read(content string, named map[string]string) (*Config, error) {
	read, err := read("alertman.yaml", []byte(content), func(file string, _ int) ([]byte, error) {
		text, is := named[file]
		if !is {
			return nil, &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
		}
		return []byte(text), nil
	})
	return read.config, err
}
