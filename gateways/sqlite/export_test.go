package sqlite

import (
	"context"
	"errors"
)

// Pragma is a setting of a connection that writes.
func Pragma(ctx context.Context, path, name string) (value string, err error) {
	db, err := writing(path)
	if err != nil {
		return "", err
	}
	err = db.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	return value, errors.Join(err, db.Close())
}
