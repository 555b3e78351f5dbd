package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"dummyorders/domain/audit"
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
			place := engine.place(t)
			first := engine.at(t, place)
			require.NoError(t, first.Migrate(t.Context()))
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
