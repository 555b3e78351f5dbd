package ledgertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
)

// AuditStore is a store of the audit trail. Exec runs SQL as somebody could who owns the tables.
type AuditStore interface {
	audit.Trail
	audit.Reader
	audit.Pruner
	Exec(ctx context.Context, statement string) error
}

// AuditConformance runs the tests of the audit trail. Each call of open must return a new, empty store. unlock lists the
// statements by which an owner gets round the guards of the tables.
func AuditConformance(t *testing.T, open func(t *testing.T) AuditStore, unlock []string) {
	for name, test := range map[string]func(*testing.T, AuditStore){
		"an entry comes back as it was kept":           auditComesBack,
		"entries of many at once are one chain":        auditOneChain,
		"a filter chooses what it names":               auditFilters,
		"a chain goes on after midnight":               auditDays,
		"rows are neither changed nor deleted":         auditStays,
		"what is old is pruned, and the rest is whole": auditPrunes,
		"an ended context ends an append":              auditCancelled,
		"a chain without entries is not damaged":       auditEmpty,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	t.Run("damage is named", func(t *testing.T) { auditDamage(t, open(t), unlock) })
}

// Audited returns an entry with everything in it.
func Audited(n int) audit.Entry {
	return audit.Entry{
		Time: now().Add(time.Duration(n) * time.Microsecond), Kind: identity.Client, Subject: "acme/shop", Address: "192.0.2.5",
		Merchant: "acme", Action: "labelTransaction", Object: id(n), Before: "fraudulent: \u00e4", After: "legitimate", Result: "201",
		Ends: int64(n), Times: 3,
	}
}

// now returns a time of today, so that nothing is old.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func appended(t *testing.T, store audit.Trail, entries ...audit.Entry) []audit.Kept {
	t.Helper()
	var all []audit.Kept
	for _, e := range entries {
		kept, err := store.Append(patience(t), e)
		require.NoError(t, err)
		all = append(all, kept)
	}
	return all
}

func audits(t *testing.T, store audit.Reader, q audit.Query) []audit.Kept {
	t.Helper()
	if q.Merchants.None() {
		q.Merchants = identity.AllMerchants()
	}
	var all []audit.Kept
	for kept, err := range store.Audit(patience(t), q) {
		require.NoError(t, err)
		all = append(all, kept)
	}
	return all
}

func whole(t *testing.T, store audit.Reader, entries int) audit.Report {
	t.Helper()
	report, err := store.VerifyAudit(patience(t))
	require.NoError(t, err)
	require.Nil(t, report.Broken, "%v", report.Broken)
	require.Equal(t, entries, report.Entries)
	return report
}

func auditComesBack(t *testing.T, store AuditStore) {
	odd := audit.Entry{Time: now().Add(time.Nanosecond), Action: "a\x00b\xff", Object: "card 4242 4242 4242 4242", After: strings.Repeat("x", 1000)}
	kept := appended(t, store, Audited(1), odd, audit.Entry{Time: now(), Action: "start", Result: audit.Done})
	require.Empty(t, cmp.Diff(kept, audits(t, store, audit.Query{})))
	require.Equal(t, Audited(1).Object, kept[0].Object)
	assert.Equal(t, "a\uFFFDb\uFFFD", kept[1].Action)
	assert.NotContains(t, kept[1].Object, "4242 4242")
	assert.Equal(t, audit.Digest(strings.Repeat("x", 1000)), kept[1].After)
	assert.Equal(t, 1, kept[1].Times)
	assert.Equal(t, kept[2].Link(), whole(t, store, 3).Last)
}

func auditOneChain(t *testing.T, store AuditStore) {
	const by, each = 24, 20
	var working sync.WaitGroup
	for range by {
		working.Go(func() {
			for n := range each {
				_, err := store.Append(patience(t), Audited(n))
				assert.NoError(t, err)
			}
		})
	}
	working.Wait()
	whole(t, store, by*each)
}

