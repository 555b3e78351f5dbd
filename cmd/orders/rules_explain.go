package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/rules"
)

type explainRulesCommand struct {
	TransactionID string `arg:"" name:"transactionID" help:"The transactionID, from the answer to POST /transact."`
	Ruleset       string `help:"The folder of the ruleset that decided, or default for the built-in one: its rules' names and thresholds are shown. By default that of FRAUD_RULESET." placeholder:"RULESET"`
	jsonFlag
}

// explained is a transaction as the API shows it to analysts, with what explains its decision, as JSON shows it.
type explained struct {
	ledger.Record

	Fingerprint string `json:"fingerprint,omitempty"`
	IP          string `json:"ip,omitempty"`
	rulesUsed
}

// rulesUsed is what only the ruleset that decided can say. It is empty if that is not at hand.
type rulesUsed struct {
	Thresholds *rules.Thresholds `json:"thresholds,omitempty"`
	RuleNames  map[string]string `json:"ruleNames,omitempty"`
}

func usedOf(set *rules.Set) rulesUsed {
	if set == nil {
		return rulesUsed{}
	}
	thresholds := set.Thresholds()
	return rulesUsed{&thresholds, ruleNames(set)}
}

// Run explains a decision from the ledger of LEDGER_URL.
func (c explainRulesCommand) Run(ctx context.Context) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	c.Ruleset = cmp.Or(c.Ruleset, env.FraudRuleset)
	return withLedger(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error { return c.explain(ctx, store, standard()) })
}

func (c explainRulesCommand) explain(ctx context.Context, store ledger.Reader, out output) error {
	entry, err := store.Find(ctx, identity.AllMerchants(), c.TransactionID)
	if errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("%w; LEDGER_URL names the ledger", err)
	}
	if err != nil {
		return err
	}
	d, why := decisionOf(entry.Record)
	if c.JSON {
		shown := explained{Record: entry.Record, Fingerprint: entry.Transaction.Payment.Card.Fingerprint, IP: entry.Transaction.IP}
		if why == "" {
			shown.rulesUsed = usedOf(c.rulesetOf(d, out.progress))
		}
		return printJSON(out.results, shown)
	}
	if err := printTransaction(out.results, entry); err != nil {
		return err
	}
	if why != "" {
		fmt.Fprintln(out.results, why)
		printFollowUp(out.results, entry.Record)
		return nil
	}
	if err := printDecision(out.results, d, c.rulesetOf(d, out.progress)); err != nil {
		return err
	}
	fmt.Fprintf(out.results, "\n%s\n", moments(d.Explanation))
	printFollowUp(out.results, entry.Record)
	return nil
}

// printTransaction prints what the decision was about. The fingerprint, the customer and the address are the values that lists
// can hold.
func printTransaction(to io.Writer, e ledger.Entry) error {
	t, w := e.Transaction, tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Transaction\t%s, %s\n", e.Record.TransactionID, e.Record.StartTime.UTC().Format(time.RFC3339))
	fmt.Fprintf(w, "Status\t%s\n", e.Record.TransactionStatus.Status)
	fmt.Fprintf(w, "Order\t%s, %s\n", t.Order.ID, amountOf(e.Record.Order.Cost.String(), e.Record.Order.Currency))
	fmt.Fprintf(w, "Payment\t%s by %s\n", amountOf(e.Record.Payment.Amount.String(), e.Record.Payment.Currency), t.PaymentMethod)
	if t.Payment.Token == "" {
		fmt.Fprintf(w, "Card\t%s, %s, fingerprint %s\n", t.Payment.Card.Masked(), t.Payment.Card.Brand, t.Payment.Card.Fingerprint)
	}
	if t.Customer != nil && customerOf(t.Customer) != "" {
		fmt.Fprintf(w, "Customer\t%s\n", customerOf(t.Customer))
	}
	if t.IP != "" {
		fmt.Fprintf(w, "IP address\t%s\n", t.IP)
	}
	fmt.Fprintln(w)
	return w.Flush()
}

