// Devmail is the mail server of docker-compose.yml, for use when no real one is configured. It accepts mail for every
// recipient, delivers none of it, and stores each message as a file.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"dummyorders/internal/stack"
)

type commands struct {
	Serve       serveCommand       `cmd:"" help:"Take mail until the process is stopped."`
	Show        showCommand        `cmd:"" help:"Print the messages that were taken, the newest last."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the server whether it takes mail; exits with 1 if it does not."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := kong.Parse(&commands{}, kong.Name("devmail"),
		kong.Description("A mail server for development: it keeps each message as a file."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command.FatalIfErrorf(command.Run())
}

// folder holds the flag for the folder of the messages.
type folder struct {
	Dir string `help:"The folder of the messages." default:"/mail"`
}

type serveCommand struct {
	folder
	Listen string `help:"The address to take mail at." default:":1025"`
}

// Run accepts mail until ctx ends. It logs a line for each message.
func (s serveCommand) Run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := stack.StartMail(stack.MailOptions{Dir: s.Dir, Address: s.Listen, OnKept: func(m stack.Message) {
		log.Info("Kept", "file", m.File, "to", strings.Join(m.To, ", "), "subject", subject(m))
	}})
	if err != nil {
		return err
	}
	log.Info("Taking mail", "address", server.Address(), "folder", s.Dir)
	<-ctx.Done()
	return server.Stop(context.WithoutCancel(ctx))
}

// subject returns the message's subject, or "" if it has no readable one.
func subject(m stack.Message) string {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Text))
	if err != nil {
		return ""
	}
	return parsed.Header.Get("Subject")
}

type showCommand struct {
	folder
	Last int `help:"How many of the newest to print; 0 is all." default:"1"`
}

// Run prints messages unchanged.
func (s showCommand) Run() error {
	return s.print(os.Stdout)
}

func (s showCommand) print(out io.Writer) error {
	files, err := filepath.Glob(filepath.Join(s.Dir, "*.eml")) // sorted by name, and names begin with the time
	if err != nil {
		return fmt.Errorf("list messages: %w", err)
	}
	if s.Last > 0 && len(files) > s.Last {
		files = files[len(files)-s.Last:]
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read a message: %w", err)
		}
		if _, err := fmt.Fprintf(out, "==> %s <==\n%s\n", file, text); err != nil {
			return err
		}
	}
	return nil
}

type healthcheckCommand struct {
	Address string `arg:"" optional:"" help:"Where the server takes mail." default:"localhost:1025"`
}

// Run fails if no mail server greets at the address.
func (h healthcheckCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", h.Address)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	deadline, _ := ctx.Deadline()
	if err := connection.SetDeadline(deadline); err != nil {
		return err
	}
	if _, _, err := textproto.NewConn(connection).ReadResponse(220); err != nil {
		return fmt.Errorf("read the mail server's greeting: %w", err)
	}
	return nil
}
