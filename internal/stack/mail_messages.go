package stack

import (
	"bytes"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Message is a message that was accepted.
type Message struct {
	File string   // its path; names sort by time
	From string   // the envelope's sender
	To   []string // the envelope's recipients
	Text []byte   // the message as it came, after the lines Return-Path and Delivered-To, which hold the envelope
}

// keeper writes messages to a folder.
type keeper struct {
	dir   string
	count atomic.Uint64
}

// keep writes the message under a name that is not a message's, and then renames it: a file that is there is whole.
func (k *keeper) keep(from string, to []string, body []byte) (Message, error) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "Return-Path: <%s>\r\n", from)
	for _, recipient := range to {
		fmt.Fprintf(&text, "Delivered-To: %s\r\n", recipient)
	}
	text.Write(body)
	name := fmt.Sprintf("%s-%06d.eml", time.Now().UTC().Format("20060102T150405.000000000Z"), k.count.Add(1))
	m := Message{File: filepath.Join(k.dir, name), From: from, To: to, Text: text.Bytes()}
	unfinished := m.File + ".part"
	if err := os.WriteFile(unfinished, m.Text, 0o600); err != nil {
		return Message{}, fmt.Errorf("keep a message: %w", err)
	}
	if err := os.Rename(unfinished, m.File); err != nil {
		return Message{}, fmt.Errorf("keep a message: %w", err)
	}
	return m, nil
}

func readMessages(dir string) ([]Message, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	messages := make([]Message, 0, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a message: %w", err)
		}
		m := Message{File: file, Text: text}
		if parsed, err := mail.ReadMessage(bytes.NewReader(text)); err == nil { // what was sent may be no message
			m.From = strings.Trim(parsed.Header.Get("Return-Path"), "<>")
			m.To = parsed.Header["Delivered-To"]
		}
		messages = append(messages, m)
	}
	return messages, nil
}
