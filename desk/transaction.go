package desk

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dummyorders/domain/alert"
	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	"dummyorders/domain/ledger"
	"dummyorders/domain/review"
	"dummyorders/domain/ruleset"
	"dummyorders/domain/transaction"
)

// story is the page of a transaction.
type story struct {
	ledger.Record

	Tried *ruleset.Trial // by the ruleset that decided; nil if that is not at hand
	Line  []event
	// Waits says what a running transaction waits for.
	Waits string
	// WebUI leads to the workflow in Temporal's Web UI.
	WebUI  string
	Alerts []alertOf
	// NoAlerts and NoAudit say why the alerts and the entries of the audit trail cannot be shown now.
	NoAlerts, NoAudit string
	Audit             []audit.Entry
	Words, Sources    []string // of which labels are made
	// MayList reports whether the person may put its card, customer or address on a list.
	MayList bool
}

// alertOf is an alert of the transaction, as the API shows it.
type alertOf struct {
	alert.Log

	State string `json:"state"`
}

// event is a line of the story. Wait is how long after the line before it was, in words.
type event struct {
	At   time.Time
	Text string
	Wait string
}

// Incomplete reports whether details of an alert are missing because no alertman answers.
func (s story) Incomplete() bool {
	return slices.ContainsFunc(s.Alerts, func(a alertOf) bool { return a.Incomplete })
}

func (d *desk) showTransaction(v *visit) (any, error) {
	s := story{
		Words:   []string{ledger.Fraudulent, ledger.Legitimate},
		Sources: []string{ledger.ByReviewer, ledger.ByDispute, ledger.ByEarlyFraudWarning},
	}
	if err := v.get("/transactions/"+pathOf(v, "id"), nil, &s.Record); err != nil {
		return nil, err
	}
	if s.EndTime == nil {
		s.Waits = waitInWords(s.Record)
	}
	s.WebUI = d.WebUI + "/workflows/transaction-" + s.TransactionID
	if v.May(identity.Alerts) {
		var found struct{ Alerts []alertOf }
		s.NoAlerts = why(v.get("/alerts", url.Values{"transaction": {s.TransactionID}}, &found))
		s.Alerts = found.Alerts
	}
	if v.May(identity.Audit) {
		var found struct{ Entries []audit.Entry }
		s.NoAudit = why(v.get("/audit", url.Values{"object": {s.TransactionID}}, &found))
		s.Audit = found.Entries
	}
	s.Tried = v.tryAgain(s.Record)
	s.MayList = v.Person.For(identity.Publish).All()
	s.Line = lineOf(s.Record, s.Alerts)
	return s, nil
}

// why says why a part of a page cannot be shown, or "" if it can.
func why(err error) string {
	p, is := errors.AsType[*Problem](err)
	switch {
	case err == nil:
		return ""
	case is:
		return p.Error()
	default:
		return "the desk cannot read the answer"
	}
}

// lineOf tells what happened to a transaction, the earliest first.
func lineOf(r ledger.Record, alerts []alertOf) []event {
	var line []event
	add := func(at *time.Time, text string) {
		if at != nil && !at.IsZero() {
			line = append(line, event{At: *at, Text: text})
		}
	}
	for _, step := range r.Steps {
		add(&step.Time, stepInWords(step.Code, r))
	}
	if e := r.Explanation; e != nil && r.Decision != nil {
		add(&e.DecidedAt, fmt.Sprintf("The fraud check decided: %s, with a score of %d. It took %s.", plainly(r.Decision.Outcome), r.Decision.Score,
			inWords(time.Duration(e.TookMicros)*time.Microsecond)))
	}
	if asked := r.Review; asked != nil {
		if asked.First != nil {
			add(&asked.First.Time, asked.First.Reviewer+" approved it"+said(asked.First.Note)+". A second person has to agree.")
		}
		add(asked.DecidedAt, reviewInWords(*asked))
	}
	add(r.Payment.VoidedAt, "The hold was released: the buyer keeps the money.")
	for _, l := range r.Labels {
		add(&l.Time, "Labelled "+l.Label+" by "+plainly(l.Source)+by(l.By)+".")
	}
	for _, a := range alerts {
		for _, chain := range a.Chains {
			for _, step := range chain.Steps {
				for _, delivery := range step.Deliveries {
					add(delivery.At, fmt.Sprintf("The alert “%s” to %s (%s) was %s.", alertInWords(a.Type), step.Receiver, delivery.Target, delivery.State))
				}
			}
		}
	}
	slices.SortStableFunc(line, func(a, b event) int { return a.At.Compare(b.At) })
	for i := range line[min(1, len(line)):] {
		line[i+1].Wait = laterInWords(line[i+1].At.Sub(line[i].At))
	}
	return line
}

