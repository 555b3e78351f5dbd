package ledgertest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"dummyorders/internal/stack"
)

// Server is a PostgreSQL server for the tests of one package. Each test has a database of its own. The machine does not crash, so that the
// server need not wait for its disk.
type Server struct {
	*stack.Postgres

	databases atomic.Int64
}

// Main runs a package's tests while the server runs, and fails if they leave a goroutine behind. Call it from TestMain.
func (s *Server) Main(m *testing.M) int {
	code, err := s.run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (s *Server) run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "postgres")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if s.Postgres, err = stack.StartPostgres(context.Background(), stack.PostgresOptions{Dir: dir, Settings: []string{"fsync=off"}}); err != nil {
		return 1, err
	}
	code := m.Run()
	if err := s.Stop(context.Background()); err != nil || code != 0 {
		return code, err
	}
	return 0, goleak.Find()
}

// Database creates a database and returns its name.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.Copy(t, "template1")
}

// Copy copies a database to which nothing is connected, and returns the copy's name.
func (s *Server) Copy(t testing.TB, database string) string {
	t.Helper()
	name := fmt.Sprintf("ledger_%d", s.databases.Add(1))
	connection, err := pgx.Connect(t.Context(), s.URL("postgres", "postgres"))
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	_, err = connection.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+database)
	require.NoError(t, err)
	return name
}
