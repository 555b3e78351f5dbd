package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
)

// openKeyLedger makes a ledger and sets it as the one of the commands.
func openKeyLedger(t *testing.T) *ledgerdb.Ledger {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	setEnvironment(t, map[string]string{"LEDGER_URL": url})
	return ledgertest.Open(t, url)
}

// said runs a command and returns what it prints.
func said(t *testing.T, want int, args ...string) (results, progress string) {
	t.Helper()
	dir, stdout, stderr := t.TempDir(), os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	var err error
	os.Stdout, err = os.Create(filepath.Join(dir, "results"))
	require.NoError(t, err)
	os.Stderr, err = os.Create(filepath.Join(dir, "progress"))
	require.NoError(t, err)
	code := execute(t.Context(), args)
	require.NoError(t, os.Stdout.Close())
	require.NoError(t, os.Stderr.Close())
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(text)
	}
	results, progress = read("results"), read("progress")
	require.Equal(t, want, code, "%s\n%s", results, progress)
	return results, progress
}

func TestKeysCommands(t *testing.T) {
	store := openKeyLedger(t)
	said(t, 0, "merchants", "add", "acme")
	first, about := said(t, 0, "keys", "new", "--merchant", "acme", "--client", "shop", "--scopes", "transact, read", "--expires", "90d")
	secret, is := identity.ParseSecret(strings.TrimSuffix(first, "\n"))
	require.True(t, is, "%q is the key alone", first)
	require.Regexp(t, `^This is key `+secret.Name()+` of client acme/shop, for transact,read; it expires at 20\S+Z\. It is shown this once\.`, about)
	require.NotContains(t, about, secret.Reveal()[16:])

	second, about := said(t, 0, "keys", "roll", secret.Name())
	require.Contains(t, about, "Key "+secret.Name()+" goes on until 20")
	next, is := identity.ParseSecret(strings.TrimSpace(second))
	require.True(t, is)
	till, about := said(t, 0, "keys", "new", "--client", "till", "--scopes", "review")
	require.Contains(t, about, "of client till, for review; it does not expire.")
	require.NoError(t, store.KeysUsed(t.Context(), []string{next.Name()}, time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)))
	_, about = said(t, 0, "keys", "revoke", strings.TrimSpace(till)) // as it may be found in a log
	require.Contains(t, about, "of client till is revoked")
	require.NotContains(t, about, till[16:40])

	keys, err := store.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 3)
	require.WithinDuration(t, time.Now().Add(24*time.Hour), keys[0].ExpiresAt, time.Minute)
	require.WithinDuration(t, time.Now().Add(90*24*time.Hour), keys[1].ExpiresAt, time.Minute)

	table, _ := said(t, 0, "keys", "list")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	require.Len(t, lines, 4)
	for i, want := range []string{
		`^KEY +CLIENT +MERCHANT +SCOPES +CREATED +EXPIRES +LAST USED +STATE$`,
		`^` + secret.Name() + ` +shop +acme +transact,read +20\S+Z +20\S+Z +- +live$`,
		`^` + next.Name() + ` +shop +acme +transact,read +20\S+Z +20\S+Z +2026-11-02T09:00Z +live$`,
		`^\S+ +till +default +review +20\S+Z +- +- +revoked$`,
	} {
		require.Regexp(t, want, lines[i])
	}
	objects, _ := said(t, 0, "keys", "list", "--json", "--merchant", "acme", "--client", "shop")
	var shown []identity.ShownKey
	require.NoError(t, json.Unmarshal([]byte(objects), &shown))
	require.Len(t, shown, 2)
	require.Equal(t, secret.Name(), shown[0].Key)
	require.Equal(t, identity.KeyLive, shown[0].State)
	digest := regexp.MustCompile(`(?i)digest|hash|[0-9a-f]{40}|[a-z2-7]{40}|[0-9A-Za-z+/=_-]{40}`)
	require.NotRegexp(t, digest, table+objects)
}

func TestMerchantsCommands(t *testing.T) {
	openKeyLedger(t)
	said(t, 0, "merchants", "add", "acme")
	_, fault := said(t, exitFailure, "merchants", "add", "acme")
	require.Equal(t, "orders: add merchant acme: it exists already\n", fault)
	_, about := said(t, 0, "merchants", "disable", "acme")
	require.Contains(t, about, "Merchant acme is disabled")
	table, _ := said(t, 0, "merchants", "list")
	require.Regexp(t, `(?m)^acme +20\S+Z +20\S+Z$`, table)
	require.Regexp(t, `(?m)^default +20\S+Z +-$`, table)
	_, fault = said(t, exitFailure, "keys", "new", "--merchant", "acme", "--client", "shop", "--scopes", "read")
	require.Contains(t, fault, "merchant acme is disabled: orders merchants enable acme")
	said(t, 0, "merchants", "enable", "acme")
	objects, _ := said(t, 0, "merchants", "list", "--json")
	require.Regexp(t, `"merchant": "acme",\s+"addedAt": "20[^"]+Z"\s+}`, objects)
}

// Wrong arguments are refused with what would be right, and never show a key.
func TestKeysCommandFaults(t *testing.T) {
	openKeyLedger(t)
	secret := identity.NewSecret()
	for _, c := range []struct {
		code  int
		fault string
		args  []string
	}{
		{exitConfig, `"acme/shop" must be 1 to 64 letters, digits, - and _`, []string{"keys", "new", "--client", "acme/shop", "--scopes", "read"}},
		{exitConfig, `"write" must be scopes with commas between them, of [transact read`, []string{"keys", "new", "--client", "shop", "--scopes", "write"}},
		{exitConfig, `missing flags: --scopes=SCOPES`, []string{"keys", "new", "--client", "shop"}},
		{exitConfig, `"-1h" must be a duration, such as 24h or 90d`, []string{"keys", "new", "--client", "shop", "--scopes", "read", "--expires=-1h"}},
		{exitConfig, `"a b" must be 1 to 64 letters`, []string{"merchants", "add", "a b"}},
		{exitFailure, `merchant acme: it does not exist: orders merchants add adds it`, []string{"keys", "new", "--merchant", "acme", "--client", "shop", "--scopes", "read"}},
		{exitFailure, `revoke key ` + secret.Name() + `: it does not exist: orders keys list names all keys`, []string{"keys", "revoke", secret.Reveal()}},
		{exitConfig, `must be the name of a key, as orders keys list shows it`, []string{"keys", "revoke", "!" + secret.Reveal()}},
		{exitFailure, `roll key ` + secret.Name() + `: it does not exist`, []string{"keys", "roll", "ordkey_" + secret.Name()}},
	} {
		t.Run(strings.Join(c.args[:2], " "), func(t *testing.T) {
			_, fault := said(t, c.code, c.args...)
			require.Contains(t, fault, c.fault)
			require.NotContains(t, fault, secret.Reveal()[16:])
		})
	}
	setEnvironment(t, map[string]string{"LEDGER_URL": "sqlite:" + filepath.Join(t.TempDir(), "absent.db")})
	_, fault := said(t, exitFailure, "keys", "list")
	require.Contains(t, fault, "has no tables yet: the worker makes them at its start")
	setEnvironment(t, map[string]string{"LEDGER_URL": "absent.db"})
	said(t, exitConfig, "merchants", "list")
}
