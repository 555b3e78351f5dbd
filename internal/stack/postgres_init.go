package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

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
