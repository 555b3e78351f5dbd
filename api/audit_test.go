package api_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/mocks"

	"dummyorders/api"
	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
)

// trail is an audit trail in memory. It keeps nothing while it has an error.
type trail struct {
	mu    sync.Mutex
	err   error
	kept  []audit.Kept
	asked audit.Query
	reach audit.Place

	// what ReachAudit was asked
	reached audit.Query
	entries int
}

// Audit returns the entries of the query's merchants, the newest first, and keeps the query in asked.
func (t *trail) Audit(_ context.Context, q audit.Query) iter.Seq2[audit.Kept, error] {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = q
	all := slices.Clone(t.kept)
	return func(yield func(audit.Kept, error) bool) {
		if t.err != nil {
			yield(audit.Kept{}, t.err)
			return
		}
		found := 0
		for _, k := range slices.Backward(all) {
			if (q.Merchants.All() || k.Merchant != "" && q.Merchants.Has(k.Merchant)) && (q.Before == 0 || k.Number < q.Before) && k.Number > q.After && found < q.Last {
				found++
				if !yield(k, nil) {
					return
				}
			}
		}
	}
}

// ReachAudit returns reach, and keeps what it was asked.
func (t *trail) ReachAudit(_ context.Context, q audit.Query, entries int) (audit.Place, error) {
	t.reached, t.entries = q, entries
	return t.reach, t.err
}

func (t *trail) VerifyAudit(context.Context) (audit.Report, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return audit.Report{Entries: len(t.kept)}, t.err
}

func (t *trail) Append(_ context.Context, e audit.Entry) (audit.Kept, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return audit.Kept{}, t.err
	}
	t.kept = append(t.kept, audit.Link{Number: int64(len(t.kept))}.Next(e))
	return t.kept[len(t.kept)-1], nil
}

// lines returns the entries since the last call, in words, with the number of the entry that each ends.
func (t *trail) lines() (lines []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.kept {
		line := fmt.Sprintf("%s | %s | %s | %s | %s", identity.Subject{Kind: k.Kind, Name: k.Subject}, k.Merchant, k.Action, k.Object, k.Result)
		if k.Before+k.After != "" {
			line += fmt.Sprintf(" | %s > %s", k.Before, k.After)
		}
		if k.Ends > 0 {
			line += fmt.Sprintf(" | ends %d", k.Ends)
		}
		if k.Times > 1 {
			line += fmt.Sprintf(" | %d times", k.Times)
		}
		lines = append(lines, line)
	}
	t.kept = nil
	return lines
}

