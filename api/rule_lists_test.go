package api_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ruleset"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/internal/ledgertest"
	"dummyorders/rules"
	"dummyorders/rules/workbench"
)

// withLists is a ruleset with lists in the database and one in a file.
var withLists = fstest.MapFS{
	"ruleset.yaml": {Data: []byte(`
id: mine
version: 1
thresholds: {review: 40, decline: 80}
lists:
  customers: {from: database, of: customer.id, effect: block}
  cards: {from: database, of: card.fingerprint, effect: block}
  ips: {from: database, of: ip.address, effect: block}
  devices: {from: database, of: metadata.device, effect: block}
  domains: {file: domains.txt, of: customer.emailDomain, effect: block}
`)},
	"domains.txt":  {Data: []byte("c.example # a comment\na.example\nb.example\n")},
	"rules/a.yaml": {Data: []byte("rules:\n  - {id: a, name: a, when: payment.amount > 100000, score: 80, reason: A, message: a}\n")},
}

// changingLists returns an API whose ruleset has lists, and their ledger.
func changingLists(t *testing.T, change func(*api.Options)) (http.Handler, *ledgerdb.Ledger) {
	t.Helper()
	set, err := rules.Read(withLists, "test")
	require.NoError(t, err)
	store := ledgertest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	o := options(nowhere(t), newMemory())
	o.Lists, o.Ledger = store, store
	o.Rules = &workbench.Workbench{From: "files", Ledger: store, Lists: store, Deciding: workbench.Source{
		Current: func() fraud.Evaluator { return set },
		Files:   func() (fs.FS, error) { return withLists, nil },
	}}
	if change != nil {
		change(&o)
	}
	return handlerWith(o), store
}

// entriesPage is a page of a list's entries.
type entriesPage struct {
	List    ruleset.List
	Entries []ruleset.ListEntry
	Next    string
}

// Entries are added as their list compares them, found, and removed, and both changes are in the audit trail.
func TestListEntries(t *testing.T) {
	kept := &trail{}
	handler, _ := changingLists(t, func(o *api.Options) { o.Audit = kept })
	const path = "/rules/lists/ips/entries"
	added := answered[ruleset.ListEntry](t, handler, http.MethodPost, path, `{"value": "::ffff:203.0.113.7", "reason": " an attack ", "expires": "2d"}`, 201)
	assert.Equal(t, []any{int64(1), "203.0.113.7/32", "an attack", "anonymous"}, []any{added.Number, added.Value, added.Reason, added.By})
	assert.Equal(t, 48*time.Hour, added.Expires.Sub(added.At))
	assert.WithinDuration(t, time.Now(), added.At, time.Minute)
	require.Eventually(t, func() bool { return len(kept.lines()) > 0 }, time.Minute, time.Millisecond)
	answered[ruleset.ListEntry](t, handler, http.MethodPost, path, `{"value": "198.51.100.0/24", "reason": "another"}`, 201)

	page := answered[entriesPage](t, handler, http.MethodGet, path+"?limit=1", "", 200)
	assert.Equal(t, ruleset.List{Name: "ips", Of: "ip.address", Effect: fraud.ActBlock}, page.List)
	require.Len(t, page.Entries, 1)
	assert.Equal(t, "198.51.100.0/24", page.Entries[0].Value)
	page = answered[entriesPage](t, handler, http.MethodGet, path+"?limit=1&cursor="+page.Next, "", 200)
	assert.Equal(t, []ruleset.ListEntry{added}, page.Entries)
	assert.Empty(t, page.Next)
	kept.lines()

	removed := answered[ruleset.ListEntry](t, handler, http.MethodDelete, path+"/1?reason=a+mistake+of+4716190207394367", "", 200)
	assert.Equal(t, []any{int64(1), "anonymous", "a mistake of 471619******4367", int64(3)}, []any{removed.Number, removed.RemovedBy, removed.RemovedReason, removed.RemovedIn})
	for query, numbers := range map[string][]int64{"": {2}, "?removed=true": {2, 1}, "?removed=true&search=ATTACK": {1}, "?search=51.100": {2}, "?search=none": {}} {
		got := []int64{}
		for _, e := range answered[entriesPage](t, handler, http.MethodGet, path+query, "", 200).Entries {
			got = append(got, e.Number)
		}
		assert.Equal(t, numbers, got, query)
	}
	lines := strings.Join(kept.lines(), "\n")
	assert.Contains(t, lines, "removeListEntry | list ips, entry 1 | begun |  > removed: a mistake of 471619******4367")
	assert.Contains(t, lines, "removeListEntry | list ips, entry 1 | 200 | entry 1 until "+added.Expires.Format(time.RFC3339)+": an attack > removed: a mistake of 471619******4367")
}

