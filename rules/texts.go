package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"dummyorders/domain/ruleset"
	"dummyorders/internal/reload"
)

// ReadFiles returns the texts of a ruleset's files, all but hidden ones, and when one of them was changed last, if that is known. It
// fails if they are too large to be edited.
func ReadFiles(files fs.FS) (all ruleset.Files, changed time.Time, err error) {
	all = ruleset.Files{}
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(entry.Name(), "."): // as Kubernetes' ..data
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		content, err := reload.Content(files, name, ruleset.MaxSize)
		if err != nil {
			return err
		}
		all[name] = string(content)
		if info, err := entry.Info(); err == nil && info.ModTime().After(changed) {
			changed = info.ModTime()
		}
		return nil
	})
	if err != nil {
		return nil, changed, fmt.Errorf("read the ruleset's files: %w", err)
	}
	if wrong := all.Wrong(); wrong != "" {
		return nil, changed, errors.New("read the ruleset's files: " + wrong)
	}
	return all, changed, nil
}
