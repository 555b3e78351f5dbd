package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/internal/ledgertest"
)

// twoMerchants returns the name of a database with three transactions of acme and two of default, each with a label.
func twoMerchants(t *testing.T) (name string) {
	t.Helper()
	name = server.Database(t)
	role(t, server.URL("postgres", name), "orders_reader")
	l := connect(t, server.URL("postgres", name))
	require.NoError(t, l.Migrate(t.Context()))
	for n := range 5 {
		e := ledgertest.Accepted(n)
		e.Record.Labels = ledgertest.Whole().Record.Labels[:1]
		if n < 3 {
			e.Record.Merchant, e.Transaction.Merchant = "acme", "acme"
		}
		require.NoError(t, l.Save(t.Context(), e))
	}
	return name
}

func idOf(n int) string { return ledgertest.Accepted(n).Record.TransactionID }

// SQL of the API's user finds rows of the merchants only that its database transaction names.
func TestRowsOfMerchants(t *testing.T) {
	connection, err := pgx.Connect(t.Context(), server.URL("orders_reader", twoMerchants(t)))
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	for name, c := range map[string]struct {
		set  string
		want int
	}{
		"none set":         {"", 0},
		"none":             {"SELECT set_config('orders.merchants', '', true)", 0},
		"acme":             {"SELECT set_config('orders.merchants', 'acme', true)", 3},
		"default":          {"SELECT set_config('orders.merchants', 'default', true)", 2},
		"both":             {"SELECT set_config('orders.merchants', 'acme,default', true)", 5},
		"all":              {"SELECT set_config('orders.merchants', '*', true)", 5},
		"another":          {"SELECT set_config('orders.merchants', 'beta', true)", 0},
		"part of a name":   {"SELECT set_config('orders.merchants', 'acm', true)", 0},
		"all and a name":   {"SELECT set_config('orders.merchants', '*,beta', true)", 0},
		"reset to nothing": {"RESET orders.merchants", 0},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := connection.Begin(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Commit(t.Context())) }() // what is set ends with the transaction
			if c.set != "" {
				_, err = tx.Exec(t.Context(), c.set)
				require.NoError(t, err)
			}
			for _, table := range []string{"transactions", "labels"} {
				var found int
				require.NoError(t, tx.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&found))
				require.Equal(t, c.want, found, table)
			}
		})
	}
}

// The API's user changes labels of these merchants alone, and does not see what fraud checks count.
func TestWritesOfMerchants(t *testing.T) {
	const insert = "INSERT INTO labels (transaction_id, source, label, at) VALUES ('%s', 'dispute', 'legitimate', now())"
	const note = "INSERT INTO label_notes (transaction_id, source, label, number, at) VALUES ('%s', 'dispute', 'legitimate', 1, now())"
	executeForAcme(t, server.URL("orders_reader", twoMerchants(t)), map[string]statement{
		"label of its own":       {statement: fmt.Sprintf(insert, idOf(0)), changed: 1},
		"label of another's":     {statement: fmt.Sprintf(insert, idOf(4)), refused: "row-level security"},
		"label moved to another": {statement: fmt.Sprintf("UPDATE labels SET transaction_id = '%s' WHERE transaction_id = '%s'", idOf(4), idOf(0)), refused: "row-level security"},
		"notes":                  {statement: "UPDATE labels SET note = 'changed'", changed: 3},
		"note of its own":        {statement: fmt.Sprintf(note, idOf(0)), changed: 1},
		"note of another's":      {statement: fmt.Sprintf(note, idOf(4)), refused: "row-level security"},
		"note changed":           {statement: "UPDATE label_notes SET note = 'changed'", refused: "permission denied"},
		"note removed":           {statement: "DELETE FROM label_notes", refused: "permission denied"},
		"uses":                   {statement: "SELECT FROM uses", refused: "permission denied"},
		"changes of labels":      {statement: "SELECT FROM label_changes", refused: "permission denied"},
		"decisions":              {statement: "SELECT FROM decisions", refused: "permission denied"},
		"transactions":           {statement: "UPDATE transactions SET merchant = 'acme'", refused: "permission denied"},
		"the policies":           {statement: "SET LOCAL row_security = off; SELECT FROM transactions", refused: "row-level security"},
		"removed":                {statement: "DROP POLICY of_merchants ON transactions", refused: "must be owner"},
	})
}

// statement is one in SQL, and how many rows it changes or why it is refused.
type statement struct {
	statement string
	changed   int64
	refused   string
}

// executeForAcme executes each statement as a user who has named the merchant acme, and takes it back.
func executeForAcme(t *testing.T, url string, statements map[string]statement) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	for name, c := range statements {
		t.Run(name, func(t *testing.T) {
			tx, err := connection.Begin(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
			_, err = tx.Exec(t.Context(), "SELECT set_config('orders.merchants', 'acme', true)")
			require.NoError(t, err)
			done, err := tx.Exec(t.Context(), c.statement, pgx.QueryExecModeSimpleProtocol)
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.changed, done.RowsAffected())
		})
	}
}

