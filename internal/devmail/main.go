// Devmail is the mail server of docker-compose.yml, for where no real one is configured. It takes mail for anybody,
// delivers none of it, and keeps each message as a file.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
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
	Serve       serveCommand       `cmd:"" help:"Take mail until told to stop."`
	Show        showCommand        `cmd:"" help:"Print the messages that were taken, the newest last."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the server whether it takes mail; exit 1 when it does not."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := kong.Parse(&commands{}, kong.Name("devmail"),
		kong.Description("A mail server for development: it keeps each message as a file."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command.FatalIfErrorf(command.Run())
}

// folder is where the messages are.
type folder struct {
	Dir string `help:"The folder of the messages." default:"/mail"`
}

type serveCommand struct {
	folder
	Listen string `help:"The address to take mail at." default:":1025"`
}

// Run takes mail until ctx ends. Its log has a line for each message.
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

// subject is empty where the message has none that can be read.
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

// Run prints messages as they came.
func (s showCommand) Run() error {
	return s.print(os.Stdout)
}

func (s showCommand) print(out io.Writer) error {
	files, err := filepath.Glob(filepath.Join(s.Dir, "*.eml")) // in order of their names, which begin with the time
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

// Run fails when nothing greets at the address.
func (h healthcheckCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", h.Address)
	if err != nil {
		return err
	}
	return connection.Close()
}
