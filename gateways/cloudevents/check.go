package cloudevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/types"

	"dummyorders/domain/alert"
	"dummyorders/domain/card"
	"dummyorders/domain/review"
)

// maxShort bounds, in bytes, what brokers and workflow engines take as an id or as something to search by.
const maxShort = 256

// rfc3339 is what a time must be.
const rfc3339 = "a time as in RFC 3339"

// faults are what is wrong with an event.
type faults []string

func (f *faults) must(holds bool, field, be string) {
	if !holds {
		*f = append(*f, field+" must be "+be)
	}
}

func (f *faults) text(field, value string) {
	f.must(strings.TrimSpace(value) != "" && utf8.ValidString(value), field, "text")
}

func (f *faults) short(field, value string) {
	f.text(field, value)
	f.must(len(value) <= maxShort, field, fmt.Sprintf("at most %d bytes long", maxShort))
}

// check names every fault of an event at once.
func check(e alert.Event) error {
	var f faults
	f.short("id", e.ID)
	f.must(strings.TrimSpace(e.Source) != "" && types.ParseURIRef(e.Source) != nil, "source", "a URI reference")
	f.short("subject", e.Subject)
	f.must(!e.Time.IsZero(), "time", rfc3339)
	f.must(e.Type.Known(), "type", fmt.Sprintf("one of %s, not %s", known(), quote(string(e.Type))))
	if e.Type.Known() { // only then can anybody say what the data should be
		f.data(e.Type, e.Data)
	}
	if len(f) > 0 {
		return errors.New(strings.Join(f, "; "))
	}
	return nil
}

func (f *faults) data(of alert.Type, d alert.Data) {
	f.text("data.transactionID", d.TransactionID)
	f.text("data.orderID", d.OrderID)
	f.must(isNumber(d.Amount), "data.amount", "a number")
	f.text("data.currency", d.Currency)
	f.text("data.decision.outcome", string(d.Decision.Outcome))
	if of == alert.ReviewRequested || of == alert.ReviewReminder || of == alert.ReviewExpired {
		f.must(d.Review != nil, "data.review", "an object, as "+string(of)+" has")
	}
	if d.Review != nil {
		f.review(of, *d.Review)
	}
	if of == alert.CompensationFailed {
		f.text("data.problem", d.Problem)
	}
}

func (f *faults) review(of alert.Type, r review.Review) {
	f.must(!r.RequestedAt.IsZero(), "data.review.requestedAt", rfc3339)
	f.must(r.Deadline.After(r.RequestedAt), "data.review.deadline", "a time after requestedAt")
	decided := r.Verdict == review.Approve || r.Verdict == review.Decline
	f.must(decided || r.Verdict == "", "data.review.verdict", "approve or decline, or left out")
	f.must(decided == (r.DecidedAt != nil), "data.review.decidedAt", "a time where there is a verdict, and left out otherwise")
	if of == alert.ReviewExpired {
		f.must(decided && r.Expired, "data.review.expired", "true, with a verdict")
	}
}

// known are the types to choose from.
func known() string {
	names := make([]string, len(alert.Types))
	for i, t := range alert.Types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// isNumber is stricter than encoding/json, which writes an empty json.Number as 0.
func isNumber(n json.Number) bool {
	var value json.Number
	return n != "" && json.Unmarshal([]byte(n), &value) == nil && value == n
}

// quote keeps foreign text short, on one line, and without what could be a card number.
func quote(text string) string {
	if text == "" {
		return "missing"
	}
	return fmt.Sprintf("%.64q", card.Redact(text))
}
