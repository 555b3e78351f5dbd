package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/mocks"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/transaction"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

// entry returns a transaction that started so many milliseconds after start.
func entry(milliseconds int) ledger.Entry {
	t := transaction.Transaction{ID: uuid.NewString(), Order: transaction.Order{ID: fmt.Sprint(milliseconds)}}
	return ledger.Entry{Record: *ledger.Open(t, start.Add(time.Duration(milliseconds)*time.Millisecond)), Transaction: t}
}

type listed struct {
	Transactions []ledger.Record
	Next         string
	SearchedTo   *time.Time
}

func TestListPages(t *testing.T) {
	m := newMemory(entry(1), entry(2), entry(3), entry(4), entry(5))
	handler := handlerWith(options(nowhere(t), m))
	var orders []string
	path := "/transactions?limit=2&status=11"
	for range 3 {
		answer := request(t, handler, http.MethodGet, path, "")
		page := decoded[listed](t, answer, 200)
		for _, r := range page.Transactions {
			orders = append(orders, r.Order.ID)
		}
		m.save(entry(6 + len(orders))) // what is added in between is on no later page
		link := answer.Header().Get("Link")
		if page.Next == "" {
			assert.Empty(t, link, "%s", answer.Body)
			assert.NotContains(t, answer.Body.String(), "next", "%s", answer.Body)
			break
		}
		next, relation, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
		if path = next; relation != `; rel="next"` || !strings.Contains(next, "cursor="+page.Next) || !strings.Contains(next, "status=11") {
			t.Fatalf("the link is %q, and next %q", link, page.Next)
		}
	}
	assert.Empty(t, cmp.Diff([]string{"5", "4", "3", "2", "1"}, orders))
}

// A search that has looked at enough says how far back it has looked, and its next page goes on from there.
func TestListSearchedTo(t *testing.T) {
	m := newMemory(entry(1), entry(2), entry(3))
	handler, path := handlerWith(options(nowhere(t), m)), "/transactions?ip=192.0.2.1&currency=INR"
	for _, c := range []struct {
		reach time.Duration // after start; 0 for no bound
		found int
	}{{4 * time.Millisecond, 0}, {2 * time.Millisecond, 2}, {0, 1}} {
		m.reach = ledger.Cursor{}
		if c.reach > 0 {
			m.reach = ledger.Cursor{StartTime: start.Add(c.reach), TransactionID: uuid.Nil.String()}
		}
		answer := request(t, handler, http.MethodGet, path, "")
		page := decoded[listed](t, answer, 200)
		assert.Len(t, page.Transactions, c.found)
		if c.reach == 0 {
			assert.Empty(t, page.Next)
			assert.Nil(t, page.SearchedTo)
			continue
		}
		require.NotNil(t, page.SearchedTo)
		assert.Equal(t, m.reach.StartTime, *page.SearchedTo)
		path, _, _ = strings.Cut(strings.TrimPrefix(answer.Header().Get("Link"), "<"), ">")
		assert.Contains(t, path, "cursor="+page.Next)
	}
	m.reach = ledger.Cursor{StartTime: start, TransactionID: uuid.Nil.String()}
	assert.Nil(t, decoded[listed](t, request(t, handler, http.MethodGet, path+"&limit=1", ""), 200).SearchedTo, "the page is full")
}

func TestListEmpty(t *testing.T) {
	answer := request(t, handlerWith(options(nowhere(t), newMemory())), http.MethodGet, "/transactions/", "")
	if text := strings.TrimSpace(answer.Body.String()); answer.Code != 200 || text != `{"transactions":[]}` {
		t.Errorf("%d %s", answer.Code, text)
	}
}

