package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/ledger"
	"dummyorders/gateways/sqlite"
	"dummyorders/internal/ledgertest"
)

// asSaver makes a process of this test a worker on the file that it names.
const asSaver = "SAVE_IN_LEDGER"

// saveUntilKilled makes the tables, and then says the id of each transaction once that is saved.
func saveUntilKilled(path string) {
	ctx := context.Background()
	l, err := sqlite.Open(path)
	if err == nil {
		err = l.Migrate(ctx)
	}
	for n := os.Getpid() * 1000; err == nil; n++ {
		e := ledgertest.Accepted(n)
		if err = l.Save(ctx, e); err == nil {
			fmt.Println(e.Record.TransactionID)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Four workers start at once on a file that is not there, while this process reads it, and are killed one by one.
func TestProcessesShareAFileAndNothingThatWasSavedIsLostWhenTheyAreKilled(t *testing.T) {
	const each = 100
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	reader := connect(t, path)
	var said []*bufio.Reader
	var workers []*exec.Cmd
	for range 4 {
		worker := exec.CommandContext(ctx, os.Args[0])
		worker.Env = append(os.Environ(), asSaver+"="+path)
		worker.Stderr = os.Stderr
		out, err := worker.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, worker.Start())
		said, workers = append(said, bufio.NewReader(out)), append(workers, worker)
	}
	var saved []string
	for i, worker := range workers {
		for range each {
			line, err := said[i].ReadString('\n')
			require.NoError(t, err, "a worker ended by itself")
			saved = append(saved, strings.TrimSpace(line))
			_, err = reader.List(ctx, ledger.Query{Limit: 1})
			require.NoError(t, err)
		}
		require.NoError(t, worker.Process.Kill())
		rest, err := io.ReadAll(said[i]) // what it said before it was killed
		require.NoError(t, err)
		lines := strings.SplitAfter(string(rest), "\n")
		for _, line := range lines[:len(lines)-1] {
			saved = append(saved, strings.TrimSpace(line))
		}
		require.Error(t, worker.Wait())
	}
	require.GreaterOrEqual(t, len(saved), len(workers)*each)
	for _, id := range saved {
		_, err := reader.Find(ctx, id)
		require.NoError(t, err)
	}
	require.NoError(t, open(t, path).Save(ctx, ledgertest.Whole()), "a lock has outlived its process")
}
