package ledger_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/ruleset"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

// anEntry returns an entry of the list of blocked customers.
func anEntry(value string) ruleset.ListEntry {
	return ruleset.ListEntry{List: "blocked", Of: "customer.id", Value: value, Reason: "chargeback 100%", By: "ada", At: start}
}

// addEntry adds an entry, and returns it with its number.
func addEntry(t *testing.T, l *ledgerdb.Ledger, e ruleset.ListEntry) ruleset.ListEntry {
	t.Helper()
	added, err := l.AddEntry(t.Context(), e)
	require.NoError(t, err)
	return added
}

// A value is on a list once, until it is removed or expires, and changes are numbered in their order.
func TestListEntries(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			first := addEntry(t, l, anEntry("c-1"))
			expiring := anEntry("c_2")
			expiring.Expires, expiring.Reason = start.Add(time.Hour), "A Ring"
			second := addEntry(t, l, expiring)
			assert.Equal(t, []int64{1, 2}, []int64{first.Number, second.Number})
			_, err := l.AddEntry(t.Context(), anEntry("c-1"))
			var listed *ruleset.ListedError
			require.ErrorAs(t, err, &listed)
			assert.Equal(t, first, listed.Entry)
			other := anEntry("c-1")
			other.Of = "metadata.customer"
			third := addEntry(t, l, other)
			assert.Equal(t, int64(3), third.Number, "a refused change has no number")
			again := anEntry("c_2")
			again.At = start.Add(time.Hour)
			fourth := addEntry(t, l, again)

			removal := ruleset.ListEntry{Number: 1, List: "blocked", Of: "customer.id", RemovedBy: "bob", RemovedAt: start.Add(time.Minute), RemovedReason: "a mistake"}
			removed, err := l.RemoveEntry(t.Context(), removal)
			require.NoError(t, err)
			first.RemovedIn, first.RemovedBy, first.RemovedAt, first.RemovedReason = 5, "bob", start.Add(time.Minute), "a mistake"
			assert.Equal(t, first, removed)
			for _, wrong := range []ruleset.ListEntry{removal, {Number: 3, List: "blocked", Of: "customer.id"}, {Number: 9, List: "blocked", Of: "customer.id"}} {
				_, err = l.RemoveEntry(t.Context(), wrong)
				require.ErrorIs(t, err, ruleset.ErrNoEntry)
			}

			for name, c := range map[string]struct {
				query ruleset.EntryQuery
				want  []ruleset.ListEntry
			}{
				"what is on it":      {ruleset.EntryQuery{Limit: 9}, []ruleset.ListEntry{fourth, second}},
				"also what was":      {ruleset.EntryQuery{Limit: 9, Removed: true}, []ruleset.ListEntry{fourth, second, first}},
				"a page":             {ruleset.EntryQuery{Limit: 1}, []ruleset.ListEntry{fourth}},
				"the next page":      {ruleset.EntryQuery{Limit: 1, Before: 4}, []ruleset.ListEntry{second}},
				"by a value":         {ruleset.EntryQuery{Limit: 9, Search: "C_2"}, []ruleset.ListEntry{fourth, second}},
				"by a reason":        {ruleset.EntryQuery{Limit: 9, Search: "ring"}, []ruleset.ListEntry{second}},
				"by a percent sign":  {ruleset.EntryQuery{Limit: 9, Search: "0%"}, []ruleset.ListEntry{fourth}},
				"by what is nowhere": {ruleset.EntryQuery{Limit: 9, Search: "c%2"}, nil},
			} {
				c.query.List, c.query.Of = "blocked", "customer.id"
				got, err := l.Entries(t.Context(), c.query)
				require.NoError(t, err)
				assert.Equal(t, c.want, got, name)
			}
			for after, want := range map[int64][]ruleset.ListEntry{0: {first, second, third, fourth}, 3: {first, fourth}, 4: {first}, 5: nil} {
				got, err := l.EntryChanges(t.Context(), after)
				require.NoError(t, err)
				assert.ElementsMatch(t, want, got, "after %d", after)
			}
			beyondASCII := addEntry(t, l, anEntry("ÖZIL"))
			got, err := l.Entries(t.Context(), ruleset.EntryQuery{List: "blocked", Of: "customer.id", Search: "ÖZIL", Limit: 9})
			require.NoError(t, err)
			assert.Equal(t, []ruleset.ListEntry{beyondASCII}, got)
		})
	}
}

// Each of several changes at once has its own number, and a reader that has one change has all before it.
func TestListChangesAtOnce(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			const number = 20
			l := engine.migrated(t)
			var all errgroup.Group
			for i := range number {
				all.Go(func() error {
					_, err := l.AddEntry(t.Context(), anEntry(fmt.Sprint("c-", i)))
					return err
				})
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for last := int64(0); last < number; {
				changed, err := l.EntryChanges(ctx, last)
				require.NoError(t, err)
				was := last
				for _, e := range changed {
					last = max(last, e.Number)
				}
				require.Len(t, changed, int(last-was), "from %d to %d", was, last)
			}
			require.NoError(t, all.Wait())
		})
	}
}