func TestListFilters(t *testing.T) {
	m := newMemory()
	handler := handlerWith(options(nowhere(t), m))
	at := time.Date(2026, 5, 17, 8, 30, 0, 0, time.UTC)
	for query, want := range map[string]ledger.Query{
		"":                                     {Limit: 50},
		"status=19":                            {Limit: 50, Status: transaction.InReview},
		"status=TRANSACTION_IN_REVIEW":         {Limit: 50, Status: transaction.InReview},
		"outcome=not_evaluated&limit=200":      {Limit: 200, Outcome: fraud.NotEvaluated},
		"orderID=a%20b&limit=1":                {Limit: 1, OrderID: "a b"},
		"since=2026-05-17T08:30:00Z":           {Limit: 50, Since: at},
		"until=2026-05-17T10:30:00%2B02:00":    {Limit: 50, Until: at},
		"since=2026-05-17T08:29:59.5Z&limit=7": {Limit: 7, Since: at.Add(-time.Second / 2)},
		"customerID=c-1&cardLastFour=0042&ip=::ffff:192.0.2.1": {Limit: 50, CustomerID: "c-1", CardLastFour: "0042", IP: "192.0.2.1"},
		"releasing=true&status=18":                             {Limit: 50, Releasing: true, Status: transaction.PaymentComplete},
		"merchant=default&rule=card_velocity":                  {Limit: 50, Merchants: identity.OnlyMerchants("default"), Rule: "card_velocity"},
		"disagrees=ruleset&since=2026-05-17T08:30:00Z":         {Limit: 50, Disagrees: fraud.ShadowRuleset, Since: at},
		"ip=192.0.2.1&paymentMethod=%20Card&currency=JPY&amountFrom=1&amountTo=20": {
			Limit: 50, IP: "192.0.2.1", PaymentMethod: "card", Currency: "JPY", AmountFrom: 1, AmountTo: 20,
		},
		"metadata.channel=web&metadata.a.b=%22c%22": {Limit: 50, Metadata: map[string]string{"channel": "web", "a.b": `"c"`}},
	} {
		decoded[listed](t, request(t, handler, http.MethodGet, "/transactions?"+query, ""), 200)
		if want.Limit, want.Brief = min(want.Limit, 25), true; want.Merchants.None() { // a page is read in parts
			want.Merchants = identity.AllMerchants()
		}
		assert.Empty(t, cmp.Diff(want, m.asked, cmp.AllowUnexported(identity.Merchants{})), "%s (-want +got)", query)
	}
}