func amountOf(amount, currency string) string { return amount + " " + currency }

// customerOf returns the customer with the domain of the mail address: rules see the domain as well as the whole
// address.
func customerOf(c *transaction.Customer) string {
	_, domain, mailed := strings.Cut(c.Email, "@")
	switch {
	case mailed && c.ID != "":
		return c.ID + ", mail at " + domain
	case mailed:
		return "mail at " + domain
	default:
		return c.ID
	}
}

// decisionOf returns the decision to explain, or why there is nothing to explain.
func decisionOf(r ledger.Record) (d fraud.Decision, why string) {
	switch {
	case r.Decision == nil:
		return d, "No fraud check has answered for it."
	case r.Decision.Source == fraud.NoSource:
		return d, fmt.Sprintf("It was not evaluated: %s.", r.Decision.Reasons[0].Message)
	case r.Explanation == nil:
		return d, fmt.Sprintf("%s, score %d, by the detector %s, which keeps no explanation: only rules do (FRAUD_DETECTOR).",
			r.Decision.Outcome, r.Decision.Score, r.Decision.Ruleset.ID)
	}
	d = *r.Decision
	d.Explanation = r.Explanation
	return d, ""
}

// rulesetOf returns the ruleset that made the decision, or nil if it is not available.
func (c explainRulesCommand) rulesetOf(d fraud.Decision, notes io.Writer) *rules.Set {
	set, err := loadRuleset(c.Ruleset)
	switch {
	case err != nil:
		fmt.Fprintf(notes, "The ruleset %s cannot be read, so the rules' names are not shown: %v\n", c.Ruleset, err)
	case set.Ruleset().Digest != d.Ruleset.Digest:
		fmt.Fprintf(notes, "Another ruleset decided than the one at hand, %s, so the rules' names are not shown.\n", set.Ruleset())
	default:
		return set
	}
	return nil
}

// printReview prints a review and the result of the second fraud check, which may have prevented an approval.
func printReview(to io.Writer, r *review.Review) {
	if d := r.Recheck; d != nil {
		fmt.Fprintf(to, "Asked again before an approval: %s, score %d (risk: %s), by the ruleset %s\n", d.Outcome, d.Score, d.RiskLevel, d.Ruleset)
		w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
		for _, reason := range d.Reasons {
			fmt.Fprintf(w, "  %s\t%s\n", reason.Code, reason.Message)
		}
		_ = w.Flush()
	}
	if !r.Decided() {
		return
	}
	fmt.Fprintf(to, "Review: %s", r.By())
	if r.Confirmed {
		fmt.Fprint(to, ", confirmed although the fraud check had become worse")
	}
	fmt.Fprintln(to)
}

// printFollowUp prints what people have since said about the transaction.
func printFollowUp(to io.Writer, r ledger.Record) {
	if r.Review != nil {
		printReview(to, r.Review)
	}
	for _, l := range r.Labels {
		fmt.Fprintf(to, "Labelled %s by %s at %s\n", l.Label, l.Source, l.Time.UTC().Format(time.RFC3339))
	}
}

// printDecision prints a decision with everything that led to it. set is the ruleset that made the decision, for what the
// decision itself does not contain. It may be nil.
func printDecision(to io.Writer, d fraud.Decision, set *rules.Set) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s, score %d (risk: %s), by the ruleset %s\n", d.Outcome, d.Score, d.RiskLevel, d.Ruleset)
	if set != nil {
		fmt.Fprintf(w, "review from score %d, decline from score %d\n", set.Thresholds().Review, set.Thresholds().Decline)
	}
	printReasons(w, d.Reasons)
	if e := d.Explanation; e != nil {
		names := ruleNames(set)
		printRuleResults(w, "Rules that hit", e.Rules, fraud.RuleHit, names)
		printRuleResults(w, "Rules that failed", e.Rules, fraud.RuleFailed, names)
		printLists(w, e.Lists)
		printFeatures(w, e.Features)
		for _, trial := range e.Trials {
			if trial.Ruleset.Digest != d.Ruleset.Digest { // another ruleset, whose rules may have the same ids
				printTrial(w, trial, nil)
			} else {
				printTrial(w, trial, names)
			}
		}
		if len(e.Passed) > 0 {
			fmt.Fprintf(w, "\nRules that did not hit\n%s\n", wrapped("", e.Passed))
		}
	}
	return w.Flush()
}