// That nothing has changed is found without reading all entries.
func TestListChangesUseIndexes(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			require.NoError(t, l.Exec(t.Context(), `INSERT INTO list_entries (number, list, looked_up, value, reason, added_by, added_at)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
				SELECT i, 'blocked', 'customer.id', 'c', 'a', 'ada', (SELECT min(added_at) FROM merchants) FROM n`))
			if name != "SQLite" {
				require.NoError(t, l.Exec(t.Context(), "ANALYZE"))
			}
			plan, err := l.Plan(t.Context(), engine.explain, l.EntriesChangedSince(20_000))
			require.NoError(t, err)
			text := strings.Join(plan, "\n")
			assert.NotContains(t, text, "Seq Scan")
			assert.NotContains(t, text, "SCAN list_entries")
			assert.Contains(t, text, "list_entries_removed")
		})
	}
}

// The desk's user changes lists; the API's and fraud_police's read them only.
func TestListRights(t *testing.T) {
	name := server.Database(t)
	for _, user := range []string{"orders_reader", "orders_desk", "orders_police"} {
		role(t, server.URL("postgres", name), user)
	}
	execute(t, server.URL("postgres", name), `GRANT orders_reader TO orders_desk`)
	require.NoError(t, connect(t, server.URL("postgres", name)).Migrate(t.Context()))
	desk := connect(t, server.URL("orders_desk", name))
	addEntry(t, desk, anEntry("c-1"))
	added := addEntry(t, desk, anEntry("c-2"))
	removal := ruleset.ListEntry{Number: added.Number, List: added.List, Of: added.Of, RemovedBy: "bob", RemovedAt: start}
	_, err := desk.RemoveEntry(t.Context(), removal)
	require.NoError(t, err)
	require.ErrorContains(t, desk.Exec(t.Context(), `UPDATE list_entries SET value = 'c-3'`), "permission denied")
	require.ErrorContains(t, desk.Exec(t.Context(), `DELETE FROM list_entries`), "permission denied")
	for _, user := range []string{"orders_reader", "orders_police"} {
		other := connect(t, server.URL(user, name))
		all, err := other.EntryChanges(t.Context(), 0)
		require.NoError(t, err)
		assert.Len(t, all, 2)
		refusals := noErrors(t)
		_, err = other.AddEntry(t.Context(), anEntry("c-4"))
		require.ErrorIs(t, err, ruleset.ErrMayNotChange)
		_, err = other.RemoveEntry(t.Context(), removal)
		require.ErrorIs(t, err, ruleset.ErrMayNotChange)
		refusals()
	}
	execute(t, server.URL("postgres", name), `REVOKE SELECT ON list_entries FROM orders_police`)
	_, lacks, err := connect(t, server.URL("orders_police", name)).Rights(t.Context())
	require.NoError(t, err)
	assert.Contains(t, lacks["fraud-police"], "SELECT on list_entries")
}

// On PostgreSQL, changes that wait for one whose process hangs wait for it no longer than this timeout.
func TestPostgresListChangeSettings(t *testing.T) {
	l := engines["PostgreSQL"].migrated(t)
	require.NoError(t, l.Exec(t.Context(), `CREATE FUNCTION patience() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN NEW.reason := current_setting('idle_in_transaction_session_timeout'); RETURN NEW; END $$`))
	require.NoError(t, l.Exec(t.Context(), `CREATE TRIGGER patience BEFORE INSERT ON list_entries FOR EACH ROW EXECUTE FUNCTION patience()`))
	addEntry(t, l, anEntry("c-1"))
	all, err := l.EntryChanges(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, "10s", all[0].Reason)
}

// Entries that ended before a time are deleted, and those that count, or counted later, are not.
func TestPruneEntries(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			expiring := anEntry("expired")
			expiring.Expires = start.Add(time.Hour)
			late := anEntry("expired later")
			late.Expires = start.Add(3 * time.Hour)
			for _, e := range []ruleset.ListEntry{anEntry("counts"), expiring, late} {
				addEntry(t, l, e)
			}
			for value, after := range map[string]time.Duration{"removed": time.Hour, "removed later": 3 * time.Hour} {
				e := addEntry(t, l, anEntry(value))
				e.RemovedBy, e.RemovedAt, e.RemovedReason = "bob", start.Add(after), "a mistake"
				_, err := l.RemoveEntry(t.Context(), e)
				require.NoError(t, err)
			}
			require.NoError(t, l.Save(t.Context(), ledgertest.Accepted(1)))
			deleted, err := l.PruneEntries(t.Context(), start.Add(2*time.Hour), 1)
			require.NoError(t, err)
			require.Zero(t, deleted, "a transaction is kept that began while they counted")
			require.NoError(t, l.Exec(t.Context(), "DELETE FROM transactions"))
			require.NoError(t, l.Save(t.Context(), ledgertest.Accepted(2*60*60)))
			for _, want := range []int{1, 1, 0} {
				deleted, err := l.PruneEntries(t.Context(), start.Add(2*time.Hour), 1)
				require.NoError(t, err)
				assert.Equal(t, want, deleted)
			}
			left, err := l.EntryChanges(t.Context(), 0)
			require.NoError(t, err)
			var values []string
			var numbers []int64
			for _, e := range left {
				values, numbers = append(values, e.Value), append(numbers, e.Number)
			}
			kept, err := l.EntryNumbers(t.Context())
			require.NoError(t, err)
			assert.ElementsMatch(t, numbers, kept)
			assert.ElementsMatch(t, []string{"counts", "expired later", "removed later"}, values)
		})
	}
}