func auditFilters(t *testing.T, store AuditStore) {
	at := now().Add(-time.Hour)
	entries := []audit.Entry{
		{Time: at, Kind: identity.Client, Subject: "shop", Merchant: "default", Action: "transact", Result: "begun"},
		{Time: at.Add(time.Minute), Kind: identity.Person, Subject: "ada@example.com", Merchant: "acme", Action: "reviewTransaction", Object: id(1), Result: "200"},
		{Time: at.Add(2 * time.Minute), Kind: identity.Anonymous, Action: "transact", Result: "429"},
	}
	appended(t, store, entries...)
	for name, c := range map[string]struct {
		q    audit.Query
		want []int64
	}{
		"all":             {audit.Query{}, []int64{1, 2, 3}},
		"since":           {audit.Query{Since: at.Add(time.Minute)}, []int64{2, 3}},
		"until":           {audit.Query{Until: at.Add(time.Minute)}, []int64{1}},
		"name":            {audit.Query{Subject: "ada@example.com"}, []int64{2}},
		"kind and name":   {audit.Query{Subject: "client shop"}, []int64{1}},
		"without a name":  {audit.Query{Subject: "anonymous"}, []int64{3}},
		"merchant":        {audit.Query{Merchant: "acme"}, []int64{2}},
		"action":          {audit.Query{Action: "transact"}, []int64{1, 3}},
		"object":          {audit.Query{Object: id(1)}, []int64{2}},
		"of merchants":    {audit.Query{Merchants: identity.OnlyMerchants("acme", "default")}, []int64{1, 2}},
		"of another":      {audit.Query{Merchants: identity.OnlyMerchants("acme"), Merchant: "default"}, nil},
		"the last":        {audit.Query{Last: 2}, []int64{3, 2}},
		"before those":    {audit.Query{Last: 2, Before: 2}, []int64{1}},
		"the last of it":  {audit.Query{Last: 1, Action: "transact"}, []int64{3}},
		"result":          {audit.Query{Result: "429"}, []int64{3}},
		"all that matter": {audit.Query{Since: at, Action: "transact", Result: "begun", Merchant: "default"}, []int64{1}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int64
			for _, kept := range audits(t, store, c.q) {
				got = append(got, kept.Number)
			}
			require.Equal(t, c.want, got)
		})
	}
}

// An entry that comes late is of the day that has begun: the chain of the day before is over.
func auditDays(t *testing.T, store AuditStore) {
	midnight := now().Truncate(24 * time.Hour)
	kept := appended(t, store, audit.Entry{Time: midnight.Add(-time.Microsecond), Action: "a"}, audit.Entry{Time: midnight, Action: "b"},
		audit.Entry{Time: midnight.Add(-time.Second), Action: "c"})
	before, after := midnight.Add(-time.Second).Format(time.DateOnly), midnight.Format(time.DateOnly)
	require.Equal(t, []string{before, after, after}, []string{kept[0].Day, kept[1].Day, kept[2].Day})
	require.Equal(t, kept[0].Digest, kept[1].Previous)
	whole(t, store, 3)
}

func auditStays(t *testing.T, store AuditStore) {
	appended(t, store, Audited(1), Audited(2))
	for _, statement := range []string{
		`UPDATE audit SET subject = 'ada'`, `DELETE FROM audit`, `DELETE FROM audit WHERE number = 1`,
	} {
		require.ErrorContains(t, store.Exec(t.Context(), statement), "a row of the audit trail", statement)
	}
	whole(t, store, 2)
}

func auditPrunes(t *testing.T, store AuditStore) {
	old := now().Add(-audit.Retention - 48*time.Hour)
	for day := range 4 { // the last two are not old
		for range 5 {
			appended(t, store, audit.Entry{Time: old.Add(time.Duration(day) * 24 * time.Hour), Action: "a"})
		}
	}
	deadline := now().Add(-audit.Retention)
	for _, c := range []struct{ limit, deleted, left int }{{3, 3, 17}, {100, 7, 10}, {100, 0, 10}} {
		deleted, err := store.PruneAudit(patience(t), deadline, c.limit)
		require.NoError(t, err)
		require.Equal(t, c.deleted, deleted)
		whole(t, store, c.left)
	}
	appended(t, store, Audited(1))
	whole(t, store, 11)
	_, err := store.PruneAudit(patience(t), now().Add(48*time.Hour), 100)
	require.ErrorContains(t, err, "is kept for 400 days")
	whole(t, store, 11)
}

func auditCancelled(t *testing.T, store AuditStore) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Append(ended, Audited(1))
	require.ErrorIs(t, err, context.Canceled)
	whole(t, store, 0)
}

func auditEmpty(t *testing.T, store AuditStore) {
	old := now().Add(-audit.Retention - 48*time.Hour)
	appended(t, store, audit.Entry{Time: old, Action: "a"})
	_, err := store.PruneAudit(patience(t), now().Add(-audit.Retention), 100)
	require.NoError(t, err)
	whole(t, store, 0)
	appended(t, store, Audited(1))
	whole(t, store, 1)
}