func printReasons(w io.Writer, all []fraud.Reason) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(w, "\nReasons")
	for _, r := range all {
		fmt.Fprintf(w, "  %s\t%s\n", r.Code, r.Message)
		if r.PublicMessage != "" {
			fmt.Fprintf(w, "  \tmerchants read: %s\n", r.PublicMessage)
		}
	}
}

func printRuleResults(w io.Writer, title string, all []fraud.RuleResult, outcome fraud.RuleOutcome, names map[string]string) {
	all = slices.DeleteFunc(slices.Clone(all), func(r fraud.RuleResult) bool { return r.Outcome != outcome })
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, r := range all {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", r.ID, worth(r), cmp.Or(r.Error, names[r.ID]))
	}
}

// printLists prints by which entries the transaction was on lists in the database.
func printLists(w io.Writer, used *fraud.ListsUsed) {
	if used == nil || len(used.Hits) == 0 {
		return
	}
	fmt.Fprintln(w, "\nLists in the database that it was on")
	for _, hit := range used.Hits {
		fmt.Fprintf(w, "  %s\tentry %d\n", hit.List, hit.Entry)
	}
}

// worth returns what a rule contributed to the decision.
func worth(r fraud.RuleResult) string {
	parts := []string{fmt.Sprintf("%+d", r.Score)}
	if r.Action != "" {
		parts = append(parts, string(r.Action))
	}
	if r.Shadow {
		parts = append(parts, "in shadow")
	}
	return strings.Join(parts, ", ")
}

// printFeatures prints features. Those that were 0 share one line: usually there are many, and they say little.
func printFeatures(w io.Writer, values map[string]float64) {
	if len(values) == 0 {
		return
	}
	fmt.Fprintln(w, "\nWhat they saw")
	var zero []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == 0 {
			zero = append(zero, name)
			continue
		}
		fmt.Fprintf(w, "  %s\t%s\n", name, number(values[name]))
	}
	if len(zero) > 0 {
		fmt.Fprintf(w, "%s\n", wrapped("0: ", zero))
	}
}

// number formats a number, with two decimals if it is not a whole number: averages of amounts have many more digits
// that mean nothing.
func number(n float64) string {
	text := strconv.FormatFloat(n, 'f', 2, 64)
	return strings.TrimSuffix(text, ".00")
}

func printTrial(w io.Writer, t fraud.Trial, names map[string]string) {
	fmt.Fprintf(w, "\nShadow ruleset, without effect: %s says %s, score %d\n", t.Ruleset, t.Outcome, t.Score)
	for _, r := range t.Rules {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", r.ID, worth(r), cmp.Or(r.Error, names[r.ID]))
	}
}

// ruleNames returns the names of a ruleset's rules by their ids.
func ruleNames(set *rules.Set) map[string]string {
	names := map[string]string{}
	if set == nil {
		return names
	}
	for _, r := range set.Rules() {
		names[r.ID] = r.Name
	}
	return names
}

// wrapped joins words with commas into indented lines.
func wrapped(before string, words []string) string {
	const width = 100
	text, line := "", "  "+before
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		if len(line)+len(word) > width {
			text, line = text+strings.TrimRight(line, " ")+"\n", "  "
		}
		line += word + " "
	}
	return text + strings.TrimRight(line, " ")
}

// moments returns when a decision was made, and how long it took.
func moments(e *fraud.Explanation) string {
	const milliseconds = "2006-01-02T15:04:05.000Z07:00"
	return fmt.Sprintf("As of %s, decided at %s, which took %s", e.AsOf.UTC().Format(milliseconds), e.DecidedAt.UTC().Format(milliseconds),
		time.Duration(e.TookMicros)*time.Microsecond)
}
