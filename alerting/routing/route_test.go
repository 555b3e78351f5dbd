package routing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dummyorders/alerting/routing"
	"dummyorders/domain/alert"
	"dummyorders/domain/fraud"
	"dummyorders/internal/timezone"
)

// Every condition holds for what it says, and says why it does not hold.
func TestConditions(t *testing.T) {
	berlin, err := timezone.Load("Europe/Berlin")
	require.NoError(t, err)
	in := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, berlin)
	}
	amount := func(number, currency string) func(*alert.Event) {
		return func(e *alert.Event) { e.Data.Amount, e.Data.Currency = jsonNumber(number), currency }
	}
	for _, c := range []struct {
		when   string
		change func(*alert.Event)
		at     time.Time
		why    string // empty, it matches
	}{
		{"type: [fraud.review_requested, fraud.detected]", nil, noon, ""},
		{"type: payment.compensation_failed", nil, noon, "type is fraud.detected, not payment.compensation_failed"},
		{"outcome: [decline, review]", declined(80), noon, ""},
		{"outcome: [approve, not_evaluated]", declined(80), noon, "outcome is decline, not approve or not_evaluated"},
		{"score: {at_least: 80}", declined(80), noon, ""},
		{"score: {at_least: 81}", declined(80), noon, "score is 80, not 81 or more"},
		{"score: {at_least: 0, below: 81}", declined(80), noon, ""},
		{"score: {below: 80}", declined(80), noon, "score is 80, not below 80"},
		{"amount: {currency: EUR, at_least: 500}", amount("500.00", "EUR"), noon, ""},
		{"amount: {currency: EUR, at_least: 500.01}", amount("500.00", "EUR"), noon, "amount is EUR 500.00, not EUR 500.01 or more"},
		{"amount: {currency: EUR, below: 500}", amount("500.00", "EUR"), noon, "amount is EUR 500.00, not below EUR 500.00"},
		{"amount: {currency: EUR, below: 1000000}", amount("5000000", "JPY"), noon, "amount is in JPY, not in EUR"},
		{
			"amount: {currency: EUR, at_least: 0}", amount("-5", "EUR"), noon,
			"amount is none that can be compared: it must be a positive decimal such as 123.45",
		},
		{"payment_method: amazonpay", nil, noon, ""},
		{"payment_method: [card, ' AMAZONpay ']", nil, noon, ""},
		{"payment_method: amazonpay", func(e *alert.Event) { e.Data.PaymentMethod = "ＡmazonPay\u00a0" }, noon, ""},
		{"payment_method: amazonpay", func(e *alert.Event) { e.Data.PaymentMethod = "" }, noon, "it has no payment_method"},
		{"payment_method: [card, wallet]", nil, noon, "payment_method is amazonpay, not card or wallet"},
		{"type: alarm.firing", anAlarm, noon, ""},
		{"labels: {severity: [page, ticket], job: worker}", anAlarm, noon, ""},
		{"labels: {severity: ticket}", anAlarm, noon, "label severity is page, not ticket"},
		{"labels: {team: shop}", anAlarm, noon, "it has no label team"},
		{"labels: {severity: page}", nil, noon, "it has no label severity"},
		{"score: {below: 10}", anAlarm, noon, "an alarm has no score"},
		{"amount: {currency: EUR, below: 10}", anAlarm, noon, "it has no amount"},
		{"merchant: default", anAlarm, noon, "merchant is *, not default"},
		{"merchant: default", nil, noon, ""},
		{"merchant: default", func(e *alert.Event) { e.Data.Merchant = "" }, noon, ""},
		{"merchant: [acme, beta]", func(e *alert.Event) { e.Data.Merchant = "beta" }, noon, ""},
		{"merchant: [acme, beta]", nil, noon, "merchant is default, not acme or beta"},
		{"customer: [c-1, c-2]", nil, noon, ""},
		{"customer: c-2", nil, noon, "customer is c-1, not c-2"},
		{"customer: c-2", func(e *alert.Event) { e.Data.CustomerID = "" }, noon, "it has no customer"},
		{"type: fraud.detected, customer: c-2", nil, noon, "customer is c-1, not c-2"},

		{"during: office", nil, in(11, 23, 8, 0), ""},
		{"during: office", nil, in(11, 23, 7, 59), "it is Mon 07:59 in Europe/Berlin, not during office"},
		{"during: office", nil, in(11, 23, 17, 59), ""},
		{"during: office", nil, in(11, 23, 18, 0), "it is Mon 18:00 in Europe/Berlin, not during office"},
		{"during: office", nil, in(11, 22, 12, 0), "it is Sun 12:00 in Europe/Berlin, not during office"},
		{"outside: office", nil, in(11, 22, 12, 0), ""},
		{"outside: office", nil, in(11, 23, 12, 0), "it is Mon 12:00 in Europe/Berlin, not outside office"},
		// The clock on the wall counts: 06:30 UTC is 08:30 in summer and 07:30 in winter.
		{"during: office", nil, time.Date(2026, 7, 6, 6, 30, 0, 0, time.UTC), ""},
		{"during: office", nil, time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC), "it is Mon 07:30 in Europe/Berlin, not during office"},
		// Friday's night ends on Saturday.
		{"during: night", nil, in(11, 27, 22, 0), ""},
		{"during: night", nil, in(11, 28, 5, 59), ""},
		{"during: night", nil, in(11, 28, 6, 0), "it is Sat 06:00 in Europe/Berlin, not during night"},
		{"during: night", nil, in(11, 28, 22, 0), "it is Sat 22:00 in Europe/Berlin, not during night"},
		{"during: night", nil, in(11, 27, 5, 0), "it is Fri 05:00 in Europe/Berlin, not during night"},
		// On 29 March 2026 the hour from two is left out in Berlin, on 25 October it comes twice.
		{"during: small", nil, time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC), "it is Sun 01:59 in Europe/Berlin, not during small"},
		{"during: small", nil, time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), "it is Sun 03:00 in Europe/Berlin, not during small"},
		{"during: small", nil, time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), ""},
		{"during: small", nil, time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC), ""},
		// A window without times is whole days: it is Saturday in Kolkata already.
		{"during: weekend", nil, time.Date(2026, 11, 27, 18, 30, 0, 0, time.UTC), ""},
		{"during: weekend", nil, time.Date(2026, 11, 27, 18, 29, 0, 0, time.UTC), "it is Fri 23:59 in Asia/Kolkata, not during weekend"},
		{"during: weekend", nil, time.Date(2026, 11, 29, 18, 29, 0, 0, time.UTC), ""},
	} {
		config := routed(t, "routes:\n  - {name: it, when: {"+c.when+"}, tell: [a]}\n  - {name: rest, tell: [b]}\n")
		way := config.Explain(event(c.change), c.at)
		require.Equal(t, c.why, way[0].Why, c.when)
		require.Equal(t, c.why == "", way[0].Matched, c.when)
		want := []string{"a"}
		if c.why != "" {
			want = []string{"b"}
		}
		require.Equal(t, want, receivers(config.Route(event(c.change), c.at)), c.when)
	}
}

