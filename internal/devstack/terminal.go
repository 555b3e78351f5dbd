package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mattn/go-isatty"
)

// terminal prints to where people read. It keeps lines whole when several goroutines write at the same time.
type terminal struct {
	mu       sync.Mutex
	out      io.Writer
	coloured bool
}

// newTerminal returns a terminal. It uses colours if the file is a terminal, unless the user has turned them off
// (no-color.org).
func newTerminal(file *os.File) *terminal {
	return &terminal{out: file, coloured: isatty.IsTerminal(file.Fd()) && os.Getenv("NO_COLOR") == ""}
}

// say prints a message of the dev stack itself.
func (t *terminal) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, format+"\n", args...)
}

// nameColours holds the colours of the processes' names, in the order of commands: cyan, green, yellow, magenta, blue.
var nameColours = []int{36, 32, 33, 35, 34}

// lines returns a function that prints lines, each after the name of the process that it comes from.
func (t *terminal) lines(number int, name string) func(string) {
	prefix := fmt.Sprintf("%-12s | ", name)
	if t.coloured {
		prefix = fmt.Sprintf("\x1b[%dm%s\x1b[0m", nameColours[number%len(nameColours)], prefix)
	}
	return func(line string) { t.say("%s%s", prefix, line) }
}
