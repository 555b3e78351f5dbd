// Package ledgers opens the ledger's database by its URL.
package ledgers

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"dummyorders/gateways/postgres"
	"dummyorders/gateways/sqlite"
	"dummyorders/gateways/sqlledger"
)

// right is what a right URL looks like.
const right = "must be sqlite: and a file, such as sqlite:orders-ledger.db, " +
	"or a PostgreSQL URL, such as postgres://orders:secret@localhost:5432/orders?sslmode=require"

// Open connects to nothing yet: that the database is away is no error here, only that the URL is wrong. Errors show no
// password.
func Open(url string) (*sqlledger.Ledger, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return nil, err
		}
		return sqlite.Open(path)
	case "postgres", "postgresql":
		return postgres.Open(url)
	default:
		return nil, errors.New("ledger URL: " + right)
	}
}

// SQLiteFile is the path that a sqlite: URL names, and false for any other URL.
func SQLiteFile(url string) (string, bool) {
	rest, named := strings.CutPrefix(url, "sqlite:")
	path, err := sqlitePath(rest)
	if !named || err != nil {
		return "", false
	}
	return path, true
}

// sqlitePath refuses what people write who know other programs' URLs.
func sqlitePath(path string) (string, error) {
	const must = "must be sqlite: and the path alone, such as sqlite:orders-ledger.db or sqlite:/var/lib/orders/ledger.db"
	switch {
	case path == "" || strings.HasSuffix(path, "/"):
		return "", fmt.Errorf("ledger URL sqlite:%s names no file: %s", path, must)
	case strings.HasPrefix(path, "//"):
		return "", fmt.Errorf("ledger URL sqlite:%s begins its path with slashes of a host: %s", path, must)
	case strings.Contains(path, "?"):
		return "", fmt.Errorf("ledger URL sqlite:%s has options, and takes none: %s", path, must)
	case path == ":memory:" || strings.HasPrefix(path, "file:"):
		return "", fmt.Errorf("ledger URL sqlite:%s is one of SQLite's own names: %s", path, must)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return "", fmt.Errorf("ledger URL sqlite:%s names a folder: %s", path, must)
	}
	return path, nil
}
