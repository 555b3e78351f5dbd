package rules

import (
	"dummyorders/domain/card"
	"dummyorders/internal/yamlfile"
)

// Fault is one thing wrong with a ruleset. Its file is relative to the ruleset's folder, with slashes.
type Fault = yamlfile.Fault

// Faults are all that is wrong with a ruleset, in the order of files and lines.
type Faults = yamlfile.Faults

// told are faults as they may be logged: in their order, and without card numbers, which stand in the wrong list at times.
func told(faults []Fault) []Fault {
	for i := range faults {
		faults[i].Text = card.Redact(faults[i].Text)
	}
	return yamlfile.InOrder(faults)
}