// The first route decides unless it says continue.
func TestRouteOrder(t *testing.T) {
	for routes, want := range map[string][]string{
		"  - {name: one, tell: [a]}\n": {"a"},
		"  - {name: one, when: {outcome: decline}, tell: [b]}\n  - {name: r, tell: [a]}":                                            {"b"},
		"  - {name: one, when: {outcome: decline}, tell: [b], continue: true}\n  - {name: r, tell: [a]}":                            {"b", "a"},
		"  - {name: one, tell: [b], continue: true}\n  - {name: two, when: {outcome: review}, tell: [c]}\n  - {name: r, tell: [a]}": {"b", "a"},
		"  - {name: one, tell: [b], continue: true}\n  - {name: two, when: {outcome: decline}, tell: []}\n  - {name: r, tell: [a]}": {"b"},
		"  - {name: two, when: {outcome: decline}, tell: []}\n  - {name: r, tell: [a]}":                                             {"muted by the route two, which has no receivers"},
		"  - {name: one, tell: [a, b]}\n": {"a", "b"},
		"  - {name: one, tell: [a], continue: true}\n  - {name: two, tell: [b], continue: true}\n  - {name: three, tell: [b, a]}\n": {"a", "b"},
		"  - {name: one, tell: [d, a, b]}\n": {"d", "b"},
		"  - {name: one, when: {outcome: review}, tell: [d], continue: true}\n  - {name: rest, tell: []}\n":                                                           {"muted by the route rest, which has no receivers"},
		"  - {name: one, tell: [a], continue: true}\n  - {name: rest, tell: []}\n":                                                                                    {"a"},
		"mutes: [{name: m, during: weekend}]\nroutes:\n  - {name: one, tell: [a]}\n":                                                                                  {"a"},
		"mutes: [{name: m, during: office}]\nroutes:\n  - {name: one, tell: [a]}\n":                                                                                   {"muted by m during office"},
		"mutes: [{name: m, when: {customer: c-1}, until: 2026-11-23T12:00:01Z}]\nroutes:\n  - {name: one, tell: [a]}\n":                                               {"muted by m until 2026-11-23T12:00:01Z"},
		"mutes: [{name: m, when: {customer: c-1}, until: 2026-11-23T12:00:00Z}]\nroutes:\n  - {name: one, tell: [a]}\n":                                               {"a"},
		"mutes: [{name: m, when: {customer: c-2}, until: 2026-11-23T13:00:00Z}]\nroutes:\n  - {name: one, tell: [a]}\n":                                               {"a"},
		"mutes: [{name: m, from: 2026-11-23T12:00:01Z, until: 2026-11-24T00:00:00Z}]\nroutes:\n  - {name: one, tell: [a]}\n":                                          {"a"},
		"mutes: [{name: m, from: 2026-11-23T12:00:00Z, until: 2026-11-24T00:00:00Z, during: office}]\nroutes:\n  - {name: one, tell: [a]}\n":                          {"muted by m during office until 2026-11-24T00:00:00Z"},
		"mutes: [{name: m, during: weekend}, {name: n, until: 2026-11-24T00:00:00Z}]\nroutes:\n  - {name: one, tell: [a], continue: true}\n  - {name: r, tell: []}\n": {"muted by n until 2026-11-24T00:00:00Z"},
	} {
		if !strings.Contains(routes, "routes:") {
			routes = "routes:\n" + routes
		}
		require.Equal(t, want, receivers(routed(t, routes).Route(event(nil), noon)), routes)
	}
}

