package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
)

func TestAuditCommands(t *testing.T) {
	store := openKeyLedger(t)
	for n := range 3 {
		_, err := store.Append(t.Context(), audit.Entry{
			Time: time.Now(), Address: "192.0.2.5", Merchant: "acme", Action: []string{"transact", "getTransaction"}[n%2], Object: "=1+1", Result: audit.Begun,
		}.By(identity.Subject{Kind: identity.Client, Name: "acme/shop"}))
		require.NoError(t, err)
	}
	table, _ := said(t, 0, "audit", "list")
	require.Regexp(t, `^NUMBER +TIME +SUBJECT +ADDRESS +MERCHANT +ACTION +OBJECT +RESULT +TIMES\n1 +20\S+Z +client acme/shop +192\.0\.2\.5 +acme +transact +=1\+1 +begun +1\n2 `, table)
	table, _ = said(t, 0, "audit", "list", "--last=1", "--action=transact", "--subject=acme/shop")
	require.Regexp(t, `TIMES\n3 `, table)
	lines, _ := said(t, 0, "audit", "list", "--json", "--result=begun", "--merchant=acme")
	require.Equal(t, 3, strings.Count(lines, `"number":`))

	file := filepath.Join(t.TempDir(), "audit.csv")
	_, about := said(t, 0, "audit", "export", "--since=1h", "--output="+file)
	require.Equal(t, "3 entries written\n", about)
	csv, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Regexp(t, `^number,day,time,kind,subject,address,merchant,action,object,before,after,result,ends,times,previous,digest\n1,20\S+,client,acme/shop,192.0.2.5,acme,transact,'=1\+1,`, string(csv))
	lines, _ = said(t, 0, "audit", "export", "--format=jsonl")
	require.Equal(t, 3, strings.Count(lines, `{"number":`))

	whole, _ := said(t, 0, "audit", "verify")
	require.Regexp(t, `^3 entries, all as they were kept; the last is number 3 with digest [0-9a-f]{64}\n$`, whole)
	_, fault := said(t, exitConfig, "audit", "list", "--since=1h", "--until=2h")
	require.Contains(t, fault, "--since: must be before --until")
}

func TestAuditDamage(t *testing.T) {
	store := openKeyLedger(t)
	for range 3 {
		_, err := store.Append(t.Context(), audit.Entry{Time: time.Now(), Action: "transact"})
		require.NoError(t, err)
	}
	file, _ := ledgerdb.SQLiteFile(os.Getenv("LEDGER_URL"))
	openFile(t, file, `DROP TRIGGER audit_unchanged`, `UPDATE audit SET subject = 'eve' WHERE number = 2`)
	_, fault := said(t, exitFailure, "audit", "verify")
	require.Equal(t, "orders: the audit trail is not as it was: entry 2, of "+time.Now().UTC().Format(time.DateOnly)+", was changed\n", fault)
}

