package stack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"dummyorders/internal/stack"
)

func startPostgres(t *testing.T, o stack.PostgresOptions) *stack.Postgres {
	t.Helper()
	server, err := stack.StartPostgres(patience(t), o)
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	return server
}

// ask runs a statement and returns the text it answers with, if any.
func ask(t *testing.T, url, statement string) string {
	t.Helper()
	ctx := patience(t)
	connection, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(ctx)) }()
	rows, err := connection.Query(ctx, statement)
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(texts, " ")
}

// Postgres keeps its data whether it is stopped or killed.
func TestPostgresKeepsData(t *testing.T) {
	t.Parallel()
	ctx, dir := patience(t), t.TempDir()
	server := startPostgres(t, stack.PostgresOptions{Dir: dir})
	url := server.URL("postgres", "postgres")
	ask(t, url, "CREATE TABLE kept AS SELECT 'first' AS word")
	guest, err := pgx.Connect(ctx, url) // an open connection must not delay the stop
	require.NoError(t, err)
	defer func() { _ = guest.Close(ctx) }()

	require.NoError(t, server.Stop(ctx))
	noProcessMentions(t, dir)
	require.NoError(t, server.Start(ctx))
	ask(t, url, "INSERT INTO kept VALUES ('second')")

	server.Kill()
	noProcessMentions(t, dir)
	require.NoError(t, server.Start(ctx))
	require.Equal(t, "first second", ask(t, url, "SELECT word FROM kept"))
	require.NoError(t, server.Stop(ctx))
	noProcessMentions(t, dir)
}

// Settings win over those that every server here has.
func TestPostgresSettings(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, stack.PostgresOptions{Dir: t.TempDir(), Settings: []string{"shared_buffers=16MB"}})
	require.Equal(t, "16MB", ask(t, server.URL("postgres", "postgres"), "SHOW shared_buffers"))
}

// Postgres servers run side by side and ask for a password.
func TestPostgresSideBySide(t *testing.T) {
	t.Parallel()
	one := startPostgres(t, stack.PostgresOptions{Dir: t.TempDir()})
	two := startPostgres(t, stack.PostgresOptions{Dir: t.TempDir(), Password: "an&other %"})
	ask(t, one.URL("postgres", "postgres"), "CREATE DATABASE only_in_one")
	require.Equal(t, "postgres", ask(t, two.URL("postgres", "postgres"), "SELECT datname FROM pg_database WHERE NOT datistemplate"))
	wrong := strings.Replace(one.URL("postgres", "postgres"), ":postgres@", ":guess@", 1)
	_, err := pgx.Connect(patience(t), wrong)
	require.ErrorContains(t, err, "password authentication failed")
}

// A Postgres that cannot start shows its last lines.
func TestPostgresCannotStart(t *testing.T) {
	t.Parallel()
	dir, programs := t.TempDir(), t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(programs), 0o755))
	for name, text := range map[string]string{
		"initdb":     `mkdir data && echo 15 >data/PG_VERSION`,
		"postgres":   `echo "FATAL: no such thing" >&2; exit 1`,
		"pg_isready": `exit 2`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	}
	_, err := stack.StartPostgres(patience(t), stack.PostgresOptions{Dir: dir, Programs: programs})
	require.ErrorContains(t, err, "start PostgreSQL: PostgreSQL ended: exit status 1; the last lines of ")
	require.ErrorContains(t, err, "\n    FATAL: no such thing")
}

func TestPostgresPortTaken(t *testing.T) {
	t.Parallel()
	_, err := stack.StartPostgres(patience(t), stack.PostgresOptions{Dir: t.TempDir(), Programs: "/bin", Port: take(t)})
	require.ErrorIs(t, err, stack.ErrPortTaken)
}
