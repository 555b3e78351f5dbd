package rules

import (
	"dummyorders/domain/card"
	"dummyorders/internal/yamlfile"
)

// Fault is one thing wrong with a ruleset. Its file is relative to the ruleset's folder, with slashes.
type Fault = yamlfile.Fault

// Faults holds all faults of a ruleset, in the order of files and lines.
type Faults = yamlfile.Faults

// redacted returns faults in a form that may be logged: in order and without card numbers, which are sometimes in the wrong
// list.
func redacted(faults []Fault) []Fault {
	for i := range faults {
		faults[i].Text = card.Redact(faults[i].Text)
	}
	return yamlfile.InOrder(faults)
}
