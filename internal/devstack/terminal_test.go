package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lines bear the name of their process, in colour on a terminal.
func TestTerminalLines(t *testing.T) {
	var plain, coloured strings.Builder
	(&terminal{out: &plain}).lines(1, "worker")("Started")
	require.Equal(t, "worker       | Started\n", plain.String())
	(&terminal{out: &coloured, coloured: true}).lines(1, "worker")("Started")
	require.Equal(t, "\x1b[32mworker       | \x1b[0mStarted\n", coloured.String())
}
