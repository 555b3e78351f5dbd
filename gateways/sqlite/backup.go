package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// Backup writes a whole copy of the ledger in the file from to the file to, which must not be there. Processes may go on
// writing meanwhile: the copy is the ledger as it was when the backup began. It is there under its name only once all
// of it is on the disk. To restore, put it in the place of the ledger's file while no process uses that.
func Backup(ctx context.Context, from, to string) error {
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("back up the ledger to %s: there is such a file already", to)
	}
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("back up the ledger: remove what an earlier backup has left: %w", err)
	}
	err := write(ctx, from, part)
	if err == nil {
		err = os.Rename(part, to)
	}
	if err == nil {
		err = flush(filepath.Dir(to))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("back up the ledger %s to %s: %w", from, to, err), os.RemoveAll(part))
	}
	return nil
}

// write makes the copy, for its owner's eyes only, and flushes it, which VACUUM INTO does not.
func write(ctx context.Context, from, to string) error {
	path, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	db, err := pool(path, 1, url.Values{"mode": {"ro"}})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := create(to); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return err
	}
	return flush(to)
}

// flush brings a file, or a folder's names, onto the disk.
func flush(path string) error {
	file, err := os.Open(path) //nolint:gosec // whoever makes the backup names it
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