// While the ruleset's folder has other files than those that decide, they are not answered as its own.
func TestOtherRulesFiles(t *testing.T) {
	handler, _ := changingLists(t, func(o *api.Options) {
		o.Rules.(*workbench.Workbench).Deciding.Files = func() (fs.FS, error) { return rules.Files(), nil }
	})
	p := asProblem(t, request(t, handler, http.MethodGet, "/rules/files", ""))
	assert.Equal(t, http.StatusConflict, p.Status)
	assert.Contains(t, p.Detail, "are not those that decide")
	assert.True(t, answered[ruleset.InUse](t, handler, http.MethodGet, "/rules", "", 200).Deciding.OtherFiles)
}

// The card, customer or address of a transaction can be named by the transaction.
func TestListTransaction(t *testing.T) {
	handler, store := changingLists(t, nil)
	known := ledgertest.Whole()
	known.Transaction.Payment.Card.Fingerprint = strings.Repeat("0123456789abcdef", 4)
	require.NoError(t, store.Save(t.Context(), known))
	body := fmt.Sprintf(`{"transaction": %q, "reason": "chargeback"}`, strings.ToUpper(known.Record.TransactionID))
	for list, value := range map[string]string{
		"cards": known.Transaction.Payment.Card.Fingerprint, "customers": known.Transaction.Customer.ID, "ips": known.Transaction.IP + "/32",
	} {
		added := answered[ruleset.ListEntry](t, handler, http.MethodPost, "/rules/lists/"+list+"/entries", body, 201)
		assert.Equal(t, value, added.Value)
	}
	p := asProblem(t, request(t, handler, http.MethodPost, "/rules/lists/devices/entries", body))
	assert.Equal(t, []any{422, "#/transaction", "has no metadata.device"}, []any{p.Status, p.Errors[0].Pointer, p.Errors[0].Detail})
}

// The entries of a file are shown, by their values.
func TestListFile(t *testing.T) {
	handler, _ := changingLists(t, nil)
	const path = "/rules/lists/domains/entries"
	page := answered[entriesPage](t, handler, http.MethodGet, path+"?limit=2", "", 200)
	assert.Equal(t, "domains.txt", page.List.File)
	assert.Equal(t, []ruleset.ListEntry{{Value: "a.example"}, {Value: "b.example"}}, page.Entries)
	page = answered[entriesPage](t, handler, http.MethodGet, path+"?limit=2&cursor="+page.Next, "", 200)
	assert.Equal(t, []ruleset.ListEntry{{Value: "c.example"}}, page.Entries)
	assert.Empty(t, page.Next)
	page = answered[entriesPage](t, handler, http.MethodGet, path+"?search=B.ex", "", 200)
	assert.Len(t, page.Entries, 1)
	for _, change := range [][2]string{{http.MethodPost, path}, {http.MethodDelete, path + "/1?reason=a"}} {
		p := asProblem(t, request(t, handler, change[0], change[1], `{"value": "d.example", "reason": "a"}`))
		assert.Equal(t, 409, p.Status)
		assert.Contains(t, p.Detail, "the list is a file: change domains.txt")
	}
}

