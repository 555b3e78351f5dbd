package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a file: where it is, what is wrong and what would be right.
type Fault struct {
	// File is the name under which it was read.
	File string
	// Line and Column are counted from 1, in characters; 0, the fault is of the whole file or line.
	Line, Column int
	Text         string
}

// String is the fault as compilers write theirs, so that editors find the place: rules/cards.yaml:12:11: ….
func (f Fault) String() string {
	switch {
	case f.Line == 0:
		return f.File + ": " + f.Text
	case f.Column == 0:
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
}

// Faults are all that is wrong with some files, in the order of files and lines.
type Faults []Fault

// Error is a line for each.
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

// maxFaults bounds what is said of one file: thousands of faults are one mistake.
const maxFaults = 100

// Bounded keeps the first faults and says how many others there are.
func Bounded(faults []Fault) []Fault {
	if len(faults) <= maxFaults {
		return faults
	}
	rest := Fault{File: faults[0].File, Text: fmt.Sprintf("there are %d more faults in this file", len(faults)-maxFaults)}
	return append(faults[:maxFaults:maxFaults], rest)
}