// Each write and read is kept with who did it, in the order in which they were done.
func TestAudited(t *testing.T) {
	w, kept := realWorld(t), &trail{}
	o := withLinks(options(w.client, w.ledger))
	o.Audit = kept
	o.Authenticators = append(o.Authenticators, persons{"a.good.token": {Kind: identity.Person, Name: "ada@example.com", Grants: []identity.Grant{
		{Scopes: identity.Scopes, Merchants: identity.AllMerchants()},
	}}})
	handler := handlerWith(o)
	const shop, ada = "Authorization: Bearer secret-of-the-shop", "Authorization: Bearer a.good.token"
	id := decoded[ledger.Answer](t, request(t, handler, http.MethodPost, "/transact", paidBy(t, heldForReview), patient, shop), 202).TransactionID
	require.Equal(t, []string{"client shop | default | transact | " + id + " | begun"}, kept.lines())

	decoded[ledger.Answer](t, request(t, handler, http.MethodGet, "/transactions/"+id, "", ada), 200)
	lines := kept.lines()
	require.Len(t, lines, 2)
	require.Regexp(t, `^person ada@example.com \|  \| signIn \| token sha256:[0-9a-f]{16} \| done$`, lines[0])
	require.Equal(t, "person ada@example.com | default | getTransaction | "+id+" | 200", lines[1])
	require.Equal(t, 404, request(t, handler, http.MethodGet, "/transactions/"+uuid.Nil.String(), "", ada).Code)
	require.Equal(t, []string{"person ada@example.com | * | getTransaction | " + uuid.Nil.String() + " | 404"}, kept.lines())

	for _, note := range []string{"chargeback 4853", "it was won"} {
		labelled(t, handler, id, strings.ReplaceAll(lostDispute, "chargeback 4853", note), shop)
	}
	require.Equal(t, []string{
		"client shop | default | labelTransaction | " + id + " | begun |  > fraudulent, by dispute: chargeback 4853",
		"client shop | default | labelTransaction | " + id + " | 201 |  > fraudulent, by dispute: chargeback 4853 | ends 1",
		"client shop | default | labelTransaction | " + id + " | begun |  > fraudulent, by dispute: it was won",
		"client shop | default | labelTransaction | " + id + " | 200 | fraudulent, by dispute: chargeback 4853 > fraudulent, by dispute: it was won | ends 3",
	}, kept.lines())

	link := reviewLink(id, "jo@example.com")
	asPage(t, request(t, handler, http.MethodGet, link, ""), 200)
	asPage(t, press(t, handler, link, verdict("approve", "name", "ada")), 200)
	answer := judge(t, handler, id, `{"decision":"decline"}`, shop)
	require.Equal(t, 409, answer.Code)
	lines = kept.lines()
	require.Len(t, lines, 5)
	require.Equal(t, "receiver jo@example.com | default | reviewTransaction | "+id+" | 200", lines[0])
	require.Equal(t, "receiver jo@example.com | default | reviewTransaction | "+id+" | begun |  > approve, by ada (jo@example.com): ", lines[1])
	require.Equal(t, "receiver jo@example.com | default | reviewTransaction | "+id+" | 200 | TRANSACTION_IN_REVIEW > approve, by ada (jo@example.com):  | ends 2", lines[2])
	require.Regexp(t, `^client shop \| default \| reviewTransaction \| `+id+` \| 409 \| TRANSACTION_\w+ > decline, by shop:  \| ends 4$`, lines[4])

	alertID := w.raise(t, asking)
	eventually(t, func() error {
		answer = request(t, handler, http.MethodPost, "/alerts/"+alertID+"/acknowledge", `{}`, shop)
		if answer.Code != 200 {
			return fmt.Errorf("%d %s", answer.Code, answer.Body)
		}
		return nil
	})
	lines = kept.lines()
	require.Contains(t, lines[len(lines)-1], "client shop | default | acknowledgeAlert | alert "+alertID+" | 200 |  > by shop:  | ends ")
	request(t, handler, http.MethodGet, "/alerts?transaction="+id, "", shop)
	require.Equal(t, []string{"client shop | default | listAlerts | alerts of " + id + " | 200"}, kept.lines())
	listed := decoded[listed](t, request(t, handler, http.MethodGet, "/transactions?limit=1", "", shop), 200).Transactions
	require.Equal(t, []string{fmt.Sprintf("client shop | default | listTransactions |  | 200 |  > 1 transactions, from %s back to %[1]s", listed[0].TransactionID)}, kept.lines())
}

// What is done about a merchant's alert is kept under that merchant, also if others do it.
func TestAuditAlerts(t *testing.T) {
	kept := &trail{}
	o := options(nowhere(t), newMemory())
	o.Audit, o.Alerts = kept, aDigest{}
	o.Authenticators = []api.Authenticator{api.NewKeys(map[string]identity.Subject{"the operator's key": {
		Kind: identity.Client, Name: "operator", Grants: []identity.Grant{{Scopes: []identity.Scope{identity.Alerts}, Merchants: identity.AllMerchants()}},
	}})}
	handler, id := api.New(o), uuid.NewString()
	for _, c := range []struct {
		method, path string
		want         []string
	}{
		{http.MethodGet, "/alerts/digest-1", []string{"acme | getAlert | digest-1 | 200"}},
		{http.MethodGet, "/alerts?transaction=" + id, []string{"acme | listAlerts | alerts of " + id + " | 200"}},
		{http.MethodPost, "/alerts/digest-1/acknowledge", []string{"* | acknowledgeAlert | alert digest-1 | begun", "acme | acknowledgeAlert | alert digest-1 | 409"}},
		{http.MethodPost, "/alerts/digest-1/resend", []string{"* | resendAlert | alert digest-1 | begun", "acme | resendAlert | alert digest-1 | 409"}},
	} {
		request(t, handler, c.method, c.path, `{}`, "Authorization: Bearer the operator's key")
		lines := kept.lines()
		require.Len(t, lines, len(c.want), c.path)
		for i, line := range lines {
			assert.Contains(t, line, "client operator | "+c.want[i], c.path)
		}
	}
}

