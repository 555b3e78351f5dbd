package usagetest_test

import (
	"testing"

	"dummyorders/internal/usagetest"
)

func TestTheHistoryInMemoryDoesWhatAHistoryMust(t *testing.T) {
	usagetest.Conformance(t, func(*testing.T) usagetest.Place {
		var m usagetest.Memory
		return func(*testing.T) usagetest.Store { return &m }
	})
}
