package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"
)

const (
	mailReadTimeout = time.Minute
	mailMaxBytes    = 10 << 20
)

// MailOptions configures a mail server that delivers to a folder. The functions, if set, decide its answers: it sends
// an *smtp.SMTPError unchanged, and any other error as 554.
type MailOptions struct {
	Dir     string // the folder for messages, created if missing
	Address string // host:port to listen on; if empty, a free port on the loopback interface

	OnRecipient func(to string) error
	OnData      func(from string, to []string, body []byte) error
	OnKept      func(Message) // called after the message is stored, before its sender gets the answer
}

// Mail is a mail server (SMTP, RFC 5321) inside this process. It accepts mail for every recipient, and stores each
// message as a file.
type Mail struct {
	options  MailOptions
	address  string
	server   *smtp.Server
	served   chan struct{}
	arriving sync.RWMutex // read-locked while a message arrives
	keeper   keeper
}

// StartMail starts a mail server.
func StartMail(o MailOptions) (*Mail, error) {
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("start mail: %w", err)
	}
	m := &Mail{options: o, address: o.Address, keeper: keeper{dir: o.Dir}}
	if m.address == "" {
		port, err := FreePort()
		if err != nil {
			return nil, fmt.Errorf("start mail: %w", err)
		}
		m.address = loopback(port)
	}
	if err := m.Start(); err != nil {
		return nil, err
	}
	return m, nil
}

// Start restarts a stopped server at the same address.
func (m *Mail) Start() error {
	listener, err := net.Listen("tcp", m.address)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = ErrPortTaken
	}
	if err != nil {
		return fmt.Errorf("start mail: %s: %w", m.address, err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{mail: m}, nil }))
	server.Domain = "localhost"
	server.ReadTimeout, server.WriteTimeout = mailReadTimeout, mailReadTimeout
	server.MaxMessageBytes = mailMaxBytes
	server.ErrorLog = log.New(io.Discard, "", 0) // a client that is killed is not an error of the server
	served := make(chan struct{})
	m.server, m.served = server, served
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends when Stop closes it
	}()
	return nil
}

// Stop stops the server at once. A message that is just arriving may or may not be stored, and its sender gets no
// answer.
func (m *Mail) Stop(context.Context) error {
	err := m.server.Close()
	m.arriving.Lock() // waits for all read locks
	defer m.arriving.Unlock()
	<-m.served
	return err
}

// Address returns the server's address, as host:port.
func (m *Mail) Address() string {
	return m.address
}

// Messages returns all messages in the folder, the oldest first, including those of other servers.
func (m *Mail) Messages() ([]Message, error) {
	return readMessages(m.options.Dir)
}

// session is one client's connection.
type session struct {
	mail *Mail
	from string
	to   []string
}

// Mail begins a message.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt adds a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if on := s.mail.options.OnRecipient; on != nil {
		if err := on(to); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

// Data receives the message itself. It succeeds once the message is stored.
func (s *session) Data(r io.Reader) error {
	s.mail.arriving.RLock()
	defer s.mail.arriving.RUnlock()
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if on := s.mail.options.OnData; on != nil {
		if err := on(s.from, s.to, body); err != nil {
			return err
		}
	}
	message, err := s.mail.keeper.keep(s.from, s.to, body)
	if err != nil {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: err.Error()}
	}
	if on := s.mail.options.OnKept; on != nil {
		on(message)
	}
	return nil
}

// Reset discards the current message.
func (s *session) Reset() {
	s.from, s.to = "", nil
}

// Logout does nothing: a session has nothing to free.
func (s *session) Logout() error {
	return nil
}

// Message is a message that was accepted.
type Message struct {
	File string   // the path; file names sort by time
	From string   // the envelope's sender
	To   []string // the envelope's recipients
	Text []byte   // the message as it was received, after the lines Return-Path and Delivered-To, which hold the envelope
}

// keeper writes messages to a folder.
type keeper struct {
	dir   string
	count atomic.Uint64
}

// keep writes the message under a temporary name and then renames it, so that every message file is complete.
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
		if parsed, err := mail.ReadMessage(bytes.NewReader(text)); err == nil { // what was sent may not be a valid message
			m.From = strings.Trim(parsed.Header.Get("Return-Path"), "<>")
			m.To = parsed.Header["Delivered-To"]
		}
		messages = append(messages, m)
	}
	return messages, nil
}