func TestExplainStopsAtDecision(t *testing.T) {
	way := routed(t, "routes:\n  - {name: one, when: {outcome: decline}, tell: [a]}\n  - {name: rest, tell: [b]}\n").Explain(event(nil), noon)
	require.True(t, way[0].Asked)
	require.Equal(t, routing.Finding{Kind: "route", Name: "rest", Why: "one has decided"}, way[1])
}

func TestRouteSkipsRepeatedTarget(t *testing.T) {
	config := routed(t, "routes:\n  - {name: one, tell: [a, c], continue: true}\n  - {name: two, tell: [d]}\n")
	assigned := config.Route(event(nil), noon)
	require.Equal(t, []string{"a", "c"}, receivers(assigned))
	require.Equal(t, []alert.Target{"mail c@example.com"}, assigned[1].Steps[0].Targets)
	way := config.Explain(event(nil), noon)
	require.Equal(t, []string{"d"}, way[1].Left)
	require.Nil(t, way[1].Assignments)
	again, _ := config.Receiver("c")
	require.Len(t, again.Steps[0].Targets, 2, "it was taken off the configuration itself")
}

// A receiver that asks to be acknowledged is before those that do not.
func TestRouteAcknowledgedFirst(t *testing.T) {
	assigned := routed(t, "routes:\n  - {name: one, tell: [a, b, d]}\n").Route(event(nil), noon)
	require.Equal(t, []string{"d", "b"}, receivers(assigned), "d asks, and has the only address of a")
	require.Len(t, assigned[0].Steps, 2)
}

// An assignment holds all that a delivery needs.
func TestRouteAssignment(t *testing.T) {
	config := read(t, good)
	require.Equal(t, []alert.Assignment{{
		Receiver: "fraud-team", Route: "rest",
		Steps: []alert.Step{
			{
				Receiver: "fraud-team", Within: 15 * time.Minute,
				Targets: []alert.Target{"mail jo@example.com", "mail al@example.com", "chat fraud-team/chat", "webhook fraud-team/case-tool"},
			},
			{Receiver: "on-call", Targets: []alert.Target{"sms +4915112345678", "console -"}},
		},
		Group: &alert.Grouping{
			Key: `type="fraud.detected" card="card sample" reason="reason CARD_VELOCITY"`, Name: "fraud.detected, card 123456******4321, CARD_VELOCITY",
			Window: 5 * time.Minute,
		},
		Throttle: &alert.Throttle{Most: 20, Per: time.Hour},
	}}, config.Route(event(nil), noon))
	tried, known := config.Receiver("on-call")
	require.True(t, known)
	require.Equal(t, alert.Assignment{Receiver: "on-call", Route: "test", Steps: []alert.Step{
		{Receiver: "on-call", Targets: []alert.Target{"sms +4915112345678", "console -"}},
	}}, tried)
	_, known = config.Receiver("nobody")
	require.False(t, known)
	require.Equal(t, []string{"fraud-team", "on-call"}, config.Receivers())
}

