package rules_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/domain/card"
	"dummyorders/domain/fraud"
	"dummyorders/domain/money"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
	"dummyorders/domain/velocity"
	"dummyorders/rules"
)

// The demo's loop is reviewed and then declined by the default ruleset. The demo's loop posts 200 requests, alternating
// between two.
func TestDefaultWithDemoLoop(t *testing.T) {
	var past velocity.Timeline
	var outcomes []fraud.Outcome
	begin := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for i := range 200 {
		c := demo(t, i%2 == 0, begin.Add(time.Duration(i)*time.Second))
		c.ID = "demo-" + c.StartTime.Format("150405")
		outcomes = append(outcomes, decide(&past, rules.Default(), c).Outcome)
	}
	approve, review, decline := fraud.Approve, fraud.Review, fraud.Decline
	require.Equal(t, []fraud.Outcome{
		approve, approve, approve, approve, approve, approve, review, review, review, review, review, review,
	}, outcomes[:12], "each card three times, and then until the seventh")
	require.Equal(t, slices.Repeat([]fraud.Outcome{decline}, 188), outcomes[12:])
}

// The demo's first requests have the score 5.
func TestDefaultWithDemoFirstRequests(t *testing.T) {
	for _, first := range []bool{true, false} {
		d := decide(new(velocity.Timeline), rules.Default(), demo(t, first, time.Now()))
		require.Equal(t, 5, d.Score)
		require.Equal(t, []fraud.Reason{{Code: "CARD_LUHN_INVALID", Message: "the card number fails the Luhn check"}}, d.Reasons)
	}
}

// The default ruleset's lists decide about what is on them.
func TestDefaultLists(t *testing.T) {
	for list, c := range map[string]struct {
		entry string
		want  fraud.Outcome
	}{
		"blocked_cards":        {fingerprint(t, "4242424242424242"), fraud.Decline},
		"blocked_customers":    {"c-1", fraud.Decline},
		"blocked_ips":          {"8.8.8.0/24", fraud.Decline},
		"blocked_mail_domains": {"example.com", fraud.Decline},
		"trusted_customers":    {"c-1", fraud.Approve},
	} {
		t.Run(list, func(t *testing.T) {
			check := customerOf(t, "4242424242424242")
			if c.want == fraud.Approve {
				check.Order.Cost.Currency = "USD" // without the list, this is for review
			}
			before := decide(new(velocity.Timeline), rules.Default(), check).Outcome
			require.NotEqual(t, c.want, before, "the list has nothing to change")
			after := decide(new(velocity.Timeline), withEntries(t, map[string]string{list: c.entry}), check)
			require.Equal(t, c.want, after.Outcome, after.Reasons)
		})
	}
}

// Buyers who share an address that names none of them are approved. The address of a proxy, or one that many
// subscribers of a provider share, says nothing about a buyer.
func TestDefaultWithSharedAddress(t *testing.T) {
	for ip, want := range map[string]fraud.Outcome{
		"8.8.8.8": fraud.Decline, "::ffff:8.8.8.8": fraud.Decline, "64:ff9b::8.8.8.8": fraud.Decline, "2002:808:808::7": fraud.Decline,
		"2606:4700:4700:1::7": fraud.Decline,
		"10.0.0.7":            fraud.Approve, "127.0.0.1": fraud.Approve, "0.0.0.0": fraud.Approve, "100.64.0.7": fraud.Approve, "::1": fraud.Approve,
		"169.254.1.1": fraud.Approve, "192.168.0.1": fraud.Approve, "fd00::7": fraud.Approve, "fe80::7": fraud.Approve, "203.0.113.7": fraud.Approve,
		"::ffff:10.0.0.7": fraud.Approve, "64:ff9b::10.0.0.7": fraud.Approve, "2002:a00:7::7": fraud.Approve,
	} {
		t.Run(ip, func(t *testing.T) {
			var past velocity.Timeline
			var last fraud.Outcome
			for n := range 12 {
				c := customerOf(t, "4242424242424242")
				c.ID, c.Order.ID, c.Customer.ID, c.IP = fmt.Sprint(n), fmt.Sprint(n), fmt.Sprint(n), ip
				c.Payment.Card.Fingerprint = fmt.Sprint(n)
				last = decide(&past, rules.Default(), c).Outcome
			}
			require.Equal(t, want, last)
		})
	}
}

