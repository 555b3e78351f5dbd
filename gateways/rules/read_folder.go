package rules

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// listsFolder is where lists usually are: they may be anywhere in the ruleset's folder.
const listsFolder = "lists"

// hasRules says whether there is any file of rules, whatever its name ends in: a ruleset without one was moved or renamed.
func (r *reader) hasRules() (bool, error) {
	entries, err := fs.ReadDir(r.files, rulesFolder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		ext := path.Ext(entry.Name())
		return !isHidden(entry.Name()) && (ext == extension || ext == otherExtension)
	}), nil
}

// warnOfStrangers warns of what stands in the ruleset's folder and is not read: it may be a name with a slip.
func (r *reader) warnOfStrangers() error {
	known := []string{mainFile, rulesFolder, casesFolder, listsFolder}
	for _, file := range r.listFiles {
		first, _, _ := strings.Cut(file, "/")
		known = append(known, first)
	}
	entries, err := fs.ReadDir(r.files, ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if !slices.Contains(known, name) && !isHidden(name) && path.Ext(name) != ".md" {
			r.warnings = append(r.warnings, Fault{File: name, Text: "is not read: a ruleset is made of " + mainFile + ", " +
				rulesFolder + "/, " + casesFolder + "/ and the files of its lists"})
		}
	}
	return nil
}