// A wrong parameter is named with what would be right.
func TestListFaults(t *testing.T) {
	handler := unreachable(t)
	for query, want := range map[string]map[string]string{
		"limit=0":          {"limit": "must be a whole number from 1 to 200"},
		"limit=201":        {"limit": "must be a whole number from 1 to 200"},
		"limit=many":       {"limit": "must be a whole number from 1 to 200"},
		"status=99":        {"status": "must be a status by code or name, such as 19 or TRANSACTION_IN_REVIEW"},
		"outcome=approved": {"outcome": "must be approve, review, decline or not_evaluated"},
		"cursor=abc":       {"cursor": "must be the next of an earlier answer, as it stands there"},
		"cursor=%21":       {"cursor": "must be the next of an earlier answer, as it stands there"},
		"since=yesterday":  {"since": "must be a time such as 2026-05-17T08:30:00Z, with a + written as %2B"},
		"until=2026-05-17": {"until": "must be a time such as 2026-05-17T08:30:00Z, with a + written as %2B"},
		"since=2026-05-17T08:30:00Z&until=2026-05-17T08:30:00Z": {"until": "must be later than since"},
		"orderID=": {"orderID": "must not be empty: leave it out, or give it a value"},
		"orderID":  {"orderID": "must not be empty: leave it out, or give it a value"},
		"status=%20&outcome=&since=&until=&cursor=&limit=": {
			"status": "must not be empty: leave it out, or give it a value", "outcome": "must not be empty: leave it out, or give it a value", "since": "must not be empty: leave it out, or give it a value",
			"until": "must not be empty: leave it out, or give it a value", "cursor": "must not be empty: leave it out, or give it a value", "limit": "must not be empty: leave it out, or give it a value",
		},
		"orderID=" + strings.Repeat("x", 65): {"orderID": "must be an order's id: at most 64 characters, without control characters"},
		"orderID=%E2%80%8B":                  {"orderID": "must be an order's id: at most 64 characters, without control characters"},
		"orderID=%00":                        {"orderID": "must be an order's id: at most 64 characters, without control characters"},
		"merchant=%00":                       {"merchant": "must be 1 to 64 letters, digits, - and _"},
		"orderID=%ff":                        {"orderID": "must be an order's id: at most 64 characters, without control characters"},
		"cardLastFour=123&ip=1.2.3&amountFrom=1&merchant=": {
			"cardLastFour": "must be four digits", "ip": "must be an IP address, such as 192.0.2.1", "amountFrom": "needs the parameter currency",
			"merchant": "must not be empty: leave it out, or give it a value",
		},
		"ip=::1&currency=usd&amountFrom=1.001": {
			"currency":   "must be a currency by its three letters, such as INR",
			"amountFrom": "must be an amount of the currency, such as 123.00",
		},
		"currency=INR&amountFrom=0.00&amountTo=0": {"amountTo": "must be more than zero"},
		"paymentMethod=%E2%80%8B":                 {"paymentMethod": "must have visible characters"},
		"since=0001-01-01T01:00:00%2B01:00&until=9999-12-31T23:59:59-01:00": {
			"since": "must be a time after the beginning of year 1, up to year 9999, in UTC", "until": "must be a time after the beginning of year 1, up to year 9999, in UTC",
		},
		"ip=::1&currency=INR&amountFrom=2&amountTo=1.5": {"amountTo": "must not be less than amountFrom"},
		"customerID=4111111111111111":                   {"customerID": "must not hold a card number"},
		"ip=::1&metadata.=x":                            {"metadata.": "must name an entry of the metadata: at most 40 characters"},
		"ip=::1&disagrees=ada":                          {"disagrees": "must be rules or ruleset"},
		"limit=1&limit=2&4111111111111111=1&stauts=11&outcome=x": {
			"limit": "must not stand more than once", "411111******1111": "is not a known parameter",
			"stauts": "is not a known parameter", "outcome": "must be approve, review, decline or not_evaluated",
		},
	} {
		answer := request(t, handler, http.MethodGet, "/transactions?"+query, "")
		got := map[string]string{}
		for _, fault := range asProblem(t, answer).Errors {
			got[fault.Parameter] = fault.Detail
		}
		assert.Equal(t, 422, answer.Code, query)
		assert.Empty(t, cmp.Diff(want, got), query)
	}
	answer := request(t, handler, http.MethodGet, "/transactions?a=%25zz&b=%zz", "")
	assert.Equal(t, 422, answer.Code, "%s", answer.Body)
}

// The card of a transaction is looked for by its fingerprint, if the caller may see that transaction.
func TestListSameCard(t *testing.T) {
	ours, theirs, noCard := entry(1), entry(2), entry(3)
	ours.Transaction.Payment.Card = card.Details{LastFour: "4321", Fingerprint: "f00d"}
	theirs.Record.Merchant, theirs.Transaction.Payment.Card = "acme", ours.Transaction.Payment.Card
	m := newMemory(ours, theirs, noCard)
	o := options(nowhere(t), m)
	o.Authenticators = clients(map[string]string{"shop": "secret-of-the-shop"})
	ask := func(query string) *httptest.ResponseRecorder {
		return request(t, handlerWith(o), http.MethodGet, "/transactions?"+query, "", shopKey)
	}
	decoded[listed](t, ask("sameCardAs="+ours.Record.TransactionID), 200)
	assert.Equal(t, []string{"f00d", "4321"}, []string{m.asked.CardFingerprint, m.asked.CardLastFour})
	for name, query := range map[string]string{
		"without a card": "sameCardAs=" + noCard.Record.TransactionID, "other digits": "cardLastFour=1111&sameCardAs=" + ours.Record.TransactionID, "another's merchant": "merchant=acme",
	} {
		decoded[listed](t, ask(query), 200)
		assert.True(t, m.asked.Merchants.None(), "%s: it asks for %+v", name, m.asked)
	}
	for name, id := range map[string]string{"another's": theirs.Record.TransactionID, "unknown": entry(9).Record.TransactionID, "no id": "1"} {
		assert.Equal(t, 404, ask("sameCardAs="+id).Code, name)
	}
}

