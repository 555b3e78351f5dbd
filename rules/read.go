package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/velocity"
	"dummyorders/internal/reload"
	"dummyorders/internal/yamlfile"
	"dummyorders/rules/lang"
)

// The files and folders that make up a ruleset.
const (
	mainFile    = "ruleset.yaml"
	rulesFolder = "rules"
	casesFolder = "cases"
	extension   = ".yaml"

	// otherExtension is refused with a fault, so that a file that is not read does not go unnoticed.
	otherExtension = ".yml"
)

// database is what a list's from says whose entries are kept in the database.
const database = "database"

// maxFile is the size limit for each file of a ruleset, in bytes.
const maxFile = 32 << 20

// Read reads a ruleset from any file system. Errors call it name. If the ruleset has faults, the error is Faults and holds
// all of them.
func Read(files fs.FS, name string) (*Set, error) {
	read, err := readSet(files, name)
	if err != nil {
		return nil, err
	}
	return read.whole()
}

// ReadDeciding reads a ruleset that decides. Unlike Read, it returns the faults that change no decision beside the ruleset.
func ReadDeciding(files fs.FS, name string) (*Set, Faults, error) {
	read, err := readSet(files, name)
	if err != nil {
		return nil, nil, err
	}
	return read.set, read.harmless(), nil
}

// reading is the result of reading a ruleset.
type reading struct {
	set *Set
	// lists holds the paths of the lists' files that were looked for, also if there are faults.
	lists []string
	// cases holds the faults in cases. They affect no decision.
	cases Faults
}

// harmless returns the faults that should be fixed and change no decision.
func (r reading) harmless() Faults { return slices.Concat(r.cases, r.set.unreachable) }

// whole returns the set, or the faults in cases as an error if there are any.
func (r reading) whole() (*Set, error) {
	if len(r.cases) > 0 {
		return nil, r.cases
	}
	return r.set, nil
}

// readSet reads a ruleset. Faults in cases alone are no error: they are in the result. If there are other faults too, the
// error holds them all.
func readSet(files fs.FS, name string) (reading, error) {
	r := &reader{files: files, digest: newDigest(), set: &Set{names: map[lang.Call]string{}}, ids: map[string]string{}}
	if err := r.readAll(); err != nil {
		return reading{lists: r.listFiles}, fmt.Errorf("read ruleset %s: %w", name, err)
	}
	if len(r.faults) > 0 {
		return reading{lists: r.listFiles}, Faults(redacted(append(r.faults, r.caseFaults...)))
	}
	r.set.ruleset.Digest = r.digest.Sum()
	r.set.warnings, r.set.unreachable = redacted(r.warnings), redacted(r.unreachable)
	return reading{r.set, r.listFiles, redacted(r.caseFaults)}, nil
}

// reader builds a set from its files.
type reader struct {
	files  fs.FS
	set    *Set
	digest reload.Digest

	names      []string // the names of all lists, including those with faults
	listFiles  []string
	ids        map[string]string
	thresholds *yamlfile.Value
	written    []*writtenCases

	// incomplete is true once a file could not be read at all. A reference to what that file should hold is then not a fault.
	incomplete       bool
	faults, warnings []Fault

	// These faults do not prevent the set from deciding.
	caseFaults, unreachable []Fault
}

// readAll reads all files of the set. Its error means that files cannot be read; faults are in the reader.
func (r *reader) readAll() error {
	if err := r.readMain(); err != nil || r.incomplete {
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
	return r.warnOfUnknownFiles()
}

// finish does the checks that need all rules, and reads the cases.
func (r *reader) finish() {
	r.set.collect()
	if len(r.faults) == 0 {
		r.checkThresholds()
		r.checkCost()
	}
	if !r.incomplete {
		for _, w := range r.written {
			r.readCases(w)
		}
	}
	r.warn()
}

func (r *reader) fault(file, format string, arguments ...any) {
	r.add(file, Fault{File: file, Text: fmt.Sprintf(format, arguments...)})
}

// add records faults of a file.
func (r *reader) add(file string, faults ...Fault) {
	if isCaseFile(file) {
		r.caseFaults = append(r.caseFaults, faults...)
		return
	}
	r.faults = append(r.faults, faults...)
}

// isCaseFile reports whether a file holds cases, which affect no decision.
func isCaseFile(file string) bool {
	return strings.HasPrefix(file, casesFolder+"/")
}

// document reads a YAML file that must hold a mapping. It returns nil if the file has a fault that prevents that.
func (r *reader) document(file string) (*yamlfile.Document, error) {
	content, err := r.content(file)
	if err != nil || content == nil {
		r.incomplete = r.incomplete || !isCaseFile(file)
		return nil, err
	}
	if !isCaseFile(file) {
		r.decides(file, content)
	}
	d := yamlfile.Parse(file, content)
	if !d.Root.Mapping() {
		r.incomplete = r.incomplete || !isCaseFile(file)
		r.done(d)
		return nil, nil
	}
	return d, nil
}

// decides records a file whose content decides.
func (r *reader) decides(file string, content []byte) {
	r.digest.Add([]byte(file), content)
	r.set.files = append(r.set.files, file)
}

// done records the faults found in a document.
func (r *reader) done(d *yamlfile.Document) {
	r.add(d.File, yamlfile.Bounded(d.Faults)...)
}

// content returns the content of a file. It returns nil without an error after recording a fault.
func (r *reader) content(file string) ([]byte, error) {
	content, err := reload.Content(r.files, file, maxFile)
	unfit, is := errors.AsType[reload.UnfitError](err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fault(file, "is missing: there must be such a file in the ruleset's folder")
		return nil, nil
	case is:
		r.fault(file, "cannot be read: %v", unfit)
		return nil, nil
	}
	return content, err
}

// each calls read for each YAML file of a folder, sorted by name. The folder may be missing.
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

// isHidden reports whether a name is that of a file that editors leave beside the one they edit.
func isHidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#")
}

