package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mattn/go-isatty"
)

// terminal is where people read. It keeps the lines of those who write at the same time whole.
type terminal struct {
	mu       sync.Mutex
	out      io.Writer
	coloured bool
}

// newTerminal colours where there is a terminal, and nobody has asked for none (no-color.org).
func newTerminal(file *os.File) *terminal {
	return &terminal{out: file, coloured: isatty.IsTerminal(file.Fd()) && os.Getenv("NO_COLOR") == ""}
}

// say prints a line of the dev stack's own.
func (t *terminal) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, format+"\n", args...)
}

// The colours of the processes' names, in the order of processes: cyan, green, yellow, magenta.
var nameColours = []int{36, 32, 33, 35}

// lines prints lines with the name of the process that they come from before them.
func (t *terminal) lines(number int, name string) func(string) {
	prefix := fmt.Sprintf("%-12s | ", name)
	if t.coloured {
		prefix = fmt.Sprintf("\x1b[%dm%s\x1b[0m", nameColours[number%len(nameColours)], prefix)
	}
	return func(line string) { t.say("%s%s", prefix, line) }
}