// Alerts are grouped by what they have in common.
func TestGroupName(t *testing.T) {
	for _, c := range []struct {
		group, name string // empty, it is not grouped
		change      func(*alert.Event)
	}{
		{"{}", "fraud.detected, card 123456******4321, CARD_VELOCITY", nil},
		{"{by: [card, reason]}", "fraud.detected, customer c-1, CARD_VELOCITY", func(e *alert.Event) { e.Data.CardFingerprint = "" }},
		{"{by: [card, reason]}", "", func(e *alert.Event) { e.Data.CardFingerprint, e.Data.CustomerID = "", "" }},
		{"{by: [card, reason]}", "fraud.detected, card 123456******4321", func(e *alert.Event) { e.Data.Decision.Reasons = nil }},
		{"{by: customer}", "fraud.detected, customer c-1", nil},
		{"{by: customer}", "", func(e *alert.Event) { e.Data.CustomerID = "" }},
		{"{by: type}", "fraud.detected", nil},
		{"{by: [merchant, order]}", "fraud.detected, order 1234", nil},
		{"{by: order}", "fraud.detected, merchant acme, order 1234", func(e *alert.Event) { e.Data.Merchant = "acme" }},
		{"{by: [type, outcome, order, currency]}", "fraud.detected, outcome decline, order 1234, INR", nil},
		{"{by: reason}", "fraud.detected, A B", func(e *alert.Event) { e.Data.Decision.Reasons = []fraud.Reason{{Code: "A\nB"}} }},
		{"{by: [reason, order]}", "fraud.detected, A B\uFFFD, order 1 2", func(e *alert.Event) {
			e.Data.Decision.Reasons, e.Data.OrderID = []fraud.Reason{{Code: "A\u2028\u202EB\xff"}}, "1\u20662"
		}},
		{"none", "", nil},
	} {
		config := read(t, "version: 1\nreceivers:\n  - {name: a, channels: [console], group: "+c.group+"}\nroutes:\n  - {name: rest, tell: [a]}\n")
		grouped := config.Route(event(c.change), noon)[0].Group
		if c.name == "" {
			require.Nil(t, grouped, c.group)
			continue
		}
		require.Equal(t, c.name, grouped.Name, c.group)
		require.NotContains(t, grouped.Name, "sample", "a fingerprint is shown")
	}
}

// A group's key depends only on what its alerts have in common.
func TestGroupKey(t *testing.T) {
	config := read(t, good)
	key := func(change func(*alert.Event)) string { return config.Route(event(change), noon)[0].Group.Key }
	require.Equal(t, `type="fraud.detected" card="card sample" reason="reason CARD_VELOCITY"`, key(nil), "as before there were merchants")
	require.Equal(t, key(nil), key(func(e *alert.Event) { e.Data.Merchant = "" }))
	require.Equal(t, key(nil), key(func(e *alert.Event) {
		e.ID, e.Time, e.Data.Amount, e.Data.CustomerID = "e-2", noon.Add(time.Hour), "9", "c-9"
	}))
	keys := []string{
		key(nil),
		key(func(e *alert.Event) { e.Type = alert.ReviewRequested }),
		key(func(e *alert.Event) { e.Data.Merchant = "acme" }),
		key(func(e *alert.Event) { e.Data.Merchant = "beta" }),
		key(func(e *alert.Event) { e.Data.CardFingerprint = "other" }),
		key(func(e *alert.Event) { e.Data.CardFingerprint = "" }),
		key(func(e *alert.Event) { e.Data.CardFingerprint, e.Data.CustomerID = "", "sample" }),
		key(func(e *alert.Event) { e.Data.Decision.Reasons = []fraud.Reason{{Code: "OTHER"}} }),
		key(func(e *alert.Event) { e.Data.Decision.Reasons = nil }),
	}
	slices.Sort(keys)
	require.Len(t, slices.Compact(keys), 9)
}

// The variables for mail send every event to each address.
func TestToMail(t *testing.T) {
	config := routing.ToMail([]string{"a@example.com", "b@example.com", "a@example.com"})
	want := []alert.Assignment{{
		Receiver: "mail", Route: "all",
		Steps: []alert.Step{{Receiver: "mail", Targets: []alert.Target{"mail a@example.com", "mail b@example.com"}}},
	}}
	for _, of := range alert.Types {
		require.Equal(t, want, config.Route(alert.Sample(of, "e", noon), noon))
	}
	require.Equal(t, "1 receiver, 1 route, 0 mutes", config.Summary())
	require.Equal(t, []string{"muted by the route all, which has no receivers"}, receivers(routing.ToMail(nil).Route(event(nil), noon)))
}

// The router asks the configuration that is in force.
func TestCurrent(t *testing.T) {
	now := read(t, good)
	var router alert.Router = routing.Current(func() *routing.Config { return now })
	require.Equal(t, []string{"fraud-team"}, receivers(router.Route(event(nil), noon)))
	now = routing.ToMail([]string{"a@example.com"})
	require.Equal(t, []string{"mail"}, receivers(router.Route(event(nil), noon)))
}

// Every event reaches a receiver, or the reason why not is given, and no target receives it twice.
func TestRouteAnyEvent(t *testing.T) {
	config := routed(t, `mutes:
  - {name: m, when: {customer: [loadtest]}, until: 2026-11-24T00:00:00Z}
routes:
  - {name: one, when: {score: {at_least: 50}}, tell: [a, c], continue: true}
  - {name: two, when: {amount: {currency: EUR, below: 10}}, tell: [d, b], continue: true}
  - {name: three, when: {during: office, type: fraud.detected}, tell: []}
  - {name: rest, tell: [c, d]}
`)
	rapid.Check(t, func(t *rapid.T) {
		e := alert.Sample(rapid.SampledFrom(alert.Types).Draw(t, "type"), "e", noon)
		e.Data.Decision.Score = rapid.IntRange(-1, 101).Draw(t, "score")
		e.Data.Currency = rapid.SampledFrom([]string{"EUR", "INR", ""}).Draw(t, "currency")
		e.Data.Amount = jsonNumber(rapid.SampledFrom([]string{"1", "99999.99", "1e3", ""}).Draw(t, "amount"))
		e.Data.CustomerID = rapid.SampledFrom([]string{"loadtest", "c-1", ""}).Draw(t, "customer")
		assigned := config.Route(e, noon.Add(time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, "at"))))
		require.NotEmpty(t, assigned)
		covered, to := map[alert.Target]bool{}, map[string]bool{}
		for _, a := range assigned {
			if a.Muted != "" {
				require.Len(t, assigned, 1)
				continue
			}
			require.False(t, to[a.Receiver])
			to[a.Receiver] = true
			require.NotEmpty(t, a.Steps[0].Targets)
			for _, target := range a.Steps[0].Targets {
				require.False(t, covered[target], "%s is told twice", target)
				covered[target] = true
			}
		}
	})
}

// anAlarm makes an event an alarm's.
func anAlarm(e *alert.Event) {
	*e = alert.Sample(alert.AlarmFiring, e.ID, e.Time)
}

// An alarm that fires is acknowledged and grouped by its name; one that is over needs no acknowledgement.
func TestAlarms(t *testing.T) {
	config := routed(t, "routes: [{name: rest, tell: [d]}]\n")
	firing := config.Route(event(anAlarm), noon)
	require.Len(t, firing, 1)
	require.Len(t, firing[0].Steps, 2)
	require.Nil(t, firing[0].Group, "it has no card")
	over := config.Route(alert.Sample(alert.AlarmResolved, "e-1", noon), noon)
	require.Len(t, over, 1)
	require.Len(t, over[0].Steps, 1)
	require.Zero(t, over[0].Steps[0].Within)

	config = read(t, "version: 1\nreceivers:\n  - {name: a, channels: [console], group: {by: reason}}\nroutes:\n  - {name: rest, tell: [a]}\n")
	require.Equal(t, "alarm.firing, PaymentsFail", config.Route(event(anAlarm), noon)[0].Group.Name)
}

// What the file says is shown in words, without secrets.
func TestShown(t *testing.T) {
	config := read(t, good)
	shown := config.Shown()
	require.Equal(t, []string{"score is below 10"}, shown.Routes[2].When)
	require.Contains(t, shown.Routes[1].When, "amount is EUR 500.00 or more")
	require.Equal(t, []string{"card", "reason"}, shown.Receivers[0].GroupBy)
	require.Equal(t, "15m", shown.Receivers[0].Steps[0].Within)
	require.Equal(t, "on-call", shown.Receivers[0].Steps[1].Receiver)
	require.Len(t, shown.Mutes, 1)
	text := fmt.Sprint(shown)
	for _, secret := range []string{slackURL, hookSecret, "case.example.com"} {
		require.NotContains(t, text, secret)
	}
	byType := read(t, strings.Replace(good, "group: none", "group: {by: type}", 1)).Shown().Receivers[1]
	require.Equal(t, []string{}, byType.GroupBy, "the API answers a list, and not null")
	require.Equal(t, "5m", byType.Window)
}
