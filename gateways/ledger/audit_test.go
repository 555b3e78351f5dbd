package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

// unguarded lists how an owner of the tables gets round what holds the rows of the audit trail.
var unguarded = map[string][]string{
	"SQLite":     {`DROP TRIGGER audit_unchanged`, `DROP TRIGGER audit_kept`},
	"PostgreSQL": {`ALTER TABLE audit DISABLE TRIGGER USER`},
}

func TestAudit(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			ledgertest.AuditConformance(t, func(t *testing.T) ledgertest.AuditStore { return engine.migrated(t) }, unguarded[name])
		})
	}
}

// The roles of the API and of fraud_police add to the audit trail. They neither read nor change it.
func TestAuditRights(t *testing.T) {
	for _, user := range []string{"orders_reader", "orders_police", "orders_alertman"} {
		t.Run(user, func(t *testing.T) {
			name := server.Database(t)
			role(t, server.URL("postgres", name), user)
			owner := connect(t, server.URL("postgres", name))
			require.NoError(t, owner.Migrate(t.Context()))
			adding := connect(t, server.URL(user, name))
			_, err := adding.Append(t.Context(), audit.Entry{Time: time.Now(), Action: "start"})
			require.NoError(t, err)
			for _, statement := range []string{
				"SELECT * FROM audit", "DELETE FROM audit", "UPDATE audit SET subject = ''", "TRUNCATE audit", "UPDATE audit_first SET number = 1",
				"DELETE FROM audit_last", "ALTER TABLE audit DISABLE TRIGGER USER",
			} {
				require.Error(t, adding.Exec(t.Context(), statement), statement)
			}
			require.ErrorContains(t, owner.Exec(t.Context(), "TRUNCATE audit"), "a row of the audit trail does not change")
			report, err := owner.VerifyAudit(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, report.Entries)
			require.Nil(t, report.Broken)
		})
	}
}

// Several processes append to one chain.
func TestAuditProcesses(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			place := withTables(t, engine)
			first := engine.at(t, place)
			var working errgroup.Group
			for _, l := range []*ledgerdb.Ledger{first, engine.at(t, place), engine.at(t, place)} {
				for range 4 {
					working.Go(func() error {
						for n := range 20 {
							if _, err := l.Append(t.Context(), ledgertest.Audited(n)); err != nil {
								return err
							}
						}
						return nil
					})
				}
			}
			require.NoError(t, working.Wait())
			report, err := first.VerifyAudit(t.Context())
			require.NoError(t, err)
			require.Nil(t, report.Broken)
			require.Equal(t, 3*4*20, report.Entries)
		})
	}
}

// trailBegins is when the first entry of longTrail was made.
var trailBegins = time.Now().Add(-12_001 * time.Minute).UTC().Truncate(time.Microsecond)

// longTrail prepares 12,000 entries of the audit trail, a minute apart. The clock of one in ten is an hour behind.
var longTrail = prepared(func(t testing.TB, _ engine, l *ledgerdb.Ledger) {
	t.Helper()
	require.NoError(t, l.Migrate(t.Context()))
	entries := make([]audit.Entry, 12_000)
	for n := range entries {
		entries[n] = ledgertest.Audited(n)
		entries[n].Time = trailBegins.Add(time.Duration(n) * time.Minute)
		if n%10 == 9 {
			entries[n].Time = entries[n].Time.Add(-time.Hour)
		}
		entries[n].Object = fmt.Sprint("object ", n/3)
	}
	entries[7].Action, entries[11_007].Action = "rare", "rare"
	require.NoError(t, l.AppendAll(t.Context(), entries))
})

// What is read in pages is whole, and a search says how far it may look.
func TestAuditPages(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.at(t, longTrail(t, engine))
			at := func(n int) time.Time { return trailBegins.Add(time.Duration(n-1) * time.Minute) } // of entry n
			for name, c := range map[string]struct {
				q         audit.Query
				want      []int64 // the first and the last
				found     int
				reach     int64
				reachTime time.Time
			}{
				"all":              {audit.Query{}, []int64{1, 12_000}, 12_000, 0, time.Time{}},
				"the last":         {audit.Query{Last: 7000}, []int64{12_000, 5001}, 7000, 0, time.Time{}},
				"rare":             {audit.Query{Action: "rare"}, []int64{8, 11_008}, 2, 100, at(100 - 60)},
				"the last rare":    {audit.Query{Action: "rare", Last: 1}, []int64{11_008, 11_008}, 1, 11_901, at(11_901)},
				"rare before":      {audit.Query{Action: "rare", Last: 2, Before: 11_008}, []int64{8, 8}, 1, 10_908, at(10_908)},
				"of an object":     {audit.Query{Object: "object 7", Last: 2}, []int64{24, 23}, 2, 0, time.Time{}},
				"since":            {audit.Query{Since: at(11_900)}, []int64{11_901, 12_000}, 95, 11_990, at(11_990 - 60)},
				"until":            {audit.Query{Until: at(6000), Last: 10}, []int64{6050, 5996}, 10, 5961, at(5961)},
				"since, and until": {audit.Query{Since: at(5000), Until: at(6000)}, []int64{5001, 6050}, 1000, 5090, at(5090 - 60)},
				"after all":        {audit.Query{Since: at(13_000)}, nil, 0, 0, time.Time{}},
				"before all":       {audit.Query{Until: at(-100)}, nil, 0, 0, time.Time{}},
			} {
				c.q.Merchants = identity.AllMerchants()
				var found []int64
				for kept, err := range l.Audit(t.Context(), c.q) {
					require.NoError(t, err, name)
					found = append(found, kept.Number)
				}
				assert.Len(t, found, c.found, name)
				if len(found) > 0 {
					assert.Equal(t, c.want, []int64{found[0], found[len(found)-1]}, name)
				}
				reach, err := l.ReachAudit(t.Context(), c.q, 100)
				require.NoError(t, err, name)
				assert.Equal(t, audit.Place{Number: c.reach, Time: c.reachTime}, reach, name)
			}
			report, err := l.VerifyAudit(t.Context())
			require.NoError(t, err)
			require.Nil(t, report.Broken)
			require.Equal(t, 12_000, report.Entries)
		})
	}
}

