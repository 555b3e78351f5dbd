package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// stopWithin is how long a process may take to end after it was asked to, unless its Command says otherwise.
const stopWithin = 30 * time.Second

// Command describes a program to run.
type Command struct {
	Name string   // used in messages
	Path string   // the program
	Args []string // without the program's name
	Env  []string // the whole environment; nil means that of this process
	Dir  string   // the working directory; empty means the current one

	// Log is the file for the process's output. StartProcess empties it, and Start appends to it.
	Log string
	// Lines, if set, is also called with each line of output.
	Lines func(line string)
	// StopWithin is how long the process may take to end after it was asked to; 0 means half a minute.
	StopWithin time.Duration
	// StopSignal is the signal that asks the process to end; 0 means SIGTERM.
	StopSignal syscall.Signal
	// As is the user that the process runs as; nil means our own user. Only root can choose another.
	As *syscall.Credential
}

// Process is a child of this process, in a process group of its own, so that a Ctrl-C meant for its parent does not
// reach it. On Linux it gets a signal to stop when this process dies, for whatever reason.
type Process struct {
	command Command

	mu      sync.Mutex
	current *execution
}

// execution is one run of a process, from its start to its end.
type execution struct {
	child *os.Process
	done  chan struct{}
	err   error // how it ended; valid once done is closed
}

// StartProcess starts a process. It runs until it ends by itself, or is stopped or killed.
func StartProcess(c Command) (*Process, error) {
	if c.StopWithin == 0 {
		c.StopWithin = stopWithin
	}
	if c.StopSignal == 0 {
		c.StopSignal = syscall.SIGTERM
	}
	if err := beginLog(c.Log); err != nil {
		return nil, err
	}
	p := &Process{command: c}
	if err := p.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// Start restarts a process that has ended.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil && !p.current.over() {
		return fmt.Errorf("start %s: it is running already", p.command.Name)
	}
	started := make(chan error, 1)
	e := &execution{done: make(chan struct{})}
	go e.run(p.command, started)
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.command.Name, err)
	}
	p.current = e
	return nil
}

// run keeps its OS thread from the child's start to its end: the kernel signals the parent's death to the child when
// the thread that started it ends, and Go ends idle threads (go.dev/issue/27505).
func (e *execution) run(c Command, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(e.done)
	out, err := openOutput(c.Log, c.Lines)
	if err != nil {
		started <- err
		return
	}
	defer out.close()
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = c.Env, c.Dir, ownGroup()
	cmd.SysProcAttr.Credential = c.As
	cmd.Stdout, cmd.Stderr = out.writer(), out.writer()
	cmd.WaitDelay = time.Second // for a grandchild that still holds our end of its output
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	e.child = cmd.Process
	started <- nil
	e.err = cmd.Wait()
	_ = syscall.Kill(-e.child.Pid, syscall.SIGKILL) // children that it left behind, if any
}

// Stop asks the process to end and waits for that. If the process does not end in time, or ctx ends first, Stop kills
// it and returns an error.
func (p *Process) Stop(ctx context.Context) error {
	e := p.execution()
	_ = e.child.Signal(p.command.StopSignal) // fails if it has ended already
	patience, cancel := context.WithTimeout(ctx, p.command.StopWithin)
	defer cancel()
	select {
	case <-e.done:
		return nil
	case <-patience.Done():
	}
	p.Kill()
	if ctx.Err() != nil {
		return fmt.Errorf("stop %s: killed, as it was not to be waited for", p.command.Name)
	}
	return fmt.Errorf("stop %s: killed, as it had not ended %s after it was asked to", p.command.Name, p.command.StopWithin)
}

// Kill ends the process and its children as kill -9 does, and waits until the process has ended.
func (p *Process) Kill() {
	e := p.execution()
	_ = e.child.Kill() // fails if it has ended already
	<-e.done
}

// Name returns the process's name for messages.
func (p *Process) Name() string {
	return p.command.Name
}

// Pid returns the process's id, which is meaningless once the process has ended.
func (p *Process) Pid() int {
	return p.execution().child.Pid
}

// Done returns a channel that is closed when the process has ended. Each Start makes a new one.
func (p *Process) Done() <-chan struct{} {
	return p.execution().done
}

// Wait waits for the process's end and returns how it ended: nil means exit code 0.
func (p *Process) Wait(ctx context.Context) error {
	e := p.execution()
	select {
	case <-e.done:
		return e.outcome()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Exit returns an error that says how a process unexpectedly ended, with the last lines that it printed.
func (p *Process) Exit() error {
	e := p.execution()
	<-e.done
	how := "it exited with code 0"
	if err := e.outcome(); err != nil {
		how = err.Error()
	}
	return fmt.Errorf("%s ended: %s%s", p.command.Name, how, lastLines(p.command.Log))
}

func (p *Process) execution() *execution {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

func (e *execution) over() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

func (e *execution) outcome() error {
	if errors.Is(e.err, exec.ErrWaitDelay) {
		return nil
	}
	return e.err
}