// stepInWords says what a status means for this transaction.
func stepInWords(code transaction.Status, r ledger.Record) string {
	switch code {
	case transaction.Pending:
		return "Accepted. The fraud check was asked."
	case transaction.PaymentInitiated:
		return "The payment was begun: the gateway was asked for the money."
	case transaction.InReview:
		return "The money is held, and a person has to decide."
	case transaction.PaymentComplete:
		return "The money was taken."
	case transaction.PaymentError:
		return "The payment failed: " + cmp.Or(r.Payment.Error, "the gateway refused it") + "."
	case transaction.Fraudulent:
		return "Stopped: no money is taken."
	case transaction.AlertInitiated:
		return "An alert was begun."
	case transaction.AlertError:
		return "The alert could not be published, and is tried again."
	case transaction.AlertDone:
		return "The alert was published."
	}
	return statusInWords(code.String())
}

// waitInWords says what a transaction waits for.
func waitInWords(r ledger.Record) string {
	switch r.Status() {
	case transaction.Pending:
		return "It waits for the fraud check, which is asked again until it answers or its deadline passes."
	case transaction.PaymentInitiated:
		return "It waits for the gateway, which is asked again until it answers or the payment's deadline passes."
	case transaction.InReview:
		if r.Review.Decided() {
			return "It was decided, and waits for the gateway, which is asked for the money until it answers or the payment's deadline passes."
		}
		return "It waits for a person, until the deadline of the review."
	case transaction.Fraudulent, transaction.AlertInitiated, transaction.AlertError:
		return "It waits for the hold to be released, or for RabbitMQ to take the alert. Both are tried again until they succeed."
	case transaction.PaymentError, transaction.PaymentComplete, transaction.AlertDone:
	}
	return "It waits for its last entry in the ledger."
}

// activitiesInWords says what the steps do that can be tried again.
var activitiesInWords = map[string]string{
	"CheckFraud":   "The fraud check",
	"Charge":       "Taking the money",
	"Authorize":    "Holding the money",
	"Capture":      "Taking the money that is held",
	"Void":         "Releasing the hold",
	"Refund":       "Giving the money back",
	"Save":         "Writing to the ledger",
	"PublishAlert": "Publishing the alert",
}

// retryInWords says what is tried again and why. The page adds when.
func retryInWords(r ledger.Retry) string {
	times := "once"
	if r.Failed > 1 {
		times = fmt.Sprintf("%d times", r.Failed)
	}
	why := "."
	if r.Failure != "" {
		why = ", the last time because: " + strings.TrimSuffix(r.Failure, ".") + "."
	}
	return cmp.Or(activitiesInWords[r.Step], r.Step) + " has failed " + times + why
}

func reviewInWords(r review.Review) string {
	if r.Expired {
		return "The deadline of the review passed without a person: " + string(r.Verdict) + "."
	}
	return r.Reviewer + " decided: " + string(r.Verdict) + said(r.Note) + "."
}

func said(note string) string {
	if note == "" {
		return ""
	}
	return " (“" + note + "”)"
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return ", " + who
}

// labelTransaction keeps the label of the form.
func (d *desk) labelTransaction(v *visit) (to, done string, err error) {
	page := "/transactions/" + pathOf(v, "id")
	label := map[string]string{"label": v.PostFormValue("label"), "source": v.PostFormValue("source"), "note": v.PostFormValue("note")}
	if err := v.send(http.MethodPost, page+"/labels", label, nil); err != nil {
		return "", "", err
	}
	return page, "The label is kept.", nil
}