// The newest entries, and those of one object, are read from an index in its order.
func TestAuditPlans(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.at(t, longTrail(t, engine))
			if name != "SQLite" {
				require.NoError(t, l.Exec(t.Context(), "ANALYZE"))
			}
			all := identity.AllMerchants()
			for question, q := range map[string]audit.Query{
				"all": {Merchants: all, Last: 51}, "a page": {Merchants: all, Last: 51, Before: 2000},
				"of a merchant": {Merchants: identity.OnlyMerchants("acme"), Last: 51}, "of an object": {Merchants: all, Object: "object 7", Last: 51},
				"a page of an object": {Merchants: identity.OnlyMerchants("acme"), Object: "object 7", Before: 2000, Last: 51},
				"a rare action":       {Merchants: all, Action: "rare", Before: 9000, After: 4000, Last: 51},
				"a span":              {Merchants: all, Since: trailBegins, Until: trailBegins.Add(50 * time.Hour), Before: 9000, After: 4000, Last: 51},
			} {
				for _, statement := range l.AuditStatements(q) {
					plan, err := l.Plan(t.Context(), engine.explain, statement)
					require.NoError(t, err)
					text := strings.Join(plan, "\n")
					require.NotContains(t, text, "Seq Scan", question)
					require.NotContains(t, text, "TEMP B-TREE", question)
					if q.Object != "" {
						require.Contains(t, text, "audit_by_object", question)
					} else {
						require.NotContains(t, text, "Sort", question)
						require.NotContains(t, text, "audit_by_time", question)
					}
				}
			}
		})
	}
}

// The desk's role manages merchants and keys, and reads the audit trail; that of the API does neither.
func TestDeskRights(t *testing.T) {
	name := server.Database(t)
	for _, user := range []string{"orders_reader", "orders_desk"} {
		role(t, server.URL("postgres", name), user)
	}
	execute(t, server.URL("postgres", name), "GRANT orders_reader TO orders_desk")
	require.NoError(t, connect(t, server.URL("postgres", name)).Migrate(t.Context()))
	desk, reader := connect(t, server.URL("orders_desk", name)), connect(t, server.URL("orders_reader", name))

	require.NoError(t, desk.AddMerchant(t.Context(), identity.Merchant{Name: "acme", AddedAt: start}))
	_, key := identity.NewKey("acme", "shop", []identity.Scope{identity.Read}, start, time.Time{})
	require.NoError(t, desk.AddKey(t.Context(), key))
	_, next := identity.NewKey("", "", nil, start, time.Time{})
	_, _, err := desk.RollKey(t.Context(), key.Name, next, start.Add(time.Hour))
	require.NoError(t, err)
	_, err = desk.RevokeKey(t.Context(), key.Name, start)
	require.NoError(t, err)
	require.NoError(t, desk.DisableMerchant(t.Context(), "acme", start))
	for _, statement := range []string{
		"DELETE FROM keys", "UPDATE keys SET scopes = 'admin'", "UPDATE keys SET digest = ''", "DELETE FROM merchants", "UPDATE clients SET name = 'a'",
		"UPDATE audit SET subject = ''", "DELETE FROM audit",
	} {
		require.Error(t, desk.Exec(t.Context(), statement), statement)
	}
	require.ErrorIs(t, reader.AddMerchant(t.Context(), identity.Merchant{Name: "beta", AddedAt: start}), identity.ErrMayNotManage)

	_, err = desk.Append(t.Context(), audit.Entry{Time: time.Now(), Action: "start"})
	require.NoError(t, err)
	report, err := desk.VerifyAudit(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, report.Entries)
	_, err = reader.VerifyAudit(t.Context())
	require.ErrorIs(t, err, audit.ErrMayNotRead)
	for _, err = range reader.Audit(t.Context(), audit.Query{Merchants: identity.AllMerchants()}) {
		require.ErrorIs(t, err, audit.ErrMayNotRead)
	}
}
