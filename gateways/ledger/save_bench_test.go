package ledger_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

var callers = []int{1, 10, 50}

// BenchmarkSave saves transactions when they are accepted and again when they end, with one saver and with several at once.
// Each database is measured as it is, and with a commit for each save.
func BenchmarkSave(b *testing.B) {
	for _, c := range []struct {
		name, engine string
		change       func(*ledgerdb.Ledger)
	}{
		{"SQLite", "SQLite", func(*ledgerdb.Ledger) {}},
		{"SQLite, each alone", "SQLite", (*ledgerdb.Ledger).Alone},
		{"PostgreSQL", "PostgreSQL", func(*ledgerdb.Ledger) {}},
		{"PostgreSQL, each alone", "PostgreSQL", (*ledgerdb.Ledger).Alone},
	} {
		for _, savers := range callers {
			b.Run(fmt.Sprintf("%s/%d", c.name, savers), func(b *testing.B) {
				l := engines[c.engine].migrated(b)
				c.change(l)
				spend(b, savers, func(n int) {
					e := ledgertest.Accepted(n / 2)
					if n%2 == 1 {
						e = ledgertest.Ended(n/2, start.Add(time.Hour))
					}
					e.Transaction.Customer, e.Transaction.IP = &transaction.Customer{ID: "customer-" + strconv.Itoa(n/2%700)}, "192.0.2."+strconv.Itoa(n/2%250)
					e.Transaction.Payment.Card.LastFour = fmt.Sprintf("%04d", n/2*617%10_000)
					assert.NoError(b, l.Save(b.Context(), e))
				})
			})
		}
	}
}

// BenchmarkAudit appends to the audit trail, by one and by several at once.
func BenchmarkAudit(b *testing.B) {
	for name, engine := range engines {
		for _, by := range callers {
			b.Run(fmt.Sprintf("%s/%d", name, by), func(b *testing.B) {
				l := engine.migrated(b)
				spend(b, by, func(n int) {
					_, err := l.Append(b.Context(), ledgertest.Audited(n))
					assert.NoError(b, err)
				})
			})
		}
	}
}

// BenchmarkTransaction does what one process after the other does for a payment: the API appends to the audit trail, and the
// worker saves the transaction when it is accepted and when it has ended.
func BenchmarkTransaction(b *testing.B) {
	for name, engine := range engines {
		for _, by := range callers {
			b.Run(fmt.Sprintf("%s/%d", name, by), func(b *testing.B) {
				place := engine.place(b)
				api, worker := engine.at(b, place), engine.at(b, place)
				require.NoError(b, worker.Migrate(b.Context()))
				spend(b, by, func(n int) {
					_, err := api.Append(b.Context(), ledgertest.Audited(n))
					assert.NoError(b, err)
					assert.NoError(b, worker.Save(b.Context(), ledgertest.Accepted(n)))
					assert.NoError(b, worker.Save(b.Context(), ledgertest.Ended(n, start.Add(time.Hour))))
				})
			})
		}
	}
}

// spend runs do as often as the benchmark wants, from so many goroutines at once, and reports the processor time that it
// takes, in this process and in PostgreSQL's.
func spend(b *testing.B, by int, do func(n int)) {
	b.Helper()
	var working sync.WaitGroup
	var begun atomic.Int64
	b.ReportAllocs()
	do(0) // connects, and prepares statements
	b.ResetTimer()
	before := ticks(b)
	for range by {
		working.Go(func() {
			for n := int(begun.Add(1)); n <= b.N; n = int(begun.Add(1)) {
				do(n)
			}
		})
	}
	working.Wait()
	b.ReportMetric(float64((ticks(b)-before)*10_000)/float64(b.N), "cpu-µs/op")
}

// ticks returns the processor time, in hundredths of a second, that this process, PostgreSQL's server and the server's processes
// have taken (proc(5)).
func ticks(b *testing.B) (sum int) {
	b.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", server.Pid()))
	require.NoError(b, err)
	for _, pid := range append(strings.Fields(string(children)), "self", strconv.Itoa(server.Pid())) {
		stat, _ := os.ReadFile("/proc/" + pid + "/stat") // empty if it has just ended
		_, after, _ := strings.Cut(string(stat), ") ")
		for i, field := range strings.Fields(after) {
			if n, err := strconv.Atoi(field); err == nil && i >= 11 && i <= 14 { // its own time, and that of its children that have ended
				sum += n
			}
		}
	}
	return sum
}
