package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"dummyorders/internal/yamlfile"
)

// The files of a ruleset.
const (
	mainFile    = "ruleset.yaml"
	rulesFolder = "rules"
	casesFolder = "cases"
	extension   = ".yaml"

	// otherExtension is refused, so that nobody wonders why a file is not read.
	otherExtension = ".yml"
)

// maxFile is how large a file of a ruleset may be, in bytes.
const maxFile = 32 << 20

// Read reads a ruleset of any file system. name is what errors call it. The error is Faults where something is wrong
// with the ruleset: all that is.
func Read(files fs.FS, name string) (*Set, error) {
	read, err := readSet(files, name)
	if err != nil {
		return nil, err
	}
	return read.whole()
}

// reading is what became of reading a ruleset.
type reading struct {
	set *Set
	// lists are the lists' files that were looked for, whether there are faults or not.
	lists []string
	// cases are the faults in cases, which decide nothing.
	cases Faults
}

// whole is the set, unless there are faults in cases.
func (r reading) whole() (*Set, error) {
	if len(r.cases) > 0 {
		return nil, r.cases
	}
	return r.set, nil
}

// readSet takes faults in cases: they are not among those of its error, unless there are others.
func readSet(files fs.FS, name string) (reading, error) {
	r := &reader{files: files, set: &Set{names: map[call]string{}}, ids: map[string]string{}}
	if err := r.readAll(); err != nil {
		return reading{lists: r.listFiles}, fmt.Errorf("read ruleset %s: %w", name, err)
	}
	if len(r.faults) > 0 {
		return reading{lists: r.listFiles}, Faults(told(append(r.faults, r.caseFaults...)))
	}
	r.set.ruleset.Digest = r.digest.sum()
	r.set.warnings, r.set.unreachable = told(r.warnings), told(r.unreachable)
	return reading{r.set, r.listFiles, told(r.caseFaults)}, nil
}

// reader puts a set together.
type reader struct {
	files  fs.FS
	set    *Set
	digest digest

	names      []string // of the lists, also of those that have faults
	listFiles  []string
	ids        map[string]string
	thresholds *yamlfile.Value
	written    []*writtenCases

	// torn is true once a file could not be read at all. What others say of its contents is then no fault of theirs.
	torn             bool
	faults, warnings []Fault

	// These do not keep the set from deciding.
	caseFaults, unreachable []Fault
}

// readAll fails only where files cannot be read.
func (r *reader) readAll() error {
	if err := r.readMain(); err != nil || r.torn {
		return err
	}
	if has, err := r.hasRules(); err != nil || !has {
		r.faults = []Fault{{File: rulesFolder, Text: "no rules: there must be rules/*.yaml"}}
		return err
	}
	if err := r.each(rulesFolder, r.readRules); err != nil {
		return err
	}
	if err := r.each(casesFolder, r.readWholeCases); err != nil {
		return err
	}
	r.finish()
	return r.warnOfStrangers()
}

// finish does what needs all rules at hand.
func (r *reader) finish() {
	r.set.collect()
	if len(r.faults) == 0 {
		r.checkReach()
		r.checkCost()
	}
	if !r.torn {
		for _, w := range r.written {
			r.readCases(w)
		}
	}
	r.warn()
}

func (r *reader) fault(file, format string, arguments ...any) {
	r.add(file, Fault{File: file, Text: fmt.Sprintf(format, arguments...)})
}

// add takes over faults of a file.
func (r *reader) add(file string, faults ...Fault) {
	if isOfCases(file) {
		r.caseFaults = append(r.caseFaults, faults...)
		return
	}
	r.faults = append(r.faults, faults...)
}

// isOfCases says whether a file decides nothing.
func isOfCases(file string) bool {
	return strings.HasPrefix(file, casesFolder+"/")
}

// document reads a YAML file that must hold a mapping; nil, it does not.
func (r *reader) document(file string) (*yamlfile.Document, error) {
	content, err := r.content(file)
	if err != nil || content == nil {
		r.torn = r.torn || !isOfCases(file)
		return nil, err
	}
	if !isOfCases(file) {
		r.digest.add(file, content)
	}
	d := yamlfile.Parse(file, content)
	if !d.Root.Mapping() {
		r.torn = r.torn || !isOfCases(file)
		r.done(d)
		return nil, nil
	}
	return d, nil
}

// done takes over what was found wrong in a document.
func (r *reader) done(d *yamlfile.Document) {
	r.add(d.File, yamlfile.Bounded(d.Faults)...)
}

// content is a file's; nil, there is a fault.
func (r *reader) content(file string) ([]byte, error) {
	info, err := fs.Stat(r.files, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fault(file, "is missing: there must be such a file in the ruleset's folder")
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		r.fault(file, "is no file: it must be one")
		return nil, nil
	case info.Size() > maxFile:
		r.fault(file, "is too large: it must have at most %d bytes", maxFile)
		return nil, nil
	}
	content, err := fs.ReadFile(r.files, file)
	if content == nil {
		content = []byte{}
	}
	return content, err
}

// each reads the YAML files of a folder, by name. The folder need not be there.
func (r *reader) each(folder string, read func(*yamlfile.Document)) error {
	entries, err := fs.ReadDir(r.files, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		file := path.Join(folder, entry.Name())
		switch {
		case isHidden(entry.Name()):
		case entry.IsDir():
			r.warnings = append(r.warnings, Fault{File: file, Text: "is not read: files must stand in " + folder + "/ itself"})
		case path.Ext(file) == otherExtension:
			r.fault(file, "is not read: its name must end in %s", extension)
		case path.Ext(file) == extension:
			d, err := r.document(file)
			if err != nil {
				return err
			}
			if d != nil {
				read(d)
				r.done(d)
			}
		}
	}
	return nil
}

// isHidden goes for what editors leave beside the files that they edit.
func isHidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#")
}
