package rules

import "testing"

func TestLanguageExamples(t *testing.T) {
	for _, l := range language {
		if _, faults := compile(l.Example, nil); len(faults) > 0 {
			t.Errorf("%s: %v", l.Example, faults)
		}
	}
}
