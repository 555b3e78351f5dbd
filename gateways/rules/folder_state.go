package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// folderState stands for the contents of all files of a folder that a ruleset there is made of. Files that are missing
// count as such.
func folderState(folder string, lists []string) (string, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", fmt.Errorf("look at ruleset: %w", err)
	}
	defer func() { _ = root.Close() }()
	files := []string{mainFile}
	for _, of := range []string{rulesFolder, casesFolder} {
		entries, err := fs.ReadDir(root.FS(), of)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look at ruleset %s: %w", folder, err)
		}
		for _, entry := range entries {
			if ext := path.Ext(entry.Name()); !isHidden(entry.Name()) && (ext == extension || ext == otherExtension) {
				files = append(files, path.Join(of, entry.Name()))
			}
		}
	}
	var d digest
	for _, file := range append(files, lists...) {
		content, err := fs.ReadFile(root.FS(), file)
		if err != nil {
			content = []byte("cannot be read")
		}
		d.add(file, content)
	}
	return d.sum(), nil
}
