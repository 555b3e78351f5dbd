// Package report counts transactions by day, for reports.
package report

import (
	"maps"
	"slices"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/money"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
)

// Sum is how many transactions there are of a kind, and what they come to in minor units of their currency.
type Sum struct {
	Count int64 `json:"count"`
	Minor int64 `json:"minor"`
}

func (s *Sum) add(minor int64) {
	s.Count++
	s.Minor = money.Add(s.Minor, minor)
}

func (s *Sum) join(o Sum) {
	s.Count += o.Count
	s.Minor = money.Add(s.Minor, o.Minor)
}

// Figures is what transactions of one currency come to. All of it can be added up.
type Figures struct {
	All      Sum                   `json:"all"`
	Outcomes map[fraud.Outcome]Sum `json:"outcomes,omitempty"` // of the fraud check
	Paid     Sum                   `json:"paid"`
	Refused  Sum                   `json:"refused"` // by the gateway, or cancelled
	Stopped  Sum                   `json:"stopped"`
	// Reasons counts what the fraud check declined by its reasons, each transaction once for each of them; Refusals what was
	// refused by the gateway's reason.
	Reasons  map[string]Sum  `json:"reasons,omitempty"`
	Refusals map[string]Sum  `json:"refusals,omitempty"`
	Rules    map[string]Rule `json:"rules,omitempty"` // by the rules' ids; those in shadow too
	// Fraud is what was labelled fraudulent last, FraudPaid the part of it that was paid, and Chargebacks what was disputed.
	Fraud       Sum `json:"fraud"`
	FraudPaid   Sum `json:"fraudPaid"`
	Chargebacks Sum `json:"chargebacks"`
	// FalsePositives is what the fraud check declined or had reviewed, and was labelled legitimate last.
	FalsePositives Sum     `json:"falsePositives"`
	Reviews        Reviews `json:"reviews"`
	// Schemes is what card schemes look at, by the cards' brands. What was disputed or reported counts on the day of its label, not
	// on that of the payment.
	Schemes map[string]Scheme `json:"schemes,omitempty"`
}

// Rule is how often a rule hit. Alone counts the hits without which no rule had spoken against a transaction that was declined or
// reviewed. Fraudulent and Legitimate count hits by the last label.
type Rule struct {
	Hits       int64 `json:"hits"`
	Alone      int64 `json:"alone"`
	Fraudulent int64 `json:"fraudulent"`
	Legitimate int64 `json:"legitimate"`
}

// Reviews is what was asked of people. Took counts the reviews that people decided by how many seconds that took, rounded to two
// digits.
type Reviews struct {
	Asked    int64           `json:"asked"`
	Approved int64           `json:"approved"`
	Declined int64           `json:"declined"`
	Expired  int64           `json:"expired"`
	Took     map[int64]int64 `json:"took,omitempty"`
}

// Add counts a transaction, whose amount is given in minor units.
func (f *Figures) Add(r *ledger.Record, minor int64) {
	f.All.add(minor)
	switch s := r.Status(); {
	case s == transaction.PaymentComplete:
		f.Paid.add(minor)
		f.addScheme(r, Scheme{Payments: 1})
	case s == transaction.PaymentError:
		f.Refused.add(minor)
		if d := r.Payment.Decline; d != nil {
			addTo(&f.Refusals, string(d.Code), Sum{1, minor})
		}
	case stopped(s):
		f.Stopped.add(minor)
	}
	word := f.addLabels(r, minor)
	f.addDecision(r, minor, word)
	f.addReview(r.Review)
}

// stopped reports whether a transaction was stopped: nothing is paid for it.
func stopped(s transaction.Status) bool {
	switch s {
	case transaction.Fraudulent, transaction.AlertInitiated, transaction.AlertError, transaction.AlertDone:
		return true
	case transaction.Pending, transaction.PaymentInitiated, transaction.PaymentError, transaction.PaymentComplete, transaction.InReview:
	}
	return false
}

// lastLabel returns the word that counts of a transaction's labels.
func lastLabel(labels []ledger.Label) (word string) {
	var at time.Time
	for _, l := range labels {
		if l.Time.After(at) || l.Time.Equal(at) && l.Label == ledger.Fraudulent {
			word, at = l.Label, l.Time
		}
	}
	return word
}

// addLabels counts what turned out to be true, and returns the word that counts.
func (f *Figures) addLabels(r *ledger.Record, minor int64) (word string) {
	word = lastLabel(r.Labels)
	disputed := slices.ContainsFunc(r.Labels, func(l ledger.Label) bool { return l.Source == ledger.ByDispute && l.Label == ledger.Fraudulent })
	if word == ledger.Fraudulent {
		f.Fraud.add(minor)
		if r.Status() == transaction.PaymentComplete {
			f.FraudPaid.add(minor)
		}
	}
	if disputed {
		f.Chargebacks.add(minor)
	}
	return word
}

