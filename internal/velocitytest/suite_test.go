package velocitytest_test

import (
	"testing"

	"dummyorders/internal/velocitytest"
)

func TestMemoryConformance(t *testing.T) {
	velocitytest.Conformance(t, func(*testing.T) velocitytest.Place {
		var m velocitytest.Memory
		return func(*testing.T) velocitytest.Store { return &m }
	})
}
