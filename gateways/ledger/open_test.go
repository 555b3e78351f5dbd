package ledger_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

// The URL says which database it is.
func TestOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	for url, file := range map[string]string{
		"sqlite:ledger.db":  "ledger.db",
		"sqlite:./other.db": "other.db",
		"sqlite:" + filepath.Join(t.TempDir(), "abs.db"): "",
	} {
		l, err := ledgerdb.Open(url)
		require.NoError(t, err, url)
		err = l.Ready(t.Context())
		require.ErrorContains(t, err, "has no tables yet", url)
		require.ErrorContains(t, err, filepath.Base(url[len("sqlite:"):]), "the file is named")
		require.NoError(t, l.Migrate(t.Context()), url)
		require.NoError(t, l.Save(t.Context(), ledgertest.Whole()), url)
		require.NoError(t, l.Close())
		if file != "" {
			require.FileExists(t, file)
		}
	}
	for _, url := range []string{"postgres://orders:secret@127.0.0.1:1/orders", "postgresql://orders@127.0.0.1:1/orders"} {
		l, err := ledgerdb.Open(url)
		require.NoError(t, err, url)
		require.ErrorContains(t, l.Ready(t.Context()), "connect", url)
		require.NoError(t, l.Close())
	}
}

// A wrong URL is refused with what would be right and without its password.
func TestOpenWrongURL(t *testing.T) {
	for url, fault := range map[string]string{
		"":                                      "must be sqlite: and a file",
		"orders-ledger.db":                      "must be sqlite: and a file",
		"mysql://orders:hunter2@localhost/o":    "must be sqlite: and a file",
		"SQLITE:x.db":                           "must be sqlite: and a file",
		"sqlite:":                               "names no file",
		"sqlite:folder/":                        "names no file",
		"sqlite:" + t.TempDir():                 "names a folder",
		"sqlite:///var/lib/ledger.db":           "must be sqlite: and the path alone, such as sqlite:orders-ledger.db or sqlite:/var/lib",
		"sqlite:ledger.db?mode=ro":              "has options, and takes none",
		"sqlite::memory:":                       "is one of SQLite's own names",
		"postgres://orders:hunter2@localhost":   "names no database",
		"postgres://orders:hunter2@local host/": "malformed",
	} {
		_, err := ledgerdb.Open(url)
		require.ErrorContains(t, err, fault, url)
		require.NotContains(t, err.Error(), "hunter2", url)
	}
}

// Only an SQLite URL names a file.
func TestFile(t *testing.T) {
	for url, want := range map[string]string{
		"sqlite:a/b.db": "a/b.db", "sqlite:/a/b.db": "/a/b.db", "sqlite:": "", "postgres://orders@localhost/orders": "", "a.db": "",
	} {
		file, named := ledgerdb.SQLiteFile(url)
		require.Equal(t, want, file, url)
		require.Equal(t, want != "", named, url)
	}
}
