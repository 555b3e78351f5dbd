package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dummyorders/gateways/postgres"
)

const secret = "hunter%2" // and so no URL when it stands in one as it is

func TestAWrongURLSaysWhatWouldBeRightAndShowsNoPassword(t *testing.T) {
	for url, fault := range map[string]string{
		"postgres://orders:" + secret + "@localhost/orders":                                 "malformed: must be like postgres://user:password@host:5432/database",
		"postgres://orders:front@hunter2@localhost/orders":                                  "malformed: must be like",
		"postgres://orders:a/hunter2@localhost/orders":                                      "malformed: must be like",
		"postgres://orders:a?hunter2@localhost/orders":                                      "malformed: must be like",
		"postgres://orders:a#hunter2@localhost/orders":                                      "malformed: must be like",
		"postgres://orders:a,hunter2@x@localhost/orders":                                    "malformed: must be like",
		"postgres://orders:hunter2@localhost,local host/orders":                             "malformed: must be like",
		"postgres://orders:hunter2@local host/orders":                                       "malformed: must be like",
		"postgres://orders:hunter2@localhost:x/orders":                                      "malformed: must be like",
		"postgres://orders:hunter2@localhost":                                               "names no database: must be like",
		"postgres://orders:hunter2@/orders":                                                 "names no host: must be like",
		"postgres://localhost/orders?password=hunter2":                                      "names no user: must be like",
		"postgres://orders:hunter2@localhost/orders?sslmode=maybe":                          "sslmode",
		"postgres://orders@localhost/orders?sslmode=maybe&password=hunter2":                 "sslmode",
		"postgres://orders:hunter2@localhost/orders?sslrootcert=/missing&sslmode=verify-ca": "/missing",
		"postgres://orders:hunter2@localhost:99999/orders":                                  "port",
	} {
		_, err := postgres.Open(url)
		require.ErrorContains(t, err, fault, url)
		require.ErrorContains(t, err, "PostgreSQL URL", url)
		require.NotContains(t, err.Error(), "hunter")
	}
}

func TestTheURLsOfLibpqAreTaken(t *testing.T) {
	for _, url := range []string{
		"postgres://orders:p%40ss@db.example:5433/orders?sslmode=require",
		"postgresql://orders@localhost/orders",
		"postgres:///orders?host=/var/run/postgresql&user=orders",
		"postgres://orders@a.example,b.example/orders?target_session_attrs=read-write",
		"postgres://orders:a%40b@127.0.0.1:5433,127.0.0.1:5434/orders?target_session_attrs=read-write",
		"postgres://orders:a,b@[::1]:5433,b.example/orders",
	} {
		l, err := postgres.Open(url)
		require.NoError(t, err, url)
		require.NoError(t, l.Close())
	}
}