// A block list of the default ruleset goes before its allow list.
func TestDefaultBlockBeforeAllow(t *testing.T) {
	set := withEntries(t, map[string]string{"blocked_customers": "c-1", "trusted_customers": "c-1"})
	require.Equal(t, fraud.Decline, decide(new(velocity.Timeline), set, customerOf(t, "4242424242424242")).Outcome)
}

// Every rule of the default ruleset has a case on either side.
func TestDefaultCases(t *testing.T) {
	report := rules.RunCases(rules.Default())
	require.Empty(t, report.Failures)
	hits, misses := map[string]bool{}, map[string]bool{}
	for _, c := range rules.Default().Cases() {
		if c.Rule != "" && c.Hits {
			hits[c.Rule] = true
		} else if c.Rule != "" {
			misses[c.Rule] = true
		}
	}
	var all []string
	for _, r := range rules.Default().Rules() {
		all = append(all, r.ID)
	}
	slices.Sort(all)
	require.Equal(t, all, slices.Sorted(maps.Keys(hits)), "rules that a case hits")
	require.Equal(t, all, slices.Sorted(maps.Keys(misses)), "rules that a case misses")
	require.Empty(t, rules.Default().Warnings())
}

func decide(past *velocity.Timeline, set *rules.Set, c fraud.Check) fraud.Decision {
	features := set.Features()
	use := velocity.Of(c.Transaction, c.StartTime, velocity.Dimensions(features))
	values := velocity.Values(features, use, c.AsOf, past.Look(c.ID, velocity.Lookups(features, use, c.AsOf)))
	past.Add(use)
	return set.Evaluate(c, values)
}

func demo(t *testing.T, first bool, at time.Time) fraud.Check {
	t.Helper()
	amount, number, id := money.Money{Minor: 12300, Currency: "INR"}, "1234567887654321", "1234"
	if !first {
		amount, number, id = money.Money{Minor: 1300, Currency: "USD"}, "8765432112345678", "5678"
	}
	return fraud.Check{StartTime: at, AsOf: at, Number: 1, Transaction: transaction.Transaction{
		ID: "demo", Order: transaction.Order{ID: id, Cost: amount}, PaymentMethod: "amazonpay",
		Payment: transaction.Payment{Card: details(t, number), Type: "wallet", Amount: amount},
	}}
}

func customerOf(t *testing.T, number string) fraud.Check {
	t.Helper()
	c := demo(t, true, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	c.Payment.Card, c.IP = details(t, number), "8.8.8.8"
	c.Customer = &transaction.Customer{ID: "c-1", Email: "jo@example.com"}
	return c
}

func details(t *testing.T, digits string) card.Details {
	t.Helper()
	number, err := card.ParseNumber(digits)
	require.NoError(t, err)
	return card.NewDescriber([]byte("0123456789abcdef0123456789abcdef")).Describe(number)
}

func fingerprint(t *testing.T, digits string) string {
	t.Helper()
	return details(t, digits).Fingerprint
}

// withEntries returns the default ruleset with an entry on some of its lists, by their names.
func withEntries(t *testing.T, on map[string]string) *rules.Set {
	t.Helper()
	set, all := rules.Default(), []ruleset.ListEntry{}
	for _, l := range set.Lists() {
		if entry, has := on[l.Name]; has {
			value, err := rules.SpellEntry(l.Of, entry)
			require.NoError(t, err)
			all = append(all, ruleset.ListEntry{Number: int64(len(all) + 1), List: l.Name, Of: l.Of, Value: value})
		}
	}
	e := entries(all...)
	return set.With(e, e.Last())
}
