package routing

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"path/filepath"
	"regexp"
	"slices"

	"dummyorders/internal/yamlfile"
)

// mostNamed bounds receivers, routes, mutes and windows.
const mostNamed = 1000

// Load reads a file. The error is yamlfile.Faults where something is wrong with it: all that is.
func Load(file string) (*Config, error) {
	read, err := load(file)
	return read.config, err
}

// reading is what became of reading a file.
type reading struct {
	config *Config
	// files are all that were looked for, whether there are faults or not.
	files []string
}

func load(file string) (reading, error) {
	content, err := contentOf(file, maxFile)
	if err != nil {
		return reading{files: []string{file}}, fmt.Errorf("read the routes of alerts: %w", err)
	}
	return read(file, content, contentOf)
}

// read reads the content of a file. open reads the files that it names.
func read(file string, content []byte, open opener) (reading, error) {
	r := &reader{
		config: newConfig(), open: open, folder: filepath.Dir(file), digest: sha256.New(),
		windows: map[string]*window{}, used: map[string]bool{},
	}
	r.digested(file, content)
	d := yamlfile.Parse(file, content)
	if d.Root.Mapping() {
		r.readAll(d.Root)
	}
	if len(d.Faults) > 0 {
		return reading{files: r.files}, yamlfile.Faults(discreet(yamlfile.Bounded(yamlfile.InOrder(d.Faults))))
	}
	r.config.digest = "sha256:" + hex.EncodeToString(r.digest.Sum(nil))
	r.config.warnings = discreet(yamlfile.InOrder(r.config.warnings))
	return reading{r.config, r.files}, nil
}

// reader puts a configuration together.
type reader struct {
	config *Config
	open   opener
	folder string
	files  []string
	digest hash.Hash

	windows map[string]*window
	used    map[string]bool // windows
	thens   []then
}

func (r *reader) readAll(root *yamlfile.Value) {
	root.Required("version").Choice("1")
	r.readWindows(root.Optional("windows"))
	r.readReceivers(root.Required("receivers"))
	r.readMutes(root.Optional("mutes"))
	r.readRoutes(root.Required("routes"))
	root.RefuseUnknown()
	r.checkChains()
	r.warn(root)
}

// names have a look of their own, since they stand in workflow ids, histories and logs.
var nameLook = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

const nameLike = "small letters, digits, - and _, a letter first, and have at most 64 characters"

// name is a member that must be one, and stands once among those of its kind.
func name(v *yamlfile.Value, taken []string) string {
	member := v.Required("name")
	text := member.Words()
	switch {
	case text == "":
	case !nameLook.MatchString(text):
		member.Fault("%q must be of %s", text, nameLike)
	case slices.Contains(taken, text):
		member.Fault("the name %q is taken: it must stand once", text)
	}
	return text
}

// few are the items of a list that may have so many.
func few(v *yamlfile.Value) []*yamlfile.Value {
	items := v.List()
	if len(items) > mostNamed {
		v.Fault("must have at most %d entries, and has %d", mostNamed, len(items))
		return items[:mostNamed]
	}
	return items
}
