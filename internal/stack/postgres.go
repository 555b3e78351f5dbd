package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// PostgresOptions say how to run a PostgreSQL server. Its zero value, but for Dir, is for tests.
type PostgresOptions struct {
	Dir      string // where its data and its log are, made if it is not there
	Programs string // the folder of postgres and initdb; empty finds one
	Port     int    // 0 picks a free one
	Log      string // empty is postgres.log in Dir
	Password string // of the superuser, postgres; empty is "postgres"
}

// Postgres is a server of its own, on the loopback interface, with no Unix sockets. Since PostgreSQL refuses to run as
// root, it then runs as the user postgres, or as nobody. Several run side by side.
type Postgres struct {
	*Process
	options PostgresOptions
	as      *syscall.Credential // who it runs as; nil is whoever we are
}

// StartPostgres starts a server, and makes its data if there is none yet, and waits until it takes connections, or ctx
// ends.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	p := &Postgres{options: o}
	if err := p.complete(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := p.initialize(ctx); err != nil {
		return nil, fmt.Errorf("make PostgreSQL's data: %w", err)
	}
	return p, p.launch(ctx)
}

// StartStandby starts a server that follows a primary by streaming replication, as its hot standby: it takes reads, and writes
// once it is promoted.
func StartStandby(ctx context.Context, o PostgresOptions, primary *Postgres) (*Postgres, error) {
	p := &Postgres{options: o}
	if err := p.complete(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL's standby: %w", err)
	}
	if err := p.copyOf(ctx, primary); err != nil {
		return nil, fmt.Errorf("make a copy of PostgreSQL's data: %w", err)
	}
	return p, p.launch(ctx)
}

func (p *Postgres) launch(ctx context.Context) (err error) {
	if p.Process, err = StartProcess(p.server()); err != nil {
		return err
	}
	return p.serving(ctx)
}

// Start starts the server again after it was stopped or killed, with the same data on the same port.
func (p *Postgres) Start(ctx context.Context) error {
	if err := p.Process.Start(); err != nil {
		return err
	}
	return p.serving(ctx)
}

// Kill ends the server and its processes as kill -9 does. Each of those leads a group of its own, and the server does not
// start again before all are gone.
func (p *Postgres) Kill() {
	listed, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", p.Pid())) // none where it has ended already
	p.Process.Kill()
	deadline := time.Now().Add(stopWithin)
	for child := range strings.FieldsSeq(string(listed)) {
		pid, err := strconv.Atoi(child)
		for err == nil && !gone(pid) && time.Now().Before(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // or it has ended by itself
			time.Sleep(askEvery / 10)
		}
	}
}

// gone says whether a process has ended. One that nobody has waited for yet has no arguments any more.
func gone(pid int) bool {
	arguments, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return len(arguments) == 0
}

// Port is the port it listens on.
func (p *Postgres) Port() int {
	return p.options.Port
}

// Program is the path of a program that comes with the server: psql, pg_dump, pg_restore.
func (p *Postgres) Program(name string) string {
	return filepath.Join(p.options.Programs, name)
}

// URL is where a user connects to a database. Users other than postgres are taken to have its password.
func (p *Postgres) URL(user, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, p.options.Password), Host: loopback(p.options.Port),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// server stops at once, connections or not, when it is told to by SIGINT. SIGTERM would wait for whoever is connected.
// The settings make it small, and leave it as safe as any: what was committed survives.
func (p *Postgres) server() Command {
	args := []string{"-D", p.data()}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(p.options.Port), "unix_socket_directories=",
		"shared_buffers=32MB", "max_connections=60", "max_worker_processes=2", "autovacuum_max_workers=1",
		"logging_collector=off", "log_destination=stderr",
	} {
		args = append(args, "-c", setting)
	}
	return Command{
		Name: "PostgreSQL", Path: p.Program("postgres"), Args: args, Env: p.env(), Dir: p.options.Dir, Log: p.options.Log,
		StopSignal: syscall.SIGINT, As: p.as,
	}
}

// env keeps out whatever the machine says about another server (PGDATA, PGPORT).
func (p *Postgres) env() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.options.Dir, "LANG=C.UTF-8", "TZ=UTC"}
}

func (p *Postgres) data() string {
	return filepath.Join(p.options.Dir, "data")
}

func (p *Postgres) complete() error {
	o := &p.options
	var err error
	if o.Programs == "" {
		if o.Programs, err = FindPostgres(); err != nil {
			return err
		}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if o.Log == "" {
		o.Log = filepath.Join(o.Dir, "postgres.log")
	}
	if o.Password == "" {
		o.Password = "postgres"
	}
	if err := checkPorts("PostgreSQL", o.Port); err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(o.Dir, 0o750), freeUnlessSet(&o.Port)); err != nil {
		return err
	}
	p.as, err = unprivileged(o.Dir)
	return err
}

// serving waits until the server takes connections.
func (p *Postgres) serving(ctx context.Context) error {
	err := p.await(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerIn)
		defer cancel()
		cmd := exec.CommandContext(ctx, p.Program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(p.options.Port))
		cmd.Env = p.env()
		return cmd.Run()
	})
	if err != nil {
		p.Kill()
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	return nil
}

// passable is the right to go through a folder without seeing what is in it.
const passable fs.FileMode = 0o011

// initialize makes the server's data where there is none. Everybody has to give a password, as on a server that others
// can reach.
func (p *Postgres) initialize(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(p.data(), "PG_VERSION")); err == nil {
		return nil
	}
	password := filepath.Join(p.options.Dir, "password")
	if err := p.handOver(password, p.options.Password); err != nil {
		return err
	}
	defer func() { _ = os.Remove(password) }()
	cmd := exec.CommandContext(ctx, p.Program("initdb"), "-D", p.data(), "-U", "postgres", "--pwfile="+password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=4", "--no-sync", "--no-instructions")
	cmd.Env, cmd.Dir = p.env(), p.options.Dir
	cmd.SysProcAttr = ownGroup()
	cmd.SysProcAttr.Credential = p.as
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

// handOver writes a file that only the server's user can read.
func (p *Postgres) handOver(path, text string) error {
	err := os.WriteFile(path, []byte(text), 0o600)
	if err == nil && p.as != nil {
		err = os.Chown(path, int(p.as.Uid), int(p.as.Gid))
	}
	return err
}

// unprivileged is who a server that refuses root runs as, and gives that user the folder; nil where we are not root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no credential is needed
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("find a user to run it as, since it refuses root: %w", err)
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, fmt.Errorf("read the ids of user %s: %w", account.Username, err)
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, openWay(dir)
}

// openWay lets every user pass through the folders above dir, as far as they are temporary ones: Go closes those of its
// tests to others.
func openWay(dir string) error {
	temporary := filepath.Clean(os.TempDir())
	for above := filepath.Dir(dir); strings.HasPrefix(above, temporary+"/"); above = filepath.Dir(above) {
		info, err := os.Stat(above)
		if err != nil {
			return err
		}
		if err := os.Chmod(above, info.Mode().Perm()|passable); err != nil {
			return err
		}
	}
	return nil
}

// copyOf makes the server's data a copy of a primary's, which it then follows by streaming replication.
func (p *Postgres) copyOf(ctx context.Context, primary *Postgres) error {
	cmd := exec.CommandContext(ctx, p.Program("pg_basebackup"), "--dbname="+primary.URL("postgres", "postgres"), "--pgdata="+p.data(),
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	cmd.Env, cmd.Dir = p.env(), p.options.Dir
	cmd.SysProcAttr = ownGroup()
	cmd.SysProcAttr.Credential = p.as
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}
