package ledger_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/velocity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/internal/velocitytest"
)

const noTables = "has no tables yet: the worker makes them at its start"

// Without tables every call says what makes them.
func TestWithoutTables(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, ctx := engine.at(t, engine.place(t)), t.Context()
			_, findErr := l.Find(ctx, identity.AllMerchants(), "1")
			_, listErr := l.List(ctx, ledger.Query{Merchants: identity.AllMerchants(), Limit: 1})
			_, pruneErr := l.Prune(ctx, start, 1)
			_, decideErr := l.Decide(ctx, velocitytest.Check(velocitytest.Use(1, "a")), velocitytest.Use(1, "a"), ofTheCard, decideByCount)
			_, lookErr := l.Look(ctx, "1", ofTheCard)
			_, pruneVelocityErr := l.PruneVelocity(ctx, start, 1)
			_, keysErr := l.Keys(ctx)
			_, keyChangesErr := l.KeyChanges(ctx)
			_, merchantsErr := l.Merchants(ctx)
			for call, err := range map[string]error{
				"Keys": keysErr, "KeyChanges": keyChangesErr, "AddKey": l.AddKey(ctx, keyFor("shop", 1)), "Merchants": merchantsErr,
				"Ready": l.Ready(ctx), "Save": l.Save(ctx, ledgertest.Accepted(1)), "Save with labels": l.Save(ctx, ledgertest.Whole()),
				"Find": findErr, "List": listErr, "Prune": pruneErr, "Decide": decideErr, "Look": lookErr, "PruneVelocity": pruneVelocityErr,
			} {
				require.ErrorContains(t, err, noTables, call)
				require.NotErrorIs(t, err, ledger.ErrNotFound, call)
			}
			require.NoError(t, l.Migrate(ctx))
			require.NoError(t, l.Ready(ctx))
			require.NoError(t, l.Save(ctx, ledgertest.Whole()))
		})
	}
}

// Workers that start at once make the tables once.
func TestMigrateConcurrently(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			place := engine.place(t)
			errs, begin := make(chan error, 8), make(chan struct{})
			var workers sync.WaitGroup
			for range cap(errs) {
				l := engine.at(t, place)
				require.Error(t, l.Ready(t.Context()), "it has connected")
				workers.Go(func() {
					<-begin
					errs <- l.Migrate(t.Context())
				})
			}
			close(begin)
			workers.Wait()
			for range cap(errs) {
				require.NoError(t, <-errs)
			}
			require.NoError(t, engine.at(t, place).Save(t.Context(), ledgertest.Whole()))
		})
	}
}

// Migrating again changes nothing.
func TestMigrateAgain(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			require.NoError(t, l.Save(t.Context(), ledgertest.Whole()))
			require.NoError(t, l.Migrate(t.Context()))
			_, err := l.Find(t.Context(), identity.AllMerchants(), ledgertest.Whole().Record.TransactionID)
			require.NoError(t, err)
		})
	}
}

// Tables of an earlier version are changed and keep what they hold, which then belongs to the default merchant.
func TestMigrateEarlierTables(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.at(t, engine.place(t))
			require.NoError(t, l.MigrateTo(t.Context(), 2))
			require.ErrorContains(t, l.Ready(t.Context()), "the ledger's tables are of version 2, and this version of orders needs ")
			at := map[string]string{"SQLite": "1767323045000000", "PostgreSQL": "'2026-01-02T03:04:05Z'"}[name]
			require.NoError(t, l.Exec(t.Context(), `INSERT INTO transactions (id, status, amount, started_at, mark_at, mark_number, record, posted)
				VALUES ('old', 18, 100, `+at+`, 1, 1, '{"transactionID": "old", "order": {"cost": 1}, "amount": 1}', '{"id": "old"}')`))
			require.NoError(t, l.Migrate(t.Context()))
			for _, of := range []identity.Merchants{identity.AllMerchants(), identity.OnlyMerchants(identity.DefaultMerchant)} {
				found, err := l.Find(t.Context(), of, "old")
				require.NoError(t, err)
				require.Equal(t, identity.DefaultMerchant, found.Record.Merchant)
			}
			_, err := l.Find(t.Context(), identity.OnlyMerchants("acme"), "old")
			require.ErrorIs(t, err, ledger.ErrNotFound)
			_, err = l.Decide(t.Context(), velocitytest.Check(velocitytest.Use(1, "a")), velocitytest.Use(1, "a"), ofTheCard, decideByCount)
			require.NoError(t, err)
		})
	}
}

// sqlTimes holds the time of use 1 as each engine writes it.
var sqlTimes = map[string]string{
	"SQLite": fmt.Sprint(velocitytest.Use(1, "").At.UnixMicro()), "PostgreSQL": velocitytest.Use(1, "").At.Format("'2006-01-02 15:04:05.999999Z'"),
}

