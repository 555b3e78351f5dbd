package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// Pragma is a setting of the connection that saves, and of the one that counts.
func Pragma(ctx context.Context, path, name string) (saving, counting string, err error) {
	all, err := pools(path)
	if err != nil {
		return "", "", err
	}
	ask := func(db *sql.DB, value *string) error {
		return db.QueryRowContext(ctx, "PRAGMA "+name).Scan(value)
	}
	err = errors.Join(ask(all.Writer, &saving), ask(all.History, &counting), all.Writer.Close(), all.History.Close(), all.Reader.Close())
	return saving, counting, err
}
