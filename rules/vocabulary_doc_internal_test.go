package rules

import "testing"

func TestEveryExampleOfTheLanguageCompiles(t *testing.T) {
	for _, l := range language {
		if _, complaints := compile(l.Example, nil); len(complaints) > 0 {
			t.Errorf("%s: %v", l.Example, complaints)
		}
	}
}