// What was counted before there were merchants is the default merchant's.
func TestMigrateUses(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, ctx := engine.at(t, engine.place(t)), t.Context()
			require.NoError(t, l.MigrateTo(ctx, 2))
			old := velocitytest.Use(1, "a")
			countOld := fmt.Sprintf(`INSERT INTO uses (dimension, value, at, transaction_id, amount, currency, facts)
				VALUES ('card', 'a', %[1]s, '%[2]s', 12300, 'INR', '{"card":"a","order":"1"}'), ('order', '1', %[1]s, '%[2]s', 12300, 'INR', '{"card":"a","order":"1"}')`,
				sqlTimes[name], old.TransactionID)
			require.NoError(t, l.Exec(ctx, countOld))
			require.NoError(t, l.Exec(ctx, fmt.Sprintf(`INSERT INTO decisions (transaction_id, number, at, decision) VALUES ('%s', 1, %s, '{"score":7}')`,
				old.TransactionID, sqlTimes[name])))
			require.NoError(t, l.MigrateTo(ctx, 4))
			if name == "PostgreSQL" { // it can be repeated, as after a worker that was killed in it
				require.NoError(t, l.Exec(ctx, "DELETE FROM ledger_migrations WHERE version_id = 4"))
			}
			require.NoError(t, l.Migrate(ctx))
			kept, err := l.Decide(ctx, velocitytest.Check(old), old, nil, decideByCount)
			require.NoError(t, err)
			require.Equal(t, 7, kept.Score, "it is decided again")
			lookup := velocity.Lookup{By: velocity.Card, Value: "a", Merchant: identity.DefaultMerchant, Values: true}
			across, acme, order := lookup, lookup, lookup
			across.Across, acme.Merchant, order.By, order.Value = true, "acme", velocity.Order, "1"
			for _, looked := range []velocity.Lookup{lookup, across, acme, order} {
				past, err := l.Look(ctx, "", []velocity.Lookup{looked})
				require.NoError(t, err)
				if looked == acme {
					require.Empty(t, past)
					continue
				}
				require.Len(t, past[looked.Pool()], 1)
				use := past[looked.Pool()][0]
				require.Equal(t, identity.DefaultMerchant, use.Merchant)
				require.Equal(t, old.At.Truncate(time.Microsecond), use.At)
				require.Equal(t, map[velocity.Dimension]string{velocity.Card: "a", velocity.Order: "1"}, use.Values)
			}
			require.Error(t, l.Exec(ctx, countOld), "code of before counts without a merchant")
		})
	}
}

// Newer tables serve older code unless they say otherwise.
func TestNewerTables(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			require.NoError(t, l.Exec(t.Context(), "INSERT INTO ledger_migrations (version_id, is_applied) VALUES (1000, "+
				map[string]string{"SQLite": "1", "PostgreSQL": "true"}[name]+")"))
			require.NoError(t, l.Ready(t.Context()))
			require.NoError(t, l.Migrate(t.Context()), "newer tables are to be left as they are")
			require.NoError(t, l.Exec(t.Context(), "UPDATE ledger_compatibility SET oldest_code = 999"))
			require.ErrorContains(t, l.Ready(t.Context()), "run the version of orders that changed them, or a later one")
			require.ErrorContains(t, l.Migrate(t.Context()), "run the version of orders that changed them, or a later one")
		})
	}
}

// A version that does not fit says what to do.
func TestVersionFault(t *testing.T) {
	for _, c := range []struct {
		tables, oldest, code int64
		fault                string
	}{
		{1, 1, 1, ""},
		{5, 1, 3, ""},
		{5, 3, 3, ""},
		{2, 1, 3, "the ledger's tables are of version 2, and this version of orders needs 3: start a worker of this version, which changes them"},
		{5, 4, 3, "the ledger's tables are of version 5, and need a version of orders that knows at least version 4 of them; this one " +
			"knows 3: run the version of orders that changed them, or a later one"},
	} {
		err := ledgerdb.Compatible(c.tables, c.oldest, c.code)
		if c.fault == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, c.fault)
	}
}

// This test fails when a column is added, as a reminder to think of card numbers.
func TestColumns(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			for table, want := range map[string][]string{
				"transactions": {
					"id", "client", "body_digest", "order_id", "payment_method", "status", "outcome", "score", "amount", "currency",
					"card_fingerprint", "customer_id", "started_at", "ended_at", "mark_at", "mark_number", "record", "posted",
					"merchant", "review_deadline", "reviewed_at", "card_last_four", "ip", "releasing",
				},
				"labels":      {"transaction_id", "source", "label", "note", "at", "given_by", "noted_at"},
				"label_notes": {"transaction_id", "source", "label", "number", "note", "given_by", "at"},
				"assignments": {"transaction_id", "person", "until"},
				"uses":        {"dimension", "value", "at", "transaction_id", "amount", "currency", "facts", "merchant"},
				"decisions":   {"transaction_id", "number", "at", "decision"},
			} {
				columns, err := l.Columns(t.Context(), table)
				require.NoError(t, err)
				require.Equal(t, want, columns)
			}
		})
	}
}