// Changes of merchants and keys are kept with who made them, and without any key. What cannot be kept is not done.
func TestAuditedKeys(t *testing.T) {
	store := openKeyLedger(t)
	said(t, 0, "merchants", "add", "acme")
	said(t, exitFailure, "merchants", "add", "acme")
	key, _ := said(t, 0, "keys", "new", "--merchant", "acme", "--client", "shop", "--scopes", "transact")
	said(t, 0, "keys", "roll", key)
	said(t, 0, "keys", "revoke", key)
	said(t, 0, "merchants", "disable", "acme")
	said(t, 0, "merchants", "enable", "acme")
	secret, _ := identity.ParseSecret(strings.TrimSpace(key))
	var got []string
	for kept, err := range store.Audit(t.Context(), audit.Query{Merchants: identity.AllMerchants()}) {
		require.NoError(t, err)
		by := identity.Subject{Kind: kept.Kind, Name: kept.Subject}
		require.Equal(t, operator(), by)
		require.NotContains(t, kept.Object+kept.Before+kept.After, key[16:40])
		if kept.Result == audit.Begun {
			continue
		}
		require.Equal(t, kept.Number-1, kept.Ends)
		got = append(got, strings.Join([]string{kept.Action, kept.Object, kept.Merchant, kept.Result}, "|"))
		if kept.Action == "keys revoke" {
			require.Regexp(t, `^key `+secret.Name()+` of client acme/shop, for transact, expires 20\S+Z, revoked 20\S+Z$`, kept.After)
		}
	}
	require.Equal(t, []string{
		"merchants add|merchant acme|acme|done", "merchants add|merchant acme|acme|failed",
		"keys new|key " + secret.Name() + "|acme|done", "keys roll|key " + secret.Name() + "|acme|done",
		"keys revoke|key " + secret.Name() + "|acme|done", "merchants disable|merchant acme|acme|done", "merchants enable|merchant acme|acme|done",
	}, got)

	ctx, stop := context.WithCancel(t.Context())
	require.NoError(t, audited(ctx, store, audit.Entry{Action: "stopped"}, func(*audit.Entry) error {
		stop()
		return nil
	}))
	for kept, err := range store.Audit(t.Context(), audit.Query{Merchants: identity.AllMerchants(), Last: 1}) {
		require.NoError(t, err)
		require.Equal(t, "stopped done", kept.Action+" "+kept.Result)
	}

	file, _ := ledgerdb.SQLiteFile(os.Getenv("LEDGER_URL"))
	openFile(t, file, `CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.result = 'done' BEGIN SELECT RAISE(ABORT, 'full'); END`)
	made := func(args ...string) identity.Secret {
		shown, fault := said(t, exitFailure, args...)
		secret, is := identity.ParseSecret(strings.TrimSpace(shown))
		require.True(t, is, "a key that was made is shown: %q", shown)
		require.Contains(t, fault, "what came of it is not in the audit trail")
		return secret
	}
	made("keys", "roll", made("keys", "new", "--client", "till", "--scopes", "read").Name())
	openFile(t, file, `DROP TABLE audit`)
	_, fault := said(t, exitFailure, "merchants", "add", "beta")
	require.Contains(t, fault, "nothing was done: keep an entry of the audit trail")
	merchants, err := store.Merchants(context.Background())
	require.NoError(t, err)
	require.Len(t, merchants, 2)
}

// openFile runs statements on a file of SQLite, as somebody could who owns it.
func openFile(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// What a process goes by is kept at its start and after each change, also if the database was away then.
func TestKeepInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trail := &inUseTrail{err: errors.New("the database is away")}
		var digest atomic.Value
		digest.Store("sha256:a")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		var log bytes.Buffer
		current := func() (string, string) { return "ruleset mine, version 2", digest.Load().(string) }
		go func() {
			ended <- keepInUse(ctx, trail, "use ruleset", current, slog.New(slog.NewTextHandler(&log, nil)))
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 1, strings.Count(log.String(), "Entry of the audit trail not kept; it is tried again"))
		trail.comesBack()
		time.Sleep(time.Minute)
		digest.Store("sha256:b")
		time.Sleep(time.Minute)
		stop()
		require.NoError(t, <-ended)
		require.Len(t, trail.entries, 2)
		for i, want := range [][2]string{{"", "sha256:a"}, {"sha256:a", "sha256:b"}} {
			e := trail.entries[i]
			require.Equal(t, want, [2]string{e.Before, e.After})
			require.Equal(t, "use ruleset|ruleset mine, version 2", e.Action+"|"+e.Object)
			require.Equal(t, identity.Operator, e.Kind)
		}
	})
}

type inUseTrail struct {
	mu      sync.Mutex
	err     error
	entries []audit.Entry
}

func (i *inUseTrail) comesBack() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = nil
}

func (i *inUseTrail) Append(_ context.Context, e audit.Entry) (audit.Kept, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err == nil {
		i.entries = append(i.entries, e)
	}
	return audit.Kept{}, i.err
}