func (f *Figures) addDecision(r *ledger.Record, minor int64, word string) {
	d := r.Decision
	if d == nil {
		return
	}
	addTo(&f.Outcomes, d.Outcome, Sum{1, minor})
	if against(d.Outcome) && word == ledger.Legitimate {
		f.FalsePositives.add(minor)
	}
	if d.Outcome == fraud.Decline {
		for _, reason := range d.Reasons {
			addTo(&f.Reasons, reason.Code, Sum{1, minor})
		}
	}
	if r.Explanation == nil {
		return
	}
	alone := onlyRule(r.Explanation.Rules, d.Outcome)
	for _, hit := range r.Explanation.Rules {
		if hit.Outcome != fraud.RuleHit {
			continue
		}
		if f.Rules == nil {
			f.Rules = map[string]Rule{}
		}
		f.Rules[hit.ID] = f.Rules[hit.ID].join(Rule{1, one(hit.ID == alone), one(word == ledger.Fraudulent), one(word == ledger.Legitimate)})
	}
}

// against reports whether an outcome speaks against a transaction.
func against(o fraud.Outcome) bool { return o == fraud.Decline || o == fraud.Review }

// onlyRule returns the id of the one rule that spoke against a transaction that was declined or reviewed, or an empty text if there
// were several, or none.
func onlyRule(results []fraud.RuleResult, o fraud.Outcome) (id string) {
	if !against(o) {
		return ""
	}
	for _, r := range results {
		if r.Outcome != fraud.RuleHit || r.Shadow || r.Score <= 0 && r.Action == "" {
			continue
		}
		if id != "" {
			return ""
		}
		id = r.ID
	}
	return id
}

func (f *Figures) addReview(r *review.Review) {
	if r == nil {
		return
	}
	f.Reviews.Asked++
	switch {
	case !r.Decided():
	case r.Expired:
		f.Reviews.Expired++
	case r.Verdict == review.Approve:
		f.Reviews.Approved++
	default:
		f.Reviews.Declined++
	}
	if r.DecidedAt != nil && !r.Expired {
		addCounts(&f.Reviews.Took, map[int64]int64{twoDigits(max(0, int64(r.DecidedAt.Sub(r.RequestedAt).Seconds()))): 1})
	}
}

// twoDigits rounds a number to two digits, so that few numbers are left.
func twoDigits(of int64) int64 {
	unit := int64(1)
	for of/unit >= 100 {
		unit *= 10
	}
	return (of + unit/2) / unit * unit
}

// MedianSeconds returns the time within which people decided half of the reviews, and 0 if they decided none. It is right to 5 %.
func (r Reviews) MedianSeconds() int64 {
	var all int64
	for _, count := range r.Took {
		all += count
	}
	for _, seconds := range slices.Sorted(maps.Keys(r.Took)) {
		if all -= 2 * r.Took[seconds]; all <= 0 {
			return seconds
		}
	}
	return 0
}

// Join adds other figures of the same currency.
func (f *Figures) Join(o Figures) {
	for _, of := range []struct {
		into *Sum
		more Sum
	}{
		{&f.All, o.All},
		{&f.Paid, o.Paid},
		{&f.Refused, o.Refused},
		{&f.Stopped, o.Stopped},
		{&f.Fraud, o.Fraud},
		{&f.FraudPaid, o.FraudPaid},
		{&f.Chargebacks, o.Chargebacks},
		{&f.FalsePositives, o.FalsePositives},
	} {
		of.into.join(of.more)
	}
	joinAll(&f.Outcomes, o.Outcomes)
	joinAll(&f.Reasons, o.Reasons)
	joinAll(&f.Refusals, o.Refusals)
	for id, rule := range o.Rules {
		if f.Rules == nil {
			f.Rules = map[string]Rule{}
		}
		f.Rules[id] = f.Rules[id].join(rule)
	}
	f.Reviews.Asked += o.Reviews.Asked
	f.Reviews.Approved += o.Reviews.Approved
	f.Reviews.Declined += o.Reviews.Declined
	f.Reviews.Expired += o.Reviews.Expired
	addCounts(&f.Reviews.Took, o.Reviews.Took)
	for brand, scheme := range o.Schemes {
		f.joinScheme(brand, scheme)
	}
}

func addCounts(into *map[int64]int64, more map[int64]int64) {
	if *into == nil && len(more) > 0 {
		*into = map[int64]int64{}
	}
	for key, count := range more {
		(*into)[key] += count
	}
}

func (r Rule) join(o Rule) Rule {
	return Rule{r.Hits + o.Hits, r.Alone + o.Alone, r.Fraudulent + o.Fraudulent, r.Legitimate + o.Legitimate}
}

func joinAll[K comparable](into *map[K]Sum, more map[K]Sum) {
	for key, sum := range more {
		addTo(into, key, sum)
	}
}

func addTo[K comparable](into *map[K]Sum, key K, more Sum) {
	if *into == nil {
		*into = map[K]Sum{}
	}
	sum := (*into)[key]
	sum.join(more)
	(*into)[key] = sum
}

func one(of bool) int64 {
	if of {
		return 1
	}
	return 0
}

// BasisPoints returns a part of a whole in hundredths of a percent, and 0 of nothing.
func BasisPoints(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole) * 10_000
}

// Day holds the figures of a day, in UTC, of one merchant and one currency.
type Day struct {
	Date     string // such as 2026-11-29
	Merchant string
	Currency string
	Figures  Figures
}

// DateOf returns the day, in UTC, that a time belongs to.
func DateOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }
