package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/api"
	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/money"
	"dummyorders/domain/report"
)

// counted has figures of two merchants.
type counted struct {
	reads  int
	err    error
	during func() // each read of what happens now, if it is set
}

func (c *counted) Now(_ context.Context, of identity.Merchants, at time.Time) (report.Now, error) {
	c.reads++
	if c.during != nil {
		c.during()
	}
	n := report.NewNow(at)
	for _, merchant := range []string{"acme", "beta"} {
		if of.Has(merchant) {
			n.Add(at.UTC().Truncate(time.Minute), fraud.Decline, 2)
			n.Add(at.UTC().Truncate(time.Minute), "", 1)
		}
	}
	n.Answers = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, time.Second}
	n.Waiting, n.NextDeadline, n.Held = 3, at.Add(time.Hour), []money.Money{{Minor: 1234, Currency: "INR"}}
	n.Releasing = []money.Money{{Minor: 500, Currency: "EUR"}}
	return n, c.err
}

// Days begins twice, as after a lost connection.
func (c *counted) Days(_ context.Context, of identity.Merchants, from, to string, begin func(), each func(report.Day)) error {
	for range 2 {
		begin()
		for _, d := range daysOf(of, from, to) {
			each(d)
		}
	}
	return c.err
}

func daysOf(of identity.Merchants, from, to string) (all []report.Day) {
	for i, merchant := range []string{"acme", "beta", "acme"} {
		d := report.Day{Date: fmt.Sprintf("2026-01-%02d", 4+i), Merchant: merchant, Currency: "INR", Figures: report.Figures{
			All: report.Sum{Count: 10, Minor: 100_000}, Paid: report.Sum{Count: 8, Minor: 80_000}, FraudPaid: report.Sum{Count: 1, Minor: 500},
			Outcomes: map[fraud.Outcome]report.Sum{fraud.Decline: {Count: 2, Minor: 20_000}}, Reasons: map[string]report.Sum{"CARD_VELOCITY": {Count: 2, Minor: 20_000}},
			Rules: map[string]report.Rule{"card_velocity": {Hits: 2}}, Reviews: report.Reviews{Asked: 3, Approved: 1, Declined: 1, Took: map[int64]int64{45: 2}},
			Schemes: map[string]report.Scheme{"visa": {Payments: 8, Disputes: 1, Reports: 1}},
		}}
		if i == 0 && of.Has(merchant) { // on a day before, something was disputed, and nothing was posted
			all = append(all, report.Day{Date: "2026-01-03", Merchant: merchant, Currency: "USD", Figures: report.Figures{Schemes: d.Figures.Schemes}})
		}
		if of.Has(merchant) && from <= d.Date && d.Date <= to {
			all = append(all, d)
		}
	}
	return all
}

// RuleDays has two days of acme in two currencies, and an unknown one of beta.
func (c *counted) RuleDays(_ context.Context, of identity.Merchants, from, to string) (all []report.RuleDay, err error) {
	counts := report.RuleCounts{
		Rule: report.Rule{Hits: 4, Alone: 1, Fraudulent: 1, Legitimate: 1}, Approved: 1, Declined: 3, Stopped: report.Sum{Count: 2, Minor: 1234},
		Beside: map[string]int64{"night": 1, "list:blocked": 3},
	}
	tried := report.RuleCounts{Rule: report.Rule{Hits: 1}, Failed: 2, Disagreed: 1}
	rules := &report.Rules{
		Fraudulent: 1, Legitimate: 2, Deciding: report.Ruleset{Compared: 9, Disagreed: 2, Rules: map[string]report.RuleCounts{"card_velocity": counts, "night": tried}},
		Shadow: report.Ruleset{Compared: 8, Disagreed: 1, Rules: map[string]report.RuleCounts{"card_velocity": tried}},
	}
	for _, row := range []struct {
		merchant string
		report.RuleDay
	}{
		{"acme", report.RuleDay{Date: "2026-01-04", Currency: "INR", Rules: rules}},
		{"acme", report.RuleDay{Date: "2026-01-04", Currency: "JPY", Rules: rules}},
		{"beta", report.RuleDay{Date: "2026-01-05", Currency: "INR"}},
		{"acme", report.RuleDay{Date: "2026-01-06", Currency: "INR", Rules: rules}},
	} {
		if of.Has(row.merchant) && from <= row.Date && row.Date <= to {
			all = append(all, row.RuleDay)
		}
	}
	return all, c.err
}

func (*counted) Alerts(_ context.Context, of identity.Merchants, since time.Time) (report.Alerts, error) {
	return report.Alerts{Open: int64(1 + len(of.Names())), FailedSince: since}, nil
}

func (*counted) Parts(context.Context) []report.Part {
	return []report.Part{{Name: "alertman", State: "down", Detail: "0 workers"}}
}

// figured returns the API with figures, to callers of these keys, and what reads them.
func figured(t *testing.T, detail api.Detail, keys map[string]identity.Subject) (http.Handler, *counted) {
	t.Helper()
	c := &counted{}
	o := options(nowhere(t), newMemory())
	o.Figures, o.Surroundings, o.Detail, o.Audit = c, c, detail, &trail{}
	o.Now = func() time.Time { return start }
	o.Authenticators = []api.Authenticator{api.NewKeys(keys)}
	return handlerWith(o), c
}

func read(t *testing.T, handler http.Handler, path, key string) map[string]any {
	t.Helper()
	return decoded[map[string]any](t, request(t, handler, http.MethodGet, path, "", "Authorization: Bearer "+key), 200)
}

var operators = identity.Subject{
	Kind: identity.Person, Name: "bob",
	Grants: []identity.Grant{{Scopes: []identity.Scope{identity.Read, identity.Alerts, identity.Rules}, Merchants: identity.AllMerchants()}},
}

// Figures are those of the caller's merchants, and what is around them is shown to those who may see it.
func TestFigures(t *testing.T) {
	handler, _ := figured(t, api.NoDetail, map[string]identity.Subject{
		"acme's key": aClient("acme", "shop", identity.Read), "acme's alerts": aClient("acme", "shop", identity.Read, identity.Alerts), "operators": operators,
	})
	acme := read(t, handler, "/figures", "acme's key")
	minutes := acme["minutes"].([]any)
	require.Len(t, minutes, 60)
	last := minutes[59].(map[string]any)
	assert.EqualValues(t, 3, last["transactions"])
	assert.NotContains(t, last, "outcomes", "decisions are not shown")
	assert.NotContains(t, acme, "alerts")
	assert.NotContains(t, acme, "parts")
	assert.Equal(t, map[string]any{"transactions": 3.0, "p50Milliseconds": 200.0, "p99Milliseconds": 1000.0}, acme["answers"])
	assert.Equal(t, []any{map[string]any{"amount": 12.34, "currency": "INR"}}, acme["held"])
	assert.Equal(t, []any{map[string]any{"amount": 5.0, "currency": "EUR"}}, acme["releasing"])
	assert.EqualValues(t, 3, acme["reviews"].(map[string]any)["waiting"])

	dayAgo := start.Add(-24 * time.Hour).Format(time.RFC3339)
	assert.Equal(t, map[string]any{"open": 2.0, "failed": 0.0, "unpublished": 0.0, "failedSince": dayAgo}, read(t, handler, "/figures", "acme's alerts")["alerts"])

	all := read(t, handler, "/figures", "operators")
	last = all["minutes"].([]any)[59].(map[string]any)
	assert.EqualValues(t, 6, last["transactions"])
	assert.Equal(t, map[string]any{"approve": 0.0, "review": 0.0, "decline": 4.0, "notEvaluated": 0.0}, last["outcomes"])
	assert.Equal(t, []any{map[string]any{"name": "alertman", "state": "down", "detail": "0 workers"}}, all["parts"])
}

// Many who ask cost one read, which is cached longer if it was slow, and leave no entries. A failed read says so, and is repeated soon.
func TestFiguresAreCached(t *testing.T) {
	kept, c := &trail{}, &counted{}
	o := options(nowhere(t), newMemory())
	o.Figures, o.Audit = c, kept
	at := start
	o.Now = func() time.Time { return at }
	c.during = func() { at = at.Add(3 * time.Second) }
	handler := handlerWith(o)
	for range 20 {
		require.Equal(t, 200, request(t, handler, http.MethodGet, "/figures", "").Code)
	}
	assert.Equal(t, 1, c.reads)
	assert.Empty(t, kept.kept)
	for _, next := range []struct {
		took, after time.Duration
		reads       int
	}{
		{0, 9 * time.Second, 1}, {0, time.Second, 2}, {500 * time.Millisecond, 2 * time.Second, 3}, {0, 4 * time.Second, 3},
	} {
		c.during = func() { at = at.Add(next.took) }
		at = at.Add(next.after)
		require.Equal(t, 200, request(t, handler, http.MethodGet, "/figures", "").Code)
		assert.Equal(t, next.reads, c.reads, next)
	}
	c.err = errAway
	for reads := range 2 {
		c.during = func() { at = at.Add(3 * time.Second) }
		at = at.Add(2 * time.Second)
		assert.Equal(t, 503, request(t, handler, http.MethodGet, "/figures", "").Code)
		assert.Equal(t, 4+reads, c.reads)
	}
	assert.Equal(t, 503, request(t, handler, http.MethodGet, "/reports", "").Code)
}

func TestReports(t *testing.T) {
	handler, _ := figured(t, api.FullDetail, map[string]identity.Subject{"acme's key": aClient("acme", "shop", identity.Read), "operators": operators})
	const month = "/reports?from=2026-01-01&to=2026-01-31"
	rows := func(query, key string) (all []string) {
		for _, row := range read(t, handler, month+query, key)["rows"].([]any) {
			r := row.(map[string]any)
			all = append(all, strings.Trim(fmt.Sprint(r["day"], " ", r["merchant"], " ", r["transactions"].(map[string]any)["count"]), " "))
		}
		return all
	}
	assert.Equal(t, []string{"2026-01-04 <nil> 10", "2026-01-05 <nil> 10", "2026-01-06 <nil> 10"}, rows("", "operators"))
	assert.Equal(t, []string{"2026-01-04 <nil> 10", "2026-01-06 <nil> 10"}, rows("", "acme's key"))
	assert.Equal(t, []string{"2025-12-29 <nil> 10", "2026-01-05 <nil> 20"}, rows("&by=week", "operators"))
	assert.Equal(t, []string{"<nil> acme 20", "<nil> beta 10"}, rows("&by=merchant", "operators"))
	assert.Empty(t, rows("&currency=USD", "operators"))

	row := read(t, handler, month+"&by=merchant", "operators")["rows"].([]any)[0].(map[string]any)
	assert.Equal(t, map[string]any{"count": 16.0, "amount": 1600.0}, row["paid"])
	assert.Equal(t, map[string]any{"byCount": 1250.0, "byAmount": 62.5}, row["fraudRate"])
	assert.Equal(t, map[string]any{"asked": 6.0, "approved": 2.0, "declined": 2.0, "expired": 0.0, "medianSeconds": 45.0}, row["reviews"])
	assert.Contains(t, row, "rules")
	programs := func(query, key string) []any { return read(t, handler, "/reports?"+query, key)["programs"].([]any) }
	assert.Equal(t, map[string]any{
		"month": "2026-01", "merchant": "beta", "program": "Visa VAMP", "chargebacks": 2.0, "payments": 8.0, "basisPoints": 2500.0, "reached": false,
		"threshold": map[string]any{"chargebacks": 1500.0, "basisPoints": 150.0}, "distance": "1498 more reach the 1500; the 150 basis points are reached",
	}, programs("from=2026-01-31&to=2026-01-31&currency=USD", "operators")[1], "the whole month, of all currencies")
	assert.Len(t, programs("from=2026-01-31&to=2026-01-31", "acme's key"), 1)
	assert.Empty(t, programs("from=2026-02-01&to=2026-02-02", "operators"))
	assert.NotContains(t, read(t, handler, month, "acme's key")["rows"].([]any)[0], "rules")

	hidden, _ := figured(t, api.NoDetail, map[string]identity.Subject{"acme's key": aClient("acme", "shop", identity.Read)})
	row = read(t, hidden, month, "acme's key")["rows"].([]any)[0].(map[string]any)
	for _, of := range []string{"outcomes", "reasons", "falsePositives", "rules"} {
		assert.NotContains(t, row, of)
	}
}

func TestReportFaults(t *testing.T) {
	handler, _ := figured(t, api.FullDetail, map[string]identity.Subject{"operators": operators})
	for query, parameter := range map[string]string{
		"from=yesterday": "from", "by=year": "by", "currency=RUPEES": "currency", "from=2026-02-01&to=2026-01-01": "to",
		"from=2020-01-01&to=2026-01-01": "from", "days=3": "days", "to=0001-01-01": "to", "from=0000-05-01&to=0001-02-01": "from",
	} {
		answer := request(t, handler, http.MethodGet, "/reports?"+query, "", "Authorization: Bearer operators")
		assert.Equal(t, 422, answer.Code, "%s: %s", query, answer.Body)
		assert.Contains(t, answer.Body.String(), `"parameter":"`+parameter+`"`, query)
	}
}

// Figures of rules are added up over days, merchants and currencies, and amounts are not.
func TestRuleFigures(t *testing.T) {
	handler, c := figured(t, api.FullDetail, map[string]identity.Subject{"acme's analyst": aPerson("acme", identity.Rules), "operators": operators})
	const days = "/rules/figures?from=2026-01-03&to=2026-01-06"
	all := read(t, handler, days, "operators")
	assert.Equal(t, []any{"2026-01-05"}, all["unknown"])
	assert.Equal(t, []any{
		map[string]any{"day": "2026-01-04", "compared": 18.0, "disagreed": 4.0}, map[string]any{"day": "2026-01-06", "compared": 9.0, "disagreed": 2.0},
	}, all["compared"])
	rows := all["rules"].([]any)
	require.Len(t, rows, 2)
	want := map[string]any{
		"rule": "card_velocity", "hits": 12.0, "alone": 3.0, "failed": 0.0, "disagreed": 0.0, "labelled": 6.0, "fraudulent": 3.0, "precision": 0.5,
		"reviewed": 12.0, "declined": 9.0, "declinedShare": 0.75,
		"stopped": map[string]any{"INR": map[string]any{"count": 4.0, "amount": 24.68}, "JPY": map[string]any{"count": 2.0, "amount": 1234.0}},
	}
	assert.Equal(t, want, rows[0])
	assert.NotContains(t, all, "days")
	assert.NotContains(t, all, "beside")

	one := read(t, handler, days+"&rule=card_velocity", "acme's analyst")
	assert.Equal(t, []any{want}, one["rules"])
	assert.NotContains(t, one, "unknown")
	assert.Equal(t, []any{map[string]any{"rule": "list:blocked", "hits": 9.0, "share": 0.75}, map[string]any{"rule": "night", "hits": 3.0, "share": 0.25}}, one["beside"])
	var hits []string
	for _, row := range one["days"].([]any) {
		hits = append(hits, fmt.Sprint(row.(map[string]any)["day"], " ", row.(map[string]any)["hits"]))
	}
	assert.Equal(t, []string{"2026-01-03 0", "2026-01-04 8", "2026-01-05 0", "2026-01-06 4"}, hits)
	assert.Len(t, read(t, handler, days+"&rule=card_velocity", "operators")["days"], 3, "an unknown day has a row")

	tried := read(t, handler, days+"&rule=card_velocity&ruleset=shadow", "operators")["rules"].([]any)[0].(map[string]any)
	for name, is := range map[string]any{"hits": 3.0, "failed": 6.0, "disagreed": 3.0, "precision": nil, "declinedShare": nil} {
		assert.Equal(t, is, tried[name], name)
	}
	none := read(t, handler, days+"&rule=gone", "operators")["rules"].([]any)
	assert.EqualValues(t, 0, none[0].(map[string]any)["hits"])

	for query, parameter := range map[string]string{
		"from=yesterday": "from", "ruleset=mine": "ruleset", "rule=" + strings.Repeat("x", 65): "rule", "from=2026-02-01&to=2026-01-01": "to", "by=day": "by",
	} {
		answer := request(t, handler, http.MethodGet, "/rules/figures?"+query, "", "Authorization: Bearer operators")
		assert.Equal(t, 422, answer.Code, "%s: %s", query, answer.Body)
		assert.Contains(t, answer.Body.String(), `"parameter":"`+parameter+`"`, query)
	}
	c.err = errAway
	assert.Equal(t, 503, request(t, handler, http.MethodGet, days, "", "Authorization: Bearer operators").Code)
}