// Refusals of one kind are an entry a minute at most, with their number.
func TestAuditRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &trail{}
		o := options(nil, newMemory())
		o.Audit, o.TrustedProxies = kept, []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
		o.Authenticators = []api.Authenticator{api.NewKeys(map[string]identity.Subject{
			"the key of the shop": aClient("acme", "shop", identity.Transact),
		})}
		handler := api.New(o)
		refused := func(from, key string, want int) {
			t.Helper()
			answer := request(t, handler, http.MethodGet, "/transactions", "", "Authorization: Bearer "+key, "X-Forwarded-For: "+from)
			require.Equal(t, want, answer.Code)
		}
		for range 50 {
			refused("203.0.113.7", "wrong", 401)
		}
		refused("203.0.113.7", "the key of the shop", 403)
		refused("203.0.113.8", "wrong", 401)
		require.Equal(t, "203.0.113.7", kept.kept[0].Address)
		require.Equal(t, []string{" |  | listTransactions |  | 401", "client acme/shop | acme | listTransactions |  | 403", " |  | listTransactions |  | 401"}, kept.lines())
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		require.Equal(t, []string{" |  | listTransactions |  | 401 | 49 times"}, kept.lines())
		refused("203.0.113.7", "wrong", 401)
		require.Empty(t, kept.lines())
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{" |  | listTransactions |  | 401"}, kept.lines())
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, kept.lines())

		for n := range 3000 {
			refused(fmt.Sprintf("198.51.%d.%d", n/250, n%250), "wrong", 401)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		require.Len(t, kept.kept, 250+2)
		require.Equal(t, "several", kept.kept[251].Address)
		require.Equal(t, 2749, kept.kept[251].Times)
		time.Sleep(time.Hour)
		synctest.Wait()
	})
}

// A write whose entry cannot be kept is not done. A read is.
func TestAuditAway(t *testing.T) {
	var log bytes.Buffer
	o := withLinks(options(&mocks.Client{}, newMemory())) // which panics if it is asked for anything
	o.Audit, o.Log = &trail{err: assert.AnError}, slog.New(slog.NewTextHandler(&log, nil))
	handler := handlerWith(o)
	const shop = "Authorization: Bearer secret-of-the-shop"
	id := uuid.NewString()
	for name, write := range map[string]func() *httptest.ResponseRecorder{
		"transact": func() *httptest.ResponseRecorder {
			return request(t, handler, http.MethodPost, "/transact", paidBy(t, "amazonpay"), shop)
		},
		"reviewTransaction": func() *httptest.ResponseRecorder { return judge(t, handler, id, `{"decision":"approve"}`, shop) },
		"labelTransaction":  func() *httptest.ResponseRecorder { return labelled(t, handler, id, lostDispute, shop) },
		"acknowledgeAlert": func() *httptest.ResponseRecorder {
			return request(t, handler, http.MethodPost, "/alerts/"+id+"/acknowledge", `{}`, shop)
		},
		"makeKey": func() *httptest.ResponseRecorder {
			return request(t, handler, http.MethodPost, "/keys", `{"client": "till", "scopes": ["read"]}`, shop)
		},
		"review by link": func() *httptest.ResponseRecorder {
			return press(t, handler, reviewLink(id, "jo@example.com"), verdict("approve"))
		},
		"acknowledge by link": func() *httptest.ResponseRecorder {
			return press(t, handler, linkFor(id, "jo@example.com"), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer := write()
			require.Equal(t, 503, answer.Code, "%s", answer.Body)
			require.Contains(t, answer.Body.String(), "he audit trail cannot be written now; nothing was accepted")
			require.Equal(t, "5", answer.Header().Get("Retry-After"))
			require.Contains(t, log.String(), "Write refused, because its entry of the audit trail could not be kept")
			log.Reset()
		})
	}
	require.Equal(t, 200, request(t, handler, http.MethodGet, "/transactions", "", shop).Code)
	require.Contains(t, log.String(), `msg="Entry of the audit trail not kept" action=listTransactions object="" subject=shop`)
}

// Any path can be read, and the trail's entry of it can be kept: it has no NUL, which PostgreSQL refuses, and is not long.
func TestAuditOddPath(t *testing.T) {
	o, kept := options(nowhere(t), newMemory()), &trail{}
	o.Audit = kept
	answer := request(t, handlerWith(o), http.MethodGet, "/alerts/a%00"+strings.Repeat("x", 5000), "")
	assert.Equal(t, http.StatusNotFound, answer.Code)
	require.Len(t, kept.kept, 1)
	assert.Equal(t, "a "+strings.Repeat("x", 297)+"…", kept.kept[0].Object)
	for _, action := range []string{"/resend", "/acknowledge"} {
		answer := request(t, handlerWith(o), http.MethodPost, "/alerts/a%00"+action, `{"by": "ada"}`)
		assert.Equal(t, http.StatusNotFound, answer.Code, answer.Body)
	}
	assert.Len(t, kept.kept, 1, "a change of what cannot be is not kept")
}