// listsFolder is the usual folder for lists, but they may be anywhere in the ruleset's folder.
const listsFolder = "lists"

// hasRules reports whether there is any file of rules, with either extension: if there is none, the files were probably
// moved or renamed.
func (r *reader) hasRules() (bool, error) {
	entries, err := fs.ReadDir(r.files, rulesFolder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return slices.ContainsFunc(entries, func(entry fs.DirEntry) bool { return isOfRules(entry.Name()) }), nil
}

// isOfRules reports whether a file of that name in the folder of rules holds rules, or is refused because of its extension.
func isOfRules(name string) bool {
	ext := path.Ext(name)
	return !isHidden(name) && (ext == extension || ext == otherExtension)
}

// warnOfUnknownFiles warns of files and folders in the ruleset's folder that are not read: a name may be misspelled.
func (r *reader) warnOfUnknownFiles() error {
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

func (r *reader) readMain() error {
	d, err := r.document(mainFile)
	if err != nil || d == nil {
		return err
	}
	root := d.Root
	r.set.ruleset = fraud.Ruleset{
		ID:      matching(root.Required("id"), setID, "small letters, digits, - and _, a letter first"),
		Version: root.Required("version").Whole(1, 1<<31-1),
	}
	r.readThresholds(root.Required("thresholds"))
	r.readAcross(root.Optional("across_merchants"))
	err = r.readLists(root.Optional("lists"))
	root.RefuseUnknown()
	r.done(d)
	return err
}

func (r *reader) readThresholds(v *yamlfile.Value) {
	if !v.Mapping() {
		return
	}
	before := len(v.Document().Faults)
	review, decline := v.Required("review"), v.Required("decline")
	r.set.thresholds = Thresholds{Review: review.Whole(1, fraud.MaxScore), Decline: decline.Whole(1, fraud.MaxScore)}
	v.RefuseUnknown()
	if len(v.Document().Faults) > before {
		return
	}
	if t := r.set.thresholds; t.Review >= t.Decline {
		review.Fault("no transaction would be reviewed: the threshold of review, %d, must be below that of decline, %d", t.Review, t.Decline)
		return
	}
	r.thresholds = v
}

// readAcross reads which dimensions are counted across merchants.
func (r *reader) readAcross(v *yamlfile.Value) {
	for _, word := range v.List() {
		by := velocity.Dimension(word.Choice(string(velocity.Card), string(velocity.IP)))
		if slices.Contains(r.set.across, by) {
			word.Fault("%q stands twice: leave one out", by)
		}
		r.set.across = append(r.set.across, by)
	}
}

// The patterns that names must match.
var (
	setID      = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	ruleID     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	reasonCode = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
)

// rule is a rule with its compiled condition, which is nil if it has faults.
type rule struct {
	Rule
	condition *lang.Condition
}

// matching reads text that must match the pattern look; like describes that pattern in a fault.
func matching(v *yamlfile.Value, look *regexp.Regexp, like string) string {
	text := v.Words()
	if text != "" && !look.MatchString(text) {
		v.Fault("%q must be of %s, and have at most 64 characters", text, like)
	}
	return text
}

func (r *reader) readRules(d *yamlfile.Document) {
	for _, v := range d.Root.Required("rules").List() {
		if v.Mapping() {
			r.readRule(v)
		}
	}
	d.Root.RefuseUnknown()
}

func (r *reader) readRule(v *yamlfile.Value) {
	id := v.Required("id")
	read := &rule{Rule: Rule{
		ID:      matching(id, ruleID, "small letters, digits and _, a letter first"),
		Name:    v.Required("name").Words(),
		Score:   v.Optional("score").Whole(-fraud.MaxScore, fraud.MaxScore),
		Reason:  matching(v.Required("reason"), reasonCode, "capitals, digits and _, a letter first"),
		Message: v.Required("message").Words(),

		PublicMessage: v.Optional("public_message").Words(),

		Mode: Live,
		File: v.Document().File,
		Line: v.Line(),
	}}
	if action := v.Optional("action"); action != nil {
		read.Action = fraud.Action(action.Choice(string(fraud.ActAllow), string(fraud.ActReview), string(fraud.ActBlock)))
	}
	if mode := v.Optional("mode"); mode != nil {
		read.Mode = Mode(mode.Choice(string(Live), string(Shadow)))
	}
	r.recordID(read.ID, id)
	r.compile(read, v.Required("when"))
	r.written = append(r.written, &writtenCases{v.Optional("cases"), read})
	v.RefuseUnknown()
	r.set.rules = append(r.set.rules, read)
	r.lintRule(read, v)
}

// recordID records the id of a rule. Each id may be used only once in the whole set.
func (r *reader) recordID(id string, v *yamlfile.Value) {
	if id == "" {
		return
	}
	if other, taken := r.ids[id]; taken {
		v.Fault("the id %q is taken: it stands at %s, and must stand once in the whole ruleset", id, other)
		return
	}
	r.ids[id] = fmt.Sprintf("%s:%d", v.Document().File, v.Line())
}

func (r *reader) compile(read *rule, when *yamlfile.Value) {
	if when == nil {
		return
	}
	if !when.IsScalar() {
		when.Fault("must be a condition in CEL: write it in quotes, or after a |")
		return
	}
	if read.When = when.Words(); read.When == "" {
		return
	}
	compiled, faults := lang.Compile(read.When, r.names)
	for _, c := range faults {
		line, column := when.Place(c.Line, c.Column)
		when.Document().Fault(line, column, "%s", c.Text)
	}
	if compiled == nil {
		return
	}
	read.condition = compiled
	for _, c := range compiled.Warnings {
		line, column := when.Place(c.Line, c.Column)
		r.warnings = append(r.warnings, Fault{File: when.Document().File, Line: line, Column: column, Text: c.Text})
	}
	read.Cost, read.Lists = compiled.Cost, slices.Compact(slices.Sorted(slices.Values(compiled.Lists)))
	for _, f := range compiled.Features {
		read.Features = append(read.Features, r.set.Counts(f).String())
	}
	slices.Sort(read.Features)
	read.Features = slices.Compact(read.Features)
}

// collect gathers the features that all rules count, each once, sorted by name.
func (s *Set) collect() {
	byName := map[string]velocity.Feature{}
	for _, r := range s.rules {
		s.shadow = s.shadow || r.Mode == Shadow
		if r.condition == nil {
			s.partial = true
			continue
		}
		for spelled, f := range r.condition.Features {
			f = s.Counts(f)
			s.names[spelled] = f.String()
			byName[f.String()] = f
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		s.features = append(s.features, byName[name])
	}
}

func (r *reader) readLists(v *yamlfile.Value) error {
	if v.IsEmpty() || !v.Mapping() {
		return nil
	}
	for _, key := range v.Keys() {
		name := key.Name
		if !ruleID.MatchString(name) {
			key.Fault("%q is not a name for a list: it must be of small letters, digits and _, a letter first", name)
		}
		r.names = append(r.names, name)
		if err := r.readList(name, v.Optional(name)); err != nil {
			return err
		}
	}
	slices.SortFunc(r.set.lists, func(a, b *list) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// readFrom returns the name of a list's file, or nil if its entries are kept in the database.
func readFrom(name string, v *yamlfile.Value) *yamlfile.Value {
	from := v.Optional("from")
	if from == nil {
		return v.Required("file")
	}
	from.Choice(database)
	if file := v.Optional("file"); file != nil {
		file.Fault("must be left out, or from: the entries of the list %s are kept in the database or in a file", name)
	}
	return nil
}

func (r *reader) readList(name string, v *yamlfile.Value) error {
	if !v.Mapping() {
		return nil
	}
	file, of := readFrom(name, v), v.Required("of")
	l := ruleset.List{Name: name, File: file.Words(), Of: of.Words()}
	if effect := v.Optional("effect"); effect != nil {
		l.Effect = fraud.Action(effect.Choice(string(fraud.ActBlock), string(fraud.ActAllow)))
	}
	v.RefuseUnknown()
	made, err := newList(l)
	if err != nil {
		if l.Of != "" {
			of.Fault("%v", err)
		}
		return nil
	}
	made.line, made.column = v.Line(), v.Column()
	r.set.lists = append(r.set.lists, made)
	if l.File == "" {
		return nil
	}
	if !fs.ValidPath(l.File) || l.File == "." {
		file.Fault("%q must be the path of a file within the ruleset's folder, such as lists/%s.txt", l.File, name)
		return nil
	}
	if folder, _, _ := strings.Cut(l.File, "/"); folder == rulesFolder || isCaseFile(l.File) {
		file.Fault("%q must not be in %s/ or %s/, whose files are rules and cases: write lists/%s.txt", l.File, rulesFolder, casesFolder, name)
		return nil
	}
	r.listFiles = append(r.listFiles, l.File)
	content, err := r.content(l.File)
	if err != nil || content == nil {
		return err
	}
	r.decides(l.File, content)
	r.faults = append(r.faults, made.fill(content)...)
	return nil
}
