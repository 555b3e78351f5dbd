package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"dummyorders/internal/stack"
)

type runCommand struct{}

// Run returns after Ctrl-C, or with what went wrong; either way nothing runs any more.
func (runCommand) Run(ctx context.Context) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, runFolder)
	held, err := lock(dir)
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }()

	d, err := newDevStack(ctx, root, dir, newTerminal(os.Stdout))
	if err != nil {
		return err
	}
	err = d.run(ctx)
	if ctx.Err() != nil {
		err = nil // whatever Ctrl-C made fail
	}
	patience, done := secondSignal(ctx)
	defer done()
	return errors.Join(err, d.stop(patience))
}

// secondSignal is a context that ends with a signal after the first one. It disregards half a second: a signal to a
// whole process group comes from whoever sent it, and again from make.
func secondSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer cancel()
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return
		}
		signalled, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		<-signalled.Done()
	}()
	return ctx, cancel
}

// devStack is everything that runs.
type devStack struct {
	root, dir string
	orders    string // the binary
	settings  settings
	plan      plan
	env       []string // of our processes
	out       *terminal

	temporal  *stack.Temporal
	rabbitmq  *stack.RabbitMQ
	mail      *stack.Mail
	processes map[string]*stack.Process
	ended     chan *stack.Process // those that were not asked to
}

func newDevStack(ctx context.Context, root, dir string, out *terminal) (*devStack, error) {
	file, err := readFile(root)
	if err != nil {
		return nil, err
	}
	s, err := readSettings(ctx, file)
	if err != nil {
		return nil, err
	}
	if err := s.makeKeys(dir); err != nil {
		return nil, err
	}
	if s.LogFormat == "" && out.coloured {
		s.LogFormat = "pretty"
	}
	d := &devStack{
		root: root, dir: dir, orders: filepath.Join(root, "bin", "orders"), settings: s, out: out,
		processes: map[string]*stack.Process{}, ended: make(chan *stack.Process, 16),
	}
	if d.plan, err = newPlan(s); err != nil {
		return nil, err
	}
	d.settings.APIURL = cmp.Or(s.APIURL, d.plan.api)
	d.env = d.environment(file)
	return d, nil
}

// run brings everything up, says what to do next, and waits until ctx ends or something does.
func (d *devStack) run(ctx context.Context) error {
	if err := d.plan.checkPorts(d.settings); err != nil {
		return err
	}
	if err := d.startServers(ctx); err != nil {
		return err
	}
	if err := d.setUpTemporal(ctx); err != nil {
		return err
	}
	if err := d.startProcesses(ctx); err != nil {
		return err
	}
	d.out.say("%s", d.whatNext())
	select {
	case p := <-d.ended:
		d.out.say("\n%s has ended by itself, and so everything is stopped\n", p.Name())
		return p.Exit()
	case <-ctx.Done():
		return nil
	}
}

// watch has run told when the process ends, whyever it does.
func (d *devStack) watch(p *stack.Process) {
	done := p.Done()
	go func() {
		<-done
		d.ended <- p
	}()
}