// The ledger names its merchants wherever the API reads and labels, also through a pooler, and leaves none named behind.
func TestLedgerNamesMerchants(t *testing.T) {
	database := twoMerchants(t)
	owner, reader := server.URL("postgres", database), server.URL("orders_reader", database)
	for name, url := range map[string]string{"direct": reader, "through a pooler": throughPgBouncer(t, reader)} {
		t.Run(name, func(t *testing.T) {
			l, acme := connect(t, url), identity.OnlyMerchants("acme")
			require.NoError(t, l.Ready(t.Context()))
			for of, want := range map[string]struct {
				identity.Merchants
				entries int
			}{"acme": {acme, 3}, "all": {identity.AllMerchants(), 5}, "none": {identity.Merchants{}, 0}, "both": {identity.OnlyMerchants("acme", "default"), 5}} {
				page, err := l.List(t.Context(), ledger.Query{Merchants: want.Merchants, Limit: 10})
				require.NoError(t, err, of)
				require.Len(t, page.Entries, want.entries, of)
				for _, e := range page.Entries {
					require.Len(t, e.Record.Labels, 1, of)
				}
			}
			place, err := l.Reach(t.Context(), ledger.Query{Merchants: ledgertest.Merchants(51)}, 2)
			require.NoError(t, err)
			require.Equal(t, ledger.Cursor{StartTime: ledgertest.Accepted(3).Record.StartTime.Truncate(time.Microsecond), TransactionID: uuid.Nil.String()}, place, "it names another's transaction")
			_, err = l.Find(t.Context(), acme, idOf(0))
			require.NoError(t, err)
			_, err = l.Find(t.Context(), acme, idOf(4))
			require.ErrorIs(t, err, ledger.ErrNotFound)
			label := ledger.Label{Label: "fraudulent", Source: "dispute", Note: name, Time: start}
			_, err = l.Label(t.Context(), acme, idOf(4), label)
			require.ErrorIs(t, err, ledger.ErrNotFound)
			kept, err := l.Label(t.Context(), acme, idOf(0), label)
			require.NoError(t, err)
			require.Equal(t, name, kept.Note)
			execute(t, owner, "DELETE FROM labels WHERE note = '"+name+"'")
			left, err := l.Count(t.Context(), "transactions")
			require.NoError(t, err)
			require.Zero(t, left, "what is named for one read is still named after it")
		})
	}
}

// The policies are for the API's user alone, under its own name or that of a member, and can be made again.
func TestRowsOfOthers(t *testing.T) {
	name := twoMerchants(t)
	owner := server.URL("postgres", name)
	role(t, owner, "orders_police")
	role(t, owner, "another_reader")
	role(t, owner, "reader_member")
	execute(t, owner, `GRANT SELECT ON labels TO orders_police; GRANT SELECT ON transactions, labels TO another_reader;
		GRANT orders_reader TO reader_member; SELECT ledger_protect()`)
	for user, want := range map[string]map[string]int{
		"orders_police":  {"labels": 5},
		"another_reader": {"transactions": 5, "labels": 5},
		"reader_member":  {"transactions": 0, "labels": 0},
		"orders_reader":  {"transactions": 0, "labels": 0},
		"postgres":       {"transactions": 5, "labels": 5},
	} {
		l := connect(t, server.URL(user, name))
		for table, rows := range want {
			found, err := l.Count(t.Context(), table)
			require.NoError(t, err, user)
			require.Equal(t, rows, found, "%s of %s", table, user)
		}
	}
}

// The policies leave the queries their indexes.
func TestPlansOfMerchants(t *testing.T) {
	owner := filled(t, engines["PostgreSQL"])
	role(t, owner, "orders_reader")
	execute(t, owner, readerRights+"SELECT ledger_protect(); ANALYZE")
	reader := connect(t, server.URL("orders_reader", databaseName(t, owner)))
	for _, c := range questions() {
		if len(c.query.Merchants.Names()) != 1 {
			continue
		}
		for kind, statement := range reader.Statements(idOf(7), c.query, start) {
			if kind == "Prune" {
				continue
			}
			plan, err := reader.PlanFor(t.Context(), c.query.Merchants, statement)
			require.NoError(t, err)
			text := strings.Join(plan, "\n")
			for _, word := range costly(c) {
				require.NotContains(t, text, word, "%s, %s: %s", kind, c.name, statement.Text)
			}
			index := map[string]string{"List": c.index, "Reach": c.index, "Find": "pk"}[kind]
			require.True(t, uses(text, index), "%s, %s does not go by %s:\n%s", kind, c.name, index, text)
			require.Contains(t, text, "merchant = ANY", "the policy is not applied")
		}
	}
}
