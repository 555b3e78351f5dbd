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

	"github.com/prometheus/procfs"
)

// PostgresOptions configures a PostgreSQL server. The zero value with a Dir is suitable for tests.
type PostgresOptions struct {
	Dir      string   // the folder for data and log, created if missing
	Programs string   // the folder of postgres and initdb; if empty, StartPostgres finds one
	Port     int      // if 0, a free one is chosen
	Log      string   // if empty, postgres.log in Dir
	Password string   // the superuser's (postgres) password; if empty, "postgres"
	Settings []string // such as jit=off; they win over those of StartPostgres
}

// Postgres is a private server on the loopback interface, without Unix sockets. PostgreSQL refuses to run as root: if
// we are root, it runs as the user postgres or nobody. Several servers can run side by side.
type Postgres struct {
	*Process
	options PostgresOptions
	as      *syscall.Credential // the user it runs as; nil means our own user
}

// StartPostgres starts a server and waits until it accepts connections, or until ctx ends. It first initializes the
// data if there is none.
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

// StartStandby starts a hot standby that follows a primary by streaming replication: it accepts reads, and writes after
// it is promoted.
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

// Start restarts a stopped or killed server, with the same data on the same port.
func (p *Postgres) Start(ctx context.Context) error {
	if err := p.Process.Start(); err != nil {
		return err
	}
	return p.serving(ctx)
}

// Kill ends the server and its processes as kill -9 does. Each of those processes leads a group of its own, and the
// server cannot start again until all are gone.
func (p *Postgres) Kill() {
	_ = syscall.Kill(p.Pid(), syscall.SIGSTOP) // so that it starts no other process; fails if it has ended already
	listed, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", p.Pid()))
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

// gone reports whether a process has ended and has given back its memory, which a zombie has, whose parent has not waited for it yet.
func gone(pid int) bool {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return true
	}
	stat, err := process.Stat()
	return err != nil || stat.State == "Z"
}

// Port returns the port on which the server listens.
func (p *Postgres) Port() int {
	return p.options.Port
}

// Program returns the path of a program that comes with the server: psql, pg_dump, pg_restore.
func (p *Postgres) Program(name string) string {
	return filepath.Join(p.options.Programs, name)
}

// URL returns the URL with which a user connects to a database. It uses the password of postgres for all users.
func (p *Postgres) URL(user, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, p.options.Password), Host: loopback(p.options.Port),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// SetUpLedger makes the ledger's database and its users, who all have the password of postgres.
func (p *Postgres) SetUpLedger(ctx context.Context) error {
	root, err := Root()
	if err != nil {
		return err
	}
	script := exec.CommandContext(ctx, "/bin/sh", filepath.Join(root, "gateways", "ledger", "setup.sh"))
	script.Env = []string{
		"PATH=" + p.options.Programs + string(os.PathListSeparator) + os.Getenv("PATH"),
		"PGHOST=127.0.0.1", "PGPORT=" + strconv.Itoa(p.options.Port), "PGUSER=postgres", "PGPASSWORD=" + p.options.Password,
	}
	for _, user := range []string{"", "READER_", "POLICE_", "ALERTMAN_", "DESK_"} {
		script.Env = append(script.Env, fmt.Sprintf("LEDGER_%sPASSWORD=%s", user, p.options.Password))
	}
	if said, err := script.CombinedOutput(); err != nil {
		return fmt.Errorf("gateways/ledger/setup.sh: %w: %s", err, said)
	}
	return nil
}

// server returns the server's command. It stops the server with SIGINT, which ends open connections at once: SIGTERM
// would wait for the clients. The settings make the server small but keep it safe: committed data survives a crash.
func (p *Postgres) server() Command {
	args := []string{"-D", p.data()}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(p.options.Port), "unix_socket_directories=",
		"shared_buffers=32MB", "max_connections=60", "max_worker_processes=2", "autovacuum_max_workers=1",
		"logging_collector=off", "log_destination=stderr",
	} {
		args = append(args, "-c", setting)
	}
	for _, setting := range p.options.Settings {
		args = append(args, "-c", setting)
	}
	return Command{
		Name: "PostgreSQL", Path: p.Program("postgres"), Args: args, Env: p.env(), Dir: p.options.Dir, Log: p.options.Log,
		StopSignal: syscall.SIGINT, As: p.as,
	}
}

// env returns an environment without the machine's variables for another server (PGDATA, PGPORT).
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
		if o.Programs, err = findPostgres(); err != nil {
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

// serving waits until the server accepts connections.
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

// passable is the permission to pass through a folder without listing it.
const passable fs.FileMode = 0o011

// initialize creates the server's data if there is none. All users need a password, as on a server that others can
// reach.
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

// unprivileged returns the user as which a server runs that refuses root, and makes that user the folder's owner. It
// returns nil if we are not root.
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

// openWay lets every user pass through the temporary folders above dir: Go closes its tests' folders to other users.
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
