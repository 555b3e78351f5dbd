package stack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	tailBytes = 8 << 10
	tailLines = 8
	lineBytes = 64 << 10 // longer lines are passed on in pieces
)

// colours matches the escape sequences for coloured text, which are left out of files.
var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// output passes what a process prints to a file and, line by line, to a function if there is one.
type output struct {
	file    *os.File
	lines   func(string)
	pending []byte
}

// beginLog empties the file, and creates its folder.
func beginLog(path string) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("make the log's folder: %w", err)
	}
	return os.WriteFile(path, nil, 0o600)
}

func openOutput(path string, lines func(string)) (*output, error) {
	o := &output{lines: lines}
	if path == "" {
		return o, nil
	}
	var err error
	o.file, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return o, err
}

// writer returns what the process writes to. Without a function for lines it is the file itself, so that nothing is
// lost if this process dies first.
func (o *output) writer() io.Writer {
	switch {
	case o.lines != nil:
		return o
	case o.file != nil:
		return o.file
	default:
		return nil
	}
}

// Write passes on complete lines.
func (o *output) Write(p []byte) (int, error) {
	o.pending = append(o.pending, p...)
	for {
		end := bytes.IndexByte(o.pending, '\n')
		if end < 0 && len(o.pending) < lineBytes {
			return len(p), nil
		}
		if end < 0 {
			o.hand(o.pending)
			o.pending = nil
			return len(p), nil
		}
		o.hand(o.pending[:end])
		o.pending = o.pending[end+1:]
	}
}

func (o *output) hand(line []byte) {
	if o.file != nil {
		plain := append(colours.ReplaceAll(line, nil), '\n')
		_, _ = o.file.Write(plain) // a full disk must not stop the process
	}
	o.lines(strings.TrimRight(string(line), "\r"))
}

func (o *output) close() {
	if len(o.pending) > 0 {
		o.hand(o.pending)
	}
	if o.file != nil {
		_ = o.file.Close()
	}
}

// lastLines returns the end of a log, introduced and indented, to append to an error. It is empty if there is none.
func lastLines(path string) string {
	text, err := tail(path)
	if err != nil || text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return fmt.Sprintf("; the last lines of %s:\n    %s", path, strings.Join(lines, "\n    "))
}

func tail(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	end := make([]byte, min(info.Size(), tailBytes))
	if _, err := file.ReadAt(end, info.Size()-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(string(end)), nil
}
