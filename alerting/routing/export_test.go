package routing

import "io/fs"

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
