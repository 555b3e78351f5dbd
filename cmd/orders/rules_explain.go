package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"dummyorders/domain/fraud"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/transaction"
	ledgerdb "dummyorders/gateways/ledger"
	"dummyorders/gateways/rules"
)

type explainRulesCommand struct {
	TransactionID string `arg:"" name:"transactionID" help:"The transaction, as the answer to POST /transact names it."`
	Ruleset       string `help:"A folder, or default: names and thresholds are taken from there, if it is the ruleset that decided. By default that of FRAUD_RULESET." placeholder:"RULESET"`
}

// Run reads the ledger of LEDGER_URL.
func (c explainRulesCommand) Run(ctx context.Context) error {
	env, err := readEnvironment(ctx, lookup())
	if err != nil {
		return err
	}
	book, err := openLedger(ctx, env)
	if err != nil {
		return err
	}
	defer func() { _ = book.Close() }()
	if c.Ruleset == "" {
		c.Ruleset = env.FraudRuleset
	}
	return c.explain(ctx, book, standard())
}

// openLedger is the ledger, ready to be read; the caller closes it.
func openLedger(ctx context.Context, env environment) (*ledgerdb.Ledger, error) {
	v := &values{}
	book := env.ledger(v)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := book.Ready(ctx); err != nil {
		_ = book.Close()
		return nil, err
	}
	return book, nil
}

func (c explainRulesCommand) explain(ctx context.Context, book ledger.Reader, out output) error {
	entry, err := book.Find(ctx, c.TransactionID)
	if errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("%w; LEDGER_URL says which ledger that is", err)
	}
	if err != nil {
		return err
	}
	if err := posted(out.results, entry); err != nil {
		return err
	}
	d, why := decisionOf(entry.Record)
	if why != "" {
		fmt.Fprintln(out.results, why)
		aftermath(out.results, entry.Record)
		return nil
	}
	if err := explained(out.results, d, c.rulesetOf(d, out.progress)); err != nil {
		return err
	}
	fmt.Fprintf(out.results, "\n%s\n", moments(d.Explanation))
	aftermath(out.results, entry.Record)
	return nil
}

// posted is what the decision was about. The fingerprint, the customer and the address are what lists hold.
func posted(to io.Writer, e ledger.Entry) error {
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

// customerOf shows of the mail address what rules see beside the whole of it: its domain.
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

// decisionOf is what is to be explained, or why there is nothing to explain.
func decisionOf(r ledger.Record) (d fraud.Decision, why string) {
	switch {
	case r.Decision == nil:
		return d, "No fraud check has answered for it."
	case r.Decision.Source == fraud.Nobody:
		return d, fmt.Sprintf("It was not evaluated: %s.", r.Decision.Reasons[0].Message)
	case r.Explanation == nil:
		return d, fmt.Sprintf("%s, score %d, by the detector %s, which keeps no explanation: only rules do (FRAUD_DETECTOR).",
			r.Decision.Outcome, r.Decision.Score, r.Decision.Ruleset.ID)
	}
	d = *r.Decision
	d.Explanation = r.Explanation
	return d, ""
}

// rulesetOf is the ruleset that decided, where it is at hand.
func (c explainRulesCommand) rulesetOf(d fraud.Decision, notes io.Writer) *rules.Set {
	set, err := loadRuleset(c.Ruleset)
	switch {
	case err != nil:
		fmt.Fprintf(notes, "The ruleset %s cannot be read, so that rules go without names here: %v\n", c.Ruleset, err)
	case set.Ruleset().Digest != d.Ruleset.Digest:
		fmt.Fprintf(notes, "The ruleset at hand is another one, %s, so that rules go without names here.\n", set.Ruleset())
	default:
		return set
	}
	return nil
}

// reviewed is a review with what the fraud check said when it was asked again, which may stand in the way of an approval.
func reviewed(to io.Writer, r *review.Review) {
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
		fmt.Fprint(to, ", and confirmed although the fraud check had got worse")
	}
	fmt.Fprintln(to)
}

// aftermath is what people said of it since.
func aftermath(to io.Writer, r ledger.Record) {
	if r.Review != nil {
		reviewed(to, r.Review)
	}
	for _, l := range r.Labels {
		fmt.Fprintf(to, "Labelled %s by %s at %s\n", l.Label, l.Source, l.Time.UTC().Format(time.RFC3339))
	}
}
