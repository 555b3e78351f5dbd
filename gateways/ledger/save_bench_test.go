package ledger_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

// BenchmarkSave saves transactions when they are accepted and again when they end, with one saver and with 16 at once.
// SQLite is measured as it is, and with a commit for each save.
func BenchmarkSave(b *testing.B) {
	for _, c := range []struct {
		name, engine string
		change       func(*ledgerdb.Ledger)
	}{
		{"SQLite", "SQLite", func(*ledgerdb.Ledger) {}},
		{"SQLite, each alone", "SQLite", (*ledgerdb.Ledger).Alone},
		{"PostgreSQL", "PostgreSQL", func(*ledgerdb.Ledger) {}},
	} {
		for _, savers := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%d", c.name, savers), func(b *testing.B) {
				l := engines[c.engine].migrated(b)
				c.change(l)
				b.ResetTimer()
				saveBy(b, l, savers)
			})
		}
	}
}

// BenchmarkAudit appends to the audit trail, by one and by 16 at once.
func BenchmarkAudit(b *testing.B) {
	for name, engine := range engines {
		for _, by := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%d", name, by), func(b *testing.B) {
				l := engine.migrated(b)
				var working sync.WaitGroup
				var begun atomic.Int64
				b.ResetTimer()
				for range by {
					working.Go(func() {
						for n := int(begun.Add(1)); n <= b.N; n = int(begun.Add(1)) {
							_, err := l.Append(b.Context(), ledgertest.Audited(n))
							assert.NoError(b, err)
						}
					})
				}
				working.Wait()
			})
		}
	}
}

func saveBy(b *testing.B, l *ledgerdb.Ledger, savers int) {
	var working sync.WaitGroup
	var begun atomic.Int64
	for range savers {
		working.Go(func() {
			for n := int(begun.Add(1)); n <= b.N; n = int(begun.Add(1)) {
				e := ledgertest.Accepted(n / 2)
				if n%2 == 1 {
					e = ledgertest.Ended(n/2, start.Add(time.Hour))
				}
				assert.NoError(b, l.Save(b.Context(), e))
			}
		})
	}
	working.Wait()
}
