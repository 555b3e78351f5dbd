package routing

import "testing/fstest"

// Read reads a file that names others.
func Read(content string, named map[string]string) (*Config, error) {
	files := fstest.MapFS{}
	for name, text := range named {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	read, err := read("alertman.yaml", []byte(content), files, true)
	return read.config, err
}
