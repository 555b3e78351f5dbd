package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hbollon/go-edlib"
)

// Fault is one thing wrong with a file: where it is, what is wrong, and what would be right.
type Fault struct {
	// File is the name under which the file was read.
	File string `json:"file"`
	// Line and Column count from 1, in characters. 0 means the whole file or line.
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

// String returns the fault in the format of compilers, so that editors find the place: rules/cards.yaml:12:11: ….
func (f Fault) String() string {
	switch {
	case f.Line == 0:
		return f.File + ": " + f.Text
	case f.Column == 0:
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
}

// Faults is everything that is wrong with some files, in the order of files and lines.
type Faults []Fault

// Error returns a line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// InOrder sorts faults by their places.
func InOrder(faults []Fault) []Fault {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return faults
}

// maxFaults bounds the faults reported for one file: thousands of faults usually have one cause.
const maxFaults = 100

// Bounded keeps the first faults and says how many others there are.
func Bounded(faults []Fault) []Fault {
	if len(faults) <= maxFaults {
		return faults
	}
	rest := Fault{File: faults[0].File, Text: fmt.Sprintf("there are %d more faults in this file", len(faults)-maxFaults)}
	return append(faults[:maxFaults:maxFaults], rest)
}

// OneOf suggests the known name nearest to a wrong name. If none is near, it lists the known names.
func OneOf(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return `did you mean "` + near + `"?`
	}
	switch len(known) {
	case 0:
		return "none is defined"
	case 1:
		return `it must be "` + known[0] + `"`
	}
	if len(known) > longestListing {
		return "it must be one of " + strings.Join(nearestFew(name, known), ", ") + ", …"
	}
	return "it must be one of " + strings.Join(known, ", ")
}

const (
	// longestListing is how many names a fault lists in full.
	longestListing = 10
	// fewNames is how many are listed if there are more than that.
	fewNames = 5
)

// nearestFew returns the fewNames known names that are most like the wrong one.
func nearestFew(name string, known []string) []string {
	if len(name) > longestName {
		return known[:fewNames]
	}
	slips := make(map[string]int, len(known))
	for _, candidate := range known {
		slips[candidate] = distance(strings.ToLower(name), strings.ToLower(candidate))
	}
	sorted := slices.SortedStableFunc(slices.Values(known), func(a, b string) int { return cmp.Compare(slips[a], slips[b]) })
	return sorted[:fewNames]
}

// longestName is longer than any name that could be a typing error.
const longestName = 100

// Nearest returns the known name that differs from name by the fewest typing errors, or "" if they are too many for its
// length.
func Nearest(name string, known []string) string {
	if len(name) > longestName {
		return ""
	}
	best, fewest := "", 2+min(2, len(name)/5)
	for _, candidate := range known {
		if slips := distance(strings.ToLower(name), strings.ToLower(candidate)); slips < fewest && slips < len(name) {
			best, fewest = candidate, slips
		}
	}
	return best
}

// distance returns how many characters must be inserted, deleted, replaced or swapped with the next to get from a to b.
func distance(a, b string) int {
	return edlib.OSADamerauLevenshteinDistance(a, b)
}