// What is wrong is refused, with what would be right and without what was sent.
func TestListRefusals(t *testing.T) {
	handler, _ := changingLists(t, nil)
	answered[ruleset.ListEntry](t, handler, http.MethodPost, "/rules/lists/customers/entries", `{"value": "c-1", "reason": "a"}`, 201)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		where, why         string
	}{
		"an unknown list":     {"GET", "none/entries", "", 404, "", "no such list"},
		"an unknown entry":    {"DELETE", "customers/entries/9?reason=a", "", 404, "", "no such entry"},
		"a known value":       {"POST", "customers/entries", `{"value": " c-1", "reason": "a"}`, 409, "", "by entry 1"},
		"no value":            {"POST", "customers/entries", `{"reason": "a"}`, 422, "#/value", "or transaction in its place"},
		"two values":          {"POST", "customers/entries", `{"value": "c-2", "transaction": "1", "reason": "a"}`, 422, "#/transaction", "left out"},
		"no reason":           {"POST", "customers/entries", `{"value": "c-2"}`, 422, "#/reason", ""},
		"an empty reason":     {"POST", "customers/entries", `{"value": "c-2", "reason": " "}`, 422, "#/reason", "empty"},
		"an odd expiry":       {"POST", "customers/entries", `{"value": "c-2", "reason": "a", "expires": "soon"}`, 422, "#/expires", "90d"},
		"an odd member":       {"POST", "customers/entries", `{"value": "c-2", "reason": "a", "until": "soon"}`, 422, "#/until", ""},
		"an odd address":      {"POST", "ips/entries", `{"value": "elsewhere", "reason": "a"}`, 422, "#/value", "such as 192.0.2.1"},
		"a card number":       {"POST", "cards/entries", `{"value": "4111111111111111", "reason": "a"}`, 422, "#/value", "must not hold a card number"},
		"a card elsewhere":    {"POST", "customers/entries", `{"value": "4111111111111111", "reason": "a"}`, 422, "#/value", "must not hold a card number"},
		"a card in a reason":  {"POST", "customers/entries", `{"value": "c-2", "reason": "4111111111111111"}`, 422, "#/reason", "must not hold a card number"},
		"no transaction":      {"POST", "customers/entries", `{"transaction": "1", "reason": "a"}`, 422, "#/transaction", "in the ledger"},
		"removal, no reason":  {"DELETE", "customers/entries/1", "", 422, "reason", ""},
		"removal, two":        {"DELETE", "customers/entries/1?reason=a&reason=b", "", 422, "reason", "once"},
		"an unknown question": {"GET", "customers/entries?value=c-1", "", 422, "value", "not a known parameter"},
		"an odd cursor":       {"GET", "customers/entries?cursor=x", "", 422, "cursor", "next of an earlier answer"},
		"an odd limit":        {"GET", "customers/entries?limit=0", "", 422, "limit", "200"},
		"a NUL":               {"GET", "customers/entries?search=%00", "", 422, "search", "control characters"},
		"no UTF-8":            {"GET", "customers/entries?search=%ff", "", 422, "search", "control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			p := asProblem(t, request(t, handler, c.method, "/rules/lists/"+c.path, c.body))
			require.Equal(t, c.status, p.Status, p.Detail)
			if c.where == "" {
				assert.Contains(t, p.Detail, c.why)
				return
			}
			require.NotEmpty(t, p.Errors)
			assert.Equal(t, c.where, p.Errors[0].Pointer+p.Errors[0].Parameter)
			assert.Contains(t, p.Errors[0].Detail, c.why)
			assert.NotContains(t, p.Errors[0].Detail, "elsewhere")
		})
	}
}

// Lists are for all merchants: callers with the scopes for one can neither read nor change them.
func TestListsOfOneMerchant(t *testing.T) {
	handler, _ := changingLists(t, func(o *api.Options) {
		o.Authenticators = []api.Authenticator{api.NewKeys(map[string]identity.Subject{"acme's": aPerson("acme", identity.Rules, identity.Publish)})}
	})
	for _, c := range [][3]string{
		{http.MethodGet, "", ""}, {http.MethodPost, "", `{"value": "c-1", "reason": "a"}`}, {http.MethodDelete, "/1?reason=a", ""},
	} {
		p := asProblem(t, request(t, handler, c[0], "/rules/lists/customers/entries"+c[1], c[2], "Authorization: Bearer acme's"))
		assert.Equal(t, 403, p.Status, c[0])
		assert.Contains(t, p.Detail, "for all merchants", c[0])
	}
}

// unchangeable keeps no change of lists.
type unchangeable struct {
	ruleset.Lists

	err error
}

func (u unchangeable) AddEntry(ctx context.Context, e ruleset.ListEntry) (ruleset.ListEntry, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return e, errors.New("it may wait forever")
	}
	return e, u.err
}

// A process without the right says who has it, and a store that is away does not say that nothing was kept.
func TestListsAway(t *testing.T) {
	for _, c := range []struct {
		err          error
		why, logging string
	}{{ruleset.ErrMayNotChange, "do it on the desk", ""}, {errors.New("it is away"), "it is not known whether a change was kept", "it is away"}} {
		log := &strings.Builder{}
		handler, _ := changingLists(t, func(o *api.Options) {
			o.Lists, o.Log = unchangeable{o.Lists, c.err}, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
		})
		answer := request(t, handler, http.MethodPost, "/rules/lists/customers/entries", `{"value": "c-1", "reason": "a"}`)
		require.Equal(t, 503, answer.Code)
		assert.Contains(t, asProblem(t, answer).Detail, c.why)
		if c.logging == "" {
			assert.Empty(t, log.String())
		}
		assert.Contains(t, log.String(), c.logging)
	}
}