// auditDamage has somebody who owns the tables change them behind the service's back, in several ways, and asks for the name
// of the first entry that is not as it was. There are four entries on each of three days.
func auditDamage(t *testing.T, store AuditStore, unlock []string) {
	exec := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			require.NoError(t, store.Exec(t.Context(), statement), statement)
		}
	}
	for n := range 12 {
		appended(t, store, audit.Entry{Time: now().Add(time.Duration(n/4-2) * 24 * time.Hour), Kind: identity.Client, Subject: "shop", Action: "a"})
	}
	exec(append(unlock, `CREATE TABLE saved AS SELECT * FROM audit`, `CREATE TABLE saved_first AS SELECT * FROM audit_first`)...)
	const columns = `day, at, kind, subject, address, merchant, action, object, was, became, result, ends, times, previous, digest`
	shift := func(by string, where string) []string { // by way of negative numbers, since a number is there once
		return []string{`UPDATE audit SET number = -(number ` + by + `) WHERE ` + where, `UPDATE audit SET number = -number WHERE number < 0`}
	}
	copied := func(from, to int) string {
		return fmt.Sprintf(`INSERT INTO audit (number, %s) SELECT %d, %[1]s FROM audit WHERE number = %[3]d`, columns, to, from)
	}
	for name, c := range map[string]struct {
		do     []string
		number int64
		how    audit.Damage
	}{
		"a subject":                {[]string{`UPDATE audit SET subject = 'eve' WHERE number = 6`}, 6, audit.Changed},
		"the first":                {[]string{`UPDATE audit SET result = 'done' WHERE number = 1`}, 1, audit.Changed},
		"the last":                 {[]string{`UPDATE audit SET times = 2 WHERE number = 12`}, 12, audit.Changed},
		"a digest":                 {[]string{`UPDATE audit SET digest = previous WHERE number = 6`}, 6, audit.Changed},
		"a day":                    {[]string{`UPDATE audit SET day = '2026-01-01' WHERE number = 6`}, 6, audit.Changed},
		"removed":                  {[]string{`DELETE FROM audit WHERE number = 6`}, 6, audit.Removed},
		"removed, and renumbered":  {append([]string{`DELETE FROM audit WHERE number = 6`}, shift("- 1", "number > 6")...), 6, audit.Removed},
		"the first removed":        {[]string{`DELETE FROM audit WHERE number = 1`}, 1, audit.Removed},
		"the last of a day":        {[]string{`DELETE FROM audit WHERE number = 8`}, 8, audit.Removed},
		"the last of all":          {[]string{`DELETE FROM audit WHERE number = 12`}, 12, audit.Removed},
		"a whole day":              {[]string{`DELETE FROM audit WHERE number BETWEEN 5 AND 8`}, 5, audit.Removed},
		"the first day":            {[]string{`DELETE FROM audit WHERE number < 5`}, 1, audit.Removed},
		"the last day":             {[]string{`DELETE FROM audit WHERE number > 8`}, 9, audit.Removed},
		"the first day, as pruned": {[]string{`UPDATE audit_first SET number = 4, day = (SELECT day FROM audit WHERE number = 4), digest = (SELECT digest FROM audit WHERE number = 4)`, `DELETE FROM audit WHERE number < 5`}, 4, audit.Removed},
		"all":                      {[]string{`DELETE FROM audit`}, 1, audit.Removed},
		"put in between":           {append(shift("+ 1", "number > 5"), copied(5, 6)), 6, audit.Added},
		"put at the end":           {[]string{copied(12, 13)}, 13, audit.Added},
		"put at the beginning":     {[]string{copied(1, 0)}, 0, audit.Added},
		"two changed places":       {[]string{`UPDATE audit SET number = 0 WHERE number = 6`, `UPDATE audit SET number = 6 WHERE number = 7`, `UPDATE audit SET number = 7 WHERE number = 0`}, 6, audit.Removed},
	} {
		t.Run(name, func(t *testing.T) {
			exec(`DELETE FROM audit`, `INSERT INTO audit SELECT * FROM saved`, `DELETE FROM audit_first`, `INSERT INTO audit_first SELECT * FROM saved_first`)
			whole(t, store, 12)
			exec(c.do...)
			report, err := store.VerifyAudit(patience(t))
			require.NoError(t, err)
			require.NotNil(t, report.Broken)
			require.Equal(t, c.number, report.Broken.Number, "%s", report.Broken)
			require.Equal(t, c.how, report.Broken.How)
		})
	}
}
