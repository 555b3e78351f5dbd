package lang

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLanguageExamples(t *testing.T) {
	for _, l := range language {
		_, faults := Compile(l.Example, nil)
		assert.Empty(t, faults, l.Example)
	}
}