func TestListWithoutLedger(t *testing.T) {
	m := newMemory()
	m.goAway(true)
	answer := request(t, handlerWith(options(nowhere(t), m)), http.MethodGet, "/transactions", "")
	asProblem(t, answer)
	assert.Equal(t, 503, answer.Code, "%v %s", answer.Header(), answer.Body)
	assert.NotEmpty(t, answer.Header().Get("Retry-After"), "%v %s", answer.Header(), answer.Body)
}

func TestReadyWithoutLedger(t *testing.T) {
	temporal := &mocks.Client{}
	temporal.On("CheckHealth", mock.Anything, mock.Anything).Return(nil, nil)
	m := newMemory()
	m.goAway(true)
	answer := request(t, handlerWith(options(temporal, m)), http.MethodGet, "/readyz", "")
	assert.Equal(t, 200, answer.Code, "%s", answer.Body)
}

// A transaction is looked up in the ledger, then in Temporal. The answer depends on what each of them knows.
func TestReadTransaction(t *testing.T) {
	const ends = "ended"
	running, ended := entry(1), entry(2)
	ended.Record.Close(start)
	empty, holding, away := newMemory(), newMemory(running, ended), newMemory()
	away.goAway(true)
	notThere, notNow := serviceerror.NewNotFound(""), serviceerror.NewUnavailable("")
	for name, c := range map[string]struct {
		ledger *memory
		id     string
		err    error // of the query; no query is expected if the ledger's entry has ended
		status int
	}{
		ends:                                  {holding, ended.Record.TransactionID, notNow, 200},
		"running, and Temporal is away":       {holding, running.Record.TransactionID, notNow, 200},
		"running, and Temporal has forgotten": {holding, running.Record.TransactionID, notThere, 200},
		"known to nobody":                     {empty, running.Record.TransactionID, notThere, 404},
		"the ledger is away":                  {away, running.Record.TransactionID, notThere, 503},
		"Temporal is away":                    {empty, running.Record.TransactionID, notNow, 503},
		"both are away":                       {away, running.Record.TransactionID, notNow, 503},
	} {
		temporal := undescribed()
		temporal.On("QueryWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, c.err)
		answer := request(t, handlerWith(options(temporal, c.ledger)), http.MethodGet, "/transactions/"+c.id, "")
		assert.Equal(t, c.status, answer.Code, "%s %s", name, answer.Body)
		assert.Equal(t, answer.Header().Get("Retry-After") != "", c.status == 503, "%s %s", name, answer.Body)
		assert.Equal(t, name != ends, len(temporal.Calls) > 0, name)
	}
}

// A running transaction is read from its workflow.
func TestReadRunningTransaction(t *testing.T) {
	w := realWorld(t)
	id := w.held(t, heldForReview)
	stale := ledger.Entry{Record: *ledger.Open(transaction.Transaction{ID: id}, start)}
	for _, m := range []*memory{newMemory(), newMemory(stale)} {
		answer := request(t, handlerWith(options(w.client, m)), http.MethodGet, "/transactions/"+id, "")
		a := decoded[ledger.Answer](t, answer, 200)
		assert.Equal(t, "Transaction In Review", a.Message, "it is read as %+v", a)
	}
}

// A page of large transactions ends early, and the pages after it have the rest.
func TestListLarge(t *testing.T) {
	m, large := newMemory(), strings.Repeat("x", 10<<10)
	for i := range 200 {
		e := entry(i)
		e.Record.Order.Name = large
		m.save(e)
	}
	handler, seen, cursor := handlerWith(options(nowhere(t), m)), map[string]bool{}, ""
	for range 200 {
		page := decoded[listed](t, request(t, handler, http.MethodGet, "/transactions?limit=200"+cursor, ""), 200)
		for _, r := range page.Transactions {
			seen[r.TransactionID] = true
		}
		if length := len(marshal(t, page)); length > 1<<20 {
			t.Errorf("a page has %d bytes", length)
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	assert.Len(t, seen, 200)
}
