package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"dummyorders/domain/ruleset"
	"dummyorders/internal/reload"
)

// ReadFiles returns the texts of a ruleset's files, all but hidden ones, and when one of them was changed last, if that is known. It
// fails if they are too large to be edited. A folder behind a link is read if the link is at the top, as in the volume of a ConfigMap, where
// rules leads to ..data/rules: so no link leads in a circle.
func ReadFiles(files fs.FS) (all ruleset.Files, changed time.Time, err error) {
	all = ruleset.Files{}
	read := func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(path.Base(name), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := fs.Stat(files, name)
		if err != nil || info.IsDir() {
			return err
		}
		content, err := reload.Content(files, name, ruleset.MaxSize)
		if err != nil {
			return err
		}
		all[name] = string(content)
		if info.ModTime().After(changed) {
			changed = info.ModTime()
		}
		return nil
	}
	top, err := fs.ReadDir(files, ".")
	for _, entry := range top {
		if err == nil && !strings.HasPrefix(entry.Name(), ".") {
			err = fs.WalkDir(files, entry.Name(), read) // it follows a link where it begins, and no other
		}
	}
	if err != nil {
		return nil, changed, fmt.Errorf("read the ruleset's files: %w", err)
	}
	if wrong := all.Wrong(); wrong != "" {
		return nil, changed, errors.New("read the ruleset's files: " + wrong)
	}
	return all, changed, nil
}
